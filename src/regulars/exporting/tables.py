"""The table of an export: the header, and an item as a row of cells and as lines."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)


class BadFieldError(ValueError):
    """A field that the export does not have; the message says which there are."""


class ExportTable(Protocol[T_contra]):
    """How the items of an export become rows and lines."""

    @property
    def header(self) -> Sequence[str]:
        """The names of the cells of a row."""
        ...

    def row(self, item: T_contra) -> Sequence[Any]:
        """The cells: text, numbers, flags, lists and objects, or None."""
        ...

    def lines(self, item: T_contra) -> Iterable[Any]:
        """The JSON objects of an item; mostly one."""
        ...


def refuse_unknown(fields: Sequence[str] | None, known: Iterable[str]) -> None:
    """Raise BadFieldError unless all fields are among the known ones."""
    names = list(known)
    for field in fields or ():
        if field not in names:
            raise BadFieldError(f"there is no field {field!r}; there are: {', '.join(names)}")
