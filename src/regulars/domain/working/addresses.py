"""What is stored about addresses: former owners, hard bounces, and deleted customers."""

from msgspec import Struct

Identifier = tuple[str, str]
"""("email", the address as it is compared) or ("customer_id", the id)."""

NOBODY = 0
"""Stands for the customer of what is told of an address that no customer had."""


class FormerAddress(Struct):
    """An address that a customer had and changed; the fields are the columns, in order.

    hard_bouncing: whether it bounced hard, since `hard_at`, and was not cleared. complained_at: when mail to it was
    reported as spam. Of an address that the customer still has, what was reported of it. Moments: ms.
    """

    email_key: str
    customer: int
    hard_bouncing: bool = False
    hard_at: int | None = None
    bounced_at: int | None = None
    complained_at: int | None = None

    def merge(self, other: "FormerAddress") -> None:
        """Add what another report says of the address. Every order of reports ends alike."""
        if other.hard_at is not None and (other.hard_at, other.hard_bouncing) > (self.hard_at or 0, self.hard_bouncing):
            self.hard_at, self.hard_bouncing = other.hard_at, other.hard_bouncing
        self.bounced_at = latest(self.bounced_at, other.bounced_at)
        self.complained_at = latest(self.complained_at, other.complained_at)


class Tombstone(Struct):
    """What remains of a deleted customer for each identifier: a keyed hash of it, and no text.

    deleted_at: nothing that happened until then is of whoever has the identifier now. suppressed_at, complained_at:
    since when (ms) mail to the address must not be sent, as it was suppressed or reported as spam; None: it may.
    hard_at, cleared_at: when (ms) it last bounced hard, and when that was last cleared. ended_at: since when (ms) there
    was no consent any more. erased_at: since when (ms) nothing about the person is kept. ignored: how often something
    about the person was ignored since.
    """

    deleted_at: int
    suppressed_at: int | None = None
    complained_at: int | None = None
    hard_at: int | None = None
    cleared_at: int | None = None
    ended_at: int | None = None
    erased_at: int | None = None
    ignored: int | None = None


def latest(*moments: int | None) -> int | None:
    """The latest of the moments that are there."""
    return max((moment for moment in moments if moment is not None), default=None)


class Addresses:
    """The former addresses and tombstones that a transaction has loaded or made.

    former: by (address, customer). changed: those to write. removed: those whose rows are to be deleted before.
    tombstones: by identifier. buried: those to write.
    """

    def __init__(self) -> None:
        self.former: dict[tuple[str, int], FormerAddress] = {}
        self.changed: set[tuple[str, int]] = set()
        self.removed: set[tuple[str, int]] = set()
        self.tombstones: dict[Identifier, Tombstone] = {}
        self.buried: set[Identifier] = set()
        self._of: dict[str, set[int]] = {}

    def add(self, row: FormerAddress) -> None:
        """Take in a loaded one; what the transaction has changed already stays."""
        self.former.setdefault((row.email_key, row.customer), row)
        self._of.setdefault(row.email_key, set()).add(row.customer)

    def save(self, row: FormerAddress) -> None:
        """Note what is told of a customer's address; what is known of it already stays."""
        known = self.former.setdefault((row.email_key, row.customer), row)
        if known is not row:
            known.merge(row)
        self._of.setdefault(row.email_key, set()).add(row.customer)
        self.changed.add((row.email_key, row.customer))

    def owners(self, email_key: str) -> set[int]:
        """Who had the address before."""
        return self._of.get(email_key, set())

    def of(self, email_key: str) -> list[FormerAddress]:
        """What is kept of an address, by each who had it."""
        return [self.former[email_key, customer] for customer in self.owners(email_key)]

    def had_by(self, customer: int) -> list[FormerAddress]:
        """The former addresses of a customer, as far as they are loaded."""
        return [row for (_, owner), row in self.former.items() if owner == customer]

    def replace(self, row: FormerAddress, before: FormerAddress | None) -> None:
        """Put what was kept of an address before in the place of a row; None: nothing."""
        key = (row.email_key, row.customer)
        del self.former[key]
        self._of[row.email_key].discard(row.customer)
        self.changed.discard(key)
        self.removed.add(key)
        if before is not None:
            self.save(before)

    def bury(self, identifier: Identifier, tombstone: Tombstone) -> None:
        """Put up a tombstone, or change it."""
        self.tombstones[identifier] = tombstone
        self.buried.add(identifier)

    def forget(self, customer: int) -> None:
        """Drop the former addresses of a customer who is being deleted."""
        for row in self.had_by(customer):
            del self.former[row.email_key, customer]
            self._of[row.email_key].discard(customer)
            self.changed.discard((row.email_key, customer))
