"""The saved audiences of a transaction: their definitions, and which refer to which."""

from regulars.domain.audiences import Definition, Referring


class Audiences:
    """The definitions that a transaction has loaded or changed.

    definitions: by number. graph: every audience of the site that refers to others, if a command needs it. saved:
    numbers of definitions to write. deleted: numbers of audiences whose definitions are to be deleted.
    """

    def __init__(self) -> None:
        self.definitions: dict[int, Definition] = {}
        self.graph: dict[int, Referring] = {}
        self.saved: set[int] = set()
        self.deleted: set[int] = set()

    def save(self, definition: Definition, label: str) -> None:
        """Note that a definition is to be written. label: what the audience is called in messages."""
        number = definition.audience
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

    def is_clean(self) -> bool:
        """Whether nothing has to be written."""
        return not (self.saved or self.deleted)
