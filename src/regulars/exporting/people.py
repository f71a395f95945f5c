"""The customer as an export has it: its row with its ties, the evidence of consent, and its former addresses."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from regulars.domain.consent import Consent
from regulars.domain.customer import Customer
from regulars.domain.identity import public_number
from regulars.domain.references import Reference
from regulars.domain.working.addresses import FormerAddress
from regulars.domain.working.history import NewsletterConsent
from regulars.store.export_reads import Identity

PLACES: Final = {name: place for place, name in enumerate(Customer.__struct_fields__)}
"""The place of each column in a row."""


class Label(Struct, frozen=True):
    """How an object is named in a file: by its key, else its number, and its name."""

    id: Reference
    name: str | None = None
    deleted: bool = False


class ExportedTie(Struct, frozen=True):
    """A tie of a customer. label: of the object, None for a flag. at: since when (ms)."""

    relation: str
    holds: bool
    at: int
    label: Label | None = None


class ExportedSubscription(Struct, frozen=True):
    """A piece of evidence about a newsletter."""

    consent: NewsletterConsent
    label: Label


class ExportedRequest(Struct, frozen=True):
    """A request for consent, times in ms. label: of the newsletter, None for marketing email."""

    number: int
    label: Label | None
    at: int
    expires_at: int
    wording: str
    confirmed_at: int | None


class ExportedCustomer(Struct):
    """A customer with everything that is kept about it. row: its columns, in the order of `Customer`.

    aliases: the identifiers of customers who were merged into it. subscriptions: the evidence about newsletters.
    requests: those for consent.
    """

    site: int
    row: tuple[Any, ...]
    ties: Sequence[ExportedTie] = ()
    consents: Sequence[Consent] = ()
    former: Sequence[FormerAddress] = ()
    aliases: Sequence[Identity] = ()
    subscriptions: Sequence[ExportedSubscription] = ()
    requests: Sequence[ExportedRequest] = ()

    @property
    def customer(self) -> Customer:
        """The row as a customer; made anew by each call."""
        return Customer(*self.row)

    @property
    def id(self) -> int:
        """The public number of the customer."""
        return public_number(self.site, self.row[0])

    def flag(self, relation: str) -> bool | None:
        """Whether a flag is set, None if nothing was ever said of it."""
        return next((tie.holds for tie in self.ties if tie.relation == relation), None)
