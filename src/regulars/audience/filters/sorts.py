"""Sorts: the table of columns that pages can be sorted by."""

from typing import Final

from msgspec import Struct


class SortColumn(Struct, frozen=True):
    """A sort column, and both directions in words."""

    name: str
    ascending: str
    descending: str


_COLUMNS: Final = (
    SortColumn("id", "in the order of their numbers", "in the reverse order of their numbers"),
    SortColumn("name", "by name", "by name from the end of the alphabet"),
    SortColumn("email", "by email address", "by email address from the end of the alphabet"),
    SortColumn("created_at", "oldest first", "newest first"),
    SortColumn("updated_at", "least recently changed first", "most recently changed first"),
    SortColumn("net_revenue", "lowest net revenue first", "highest net revenue first"),
    SortColumn("last_request_at", "longest inactive first", "most recently active first"),
)

SORTS: Final = {each.name: each for each in _COLUMNS}
"""The columns by name; "id" is the order of creation."""


class Sort(Struct, frozen=True):
    """A sort order by a column of SORTS: unset values last in both directions, ties by ascending id."""

    column: str = "id"
    descending: bool = False

    def __post_init__(self) -> None:
        if self.column not in SORTS:
            raise ValueError(f"cannot sort by {self.column!r}; one of {', '.join(SORTS)}")

    @property
    def words(self) -> str:
        """The order in words."""
        column = SORTS[self.column]
        return column.descending if self.descending else column.ascending
