"""The saved audiences of a transaction: their definitions, and which refer to which."""

from collections.abc import Iterable

from msgspec.structs import replace

from regulars.domain.audience_watches import NOT_KEPT, Movement, Watch
from regulars.domain.audiences import Definition, Referring


class Audiences:
    """The definitions that a transaction has loaded or changed.

    definitions: by number. graph: every audience of the site that refers to others, if a command needs it. saved:
    numbers of definitions to write. deleted: numbers of audiences whose definitions are to be deleted.
    watches: what is stored of watched audiences. watched: numbers of watches to write. movements: (watch, movement) in
    order. members: parts of the membership to write, by audience and place. unwatched: audiences whose members are no
    longer kept.
    """

    def __init__(self) -> None:
        self.definitions: dict[int, Definition] = {}
        self.graph: dict[int, Referring] = {}
        self.saved: set[int] = set()
        self.deleted: set[int] = set()
        self.watches: dict[int, Watch] = {}
        self.watched: set[int] = set()
        self.movements: list[tuple[Watch, Movement]] = []
        self.members: dict[tuple[int, int], bytes] = {}
        self.unwatched: set[int] = set()

    def save(self, definition: Definition, label: str) -> None:
        """Note that a definition is to be written. label: what the audience is called in messages."""
        number = definition.audience
        if not definition.watched:
            self._unwatch(number)
        self.definitions[number] = definition
        self.saved.add(number)
        self.graph.pop(number, None)
        if definition.refers:
            self.graph[number] = Referring(label, definition.refers)

    def delete(self, number: int) -> None:
        """An audience is being deleted."""
        self.definitions.pop(number, None)
        self.graph.pop(number, None)
        self.saved.discard(number)
        self.deleted.add(number)
        self._unwatch(number)

    def watch_of(self, number: int) -> Watch | None:
        """The watch of an audience whose members are kept."""
        watch = self.watches.get(number)
        return None if watch is None or watch.as_of == NOT_KEPT else watch

    def record(self, watch: Watch, movements: Iterable[Movement], members: Iterable[tuple[int, bytes]]) -> None:
        """Take in who entered and left. members: the parts of the membership that changed, by place."""
        number = watch.audience
        self.watches[number] = watch
        self.watched.add(number)
        self.movements += [(watch, each) for each in movements]
        self.members.update({(number, place): body for place, body in members})

    def _unwatch(self, number: int) -> None:
        watch = self.watch_of(number)
        if watch is not None:
            self.watches[number] = replace(watch, revision=watch.revision + 1, as_of=NOT_KEPT)
            self.watched.add(number)
            self.unwatched.add(number)

    def is_clean(self) -> bool:
        """Whether nothing has to be written."""
        return not (self.saved or self.deleted or self.watched)
