"""MissingColumnError: raised by what is built on first use."""

from collections.abc import Sequence


class MissingColumnError(Exception):
    """A column is not built yet; it must be before the question can be answered.

    ties: the (relation, object) whose times are missing, if it is these.
    """

    def __init__(self, ties: Sequence[tuple[int, int]] = ()) -> None:
        super().__init__(ties)
        self.ties = tuple(ties)
