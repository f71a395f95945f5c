"""The table of an export: the header, and items as columns and as lines."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)


class BadFieldError(ValueError):
    """A field that the export does not have; the message says which there are."""


Form = Literal["id", "uuid", "text", "number", "moment", "money", "flag", "objects", "evidence", "json"]
"""What a column holds: a customer's number, a uuid, text, a whole number, a time in ISO 8601, a decimal, true or false,
a list of keys and numbers of objects, the evidence of consent as a list, or any JSON value."""


class ExportTable(Protocol[T_contra]):
    """How the items of an export become columns and lines."""

    @property
    def header(self) -> Sequence[str]:
        """The names of the columns."""
        ...

    @property
    def forms(self) -> Sequence[Form]:
        """What the columns hold."""
        ...

    def columns(self, items: Sequence[T_contra]) -> Sequence[Sequence[Any]]:
        """The columns, with a cell for each item: text, a number, a flag, a list, an object, or None."""
        ...

    def lines(self, items: Sequence[T_contra]) -> Iterable[Any]:
        """The JSON objects of the items; mostly one each."""
        ...


def refuse_unknown(fields: Sequence[str] | None, known: Iterable[str]) -> None:
    """Raise BadFieldError unless all fields are among the known ones."""
    names = list(known)
    for field in fields or ():
        if field not in names:
            raise BadFieldError(f"there is no field {field!r}; there are: {', '.join(names)}")


def as_objects(header: Sequence[str], columns: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """The rows of a table as JSON objects."""
    return (dict(zip(header, cells, strict=True)) for cells in zip(*columns, strict=True))


def is_empty(cells: Sequence[Any]) -> bool:
    """Whether all cells of a column, which has at least one, are None."""
    return cells[0] is None and cells.count(None) == len(cells)
