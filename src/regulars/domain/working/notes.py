"""The notes that a transaction writes."""

from regulars.domain.notes import CustomerNote
from regulars.domain.working.history import Rows


class Notes:
    """Notes to add, by customer; the new texts of others, by number; and the numbers of those to delete."""

    def __init__(self) -> None:
        self.added: Rows[CustomerNote] = Rows()
        self.bodies: dict[int, str] = {}
        self.deleted: set[int] = set()

    def forget(self, customer: int) -> None:
        """Drop what is to be added about a customer who is being deleted."""
        self.added.drop(customer)

    def is_clean(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.added or self.bodies or self.deleted)
