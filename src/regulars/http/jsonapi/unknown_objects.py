"""Unknown objects: those that a question names and that do not exist. They match nobody, and the reply lists them."""

from collections.abc import Callable, Sequence
from typing import Any

from regulars.audience.answering import PageDetails
from regulars.audience.filters.predicates import Followed, Happened, Member, Predicate, TiedSince, leaves, selections
from regulars.domain.events import EVENTS
from regulars.domain.references import Reference
from regulars.domain.relations import BY_NAME
from regulars.http.jsonapi.kinds import BY_KIND
from regulars.store.reads import existing_objects


class WithNamedObjects:
    """The details of a page, and with them, in the same round trip, which of the named objects exist."""

    def __init__(self, details: PageDetails, site: int, predicate: Callable[[], Predicate]) -> None:
        self._details = details
        self._site = site
        self._predicate = predicate
        self._named: list[tuple[str, Reference]] = []
        self._count = 0
        self.complete = details.complete

    def queries(self, numbers: Sequence[int]) -> list[Any]:
        """The queries of the page, then those of the objects."""
        self._named = _objects_of(self._predicate())
        queries = existing_objects(self._site, self._named)
        self._count = len(queries)
        return [*self._details.queries(numbers), *queries]

    def split(self, read: Sequence[Any]) -> tuple[Sequence[Any], list[dict[str, str]]]:
        """What the page has read, and the objects that do not exist, as resource identifiers."""
        count = len(read) - self._count
        existing = set().union(*read[count:])
        unknown = [each for each in self._named if each not in existing]
        return read[:count], [{"type": _type_of(kind), "id": str(reference)} for kind, reference in unknown]


def unknown_events(names: Sequence[str]) -> list[dict[str, str]]:
    """Events of which there are none, as `split` has objects; those of the catalogue are known."""
    return [{"type": "activities", "id": name} for name in names if name not in EVENTS]


def _objects_of(predicate: Predicate) -> list[tuple[str, Reference]]:
    """(kind, number or key) of every object in the predicate, each once."""
    named: dict[tuple[str, Reference], None] = {}
    for leaf in leaves(predicate):
        if isinstance(leaf, Member | TiedSince) and (kind := BY_NAME[leaf.relation].kind) is not None:
            named.update(dict.fromkeys((kind, each) for each in leaf.ids))
        elif isinstance(leaf, Happened | Followed):
            for selection in selections(leaf):
                named.update(dict.fromkeys((kind, each) for kind, ids in selection.objects for each in ids))
    return list(named)


def _type_of(kind: str) -> str:
    return BY_KIND[kind].type if kind in BY_KIND else f"{kind}s"
