"""Commands: what can be asked of the ledger. Each carries judged input; what it did is an Outcome."""

from typing import Literal

from msgspec import Struct

from regulars.domain.activity import Activity
from regulars.domain.consent import Consent
from regulars.domain.customer import Person
from regulars.domain.faults import RefusedError
from regulars.domain.identity import Who
from regulars.domain.objects import RelatedObject
from regulars.domain.profile import Profile
from regulars.domain.references import Reference

Verdict = Literal["created", "updated", "unchanged", "deleted"]

Change = Literal["add", "remove", "replace"]
"""What a call does to a set: adds to it, removes from it, or makes it these and no others."""


class Restored(Struct, frozen=True, kw_only=True):
    """What only an import may say of a customer: the past that our own export wrote down."""

    created_at: int | None = None
    updated_at: int | None = None
    bucket: int | None = None
    consents: tuple[Consent, ...] = ()


class Upsert(Struct, frozen=True):
    """Create the customer that the profile names, or update it. `source` is the door, kept with consent.

    new: the customer must not be there yet. A profile that names a number is refused unless that customer is there.
    tags: the only ones that a customer, named by number, has from now on; all of them known, or nothing changes.
    """

    profile: Profile
    source: str = "api"
    restored: Restored | None = None
    new: bool = False
    tags: tuple[Reference, ...] | None = None

    @property
    def tagging(self) -> "Relate | None":
        """What the tags come to as a command."""
        who = Who(number=self.profile.who.number)
        return None if self.tags is None else Relate(who, "tag.has", self.tags, "replace")


class UpsertGroup(Struct, frozen=True):
    """Upserts that speak of one customer, and count as one: what they undo among themselves did not happen.

    An import gathers a file's lines on one customer so. If the last of them leaves the customer as the first found it,
    nothing changed: a repeat of the file is none of its business. Each may be refused alone.
    """

    upserts: tuple[Upsert, ...]


class DeleteCustomer(Struct, frozen=True):
    """Forget a customer with all its ties. Its logs stay, by address."""

    who: Who


class RecordActivity(Struct, frozen=True):
    """Something happened to a customer, who is created if unknown."""

    activity: Activity
    source: str = "event"


class Relate(Struct, frozen=True):
    """Tie a known customer to known objects, or untie it, on the caller's word of this moment: to all, or to none.

    `relation` is a key of `domain.ties.RELATIONSHIPS`. It is what the events of that name would be at this moment.
    """

    who: Who
    relation: str
    references: tuple[Reference, ...]
    change: Change


class SaveObject(Struct, frozen=True, kw_only=True):
    """Create an object (`reference` None), or change the one that `reference` names.

    key: what a new object is known by, its number or its key. None leaves a field as it is, "" clears the description.
    """

    kind: str
    reference: Reference | None = None
    key: Reference | None = None
    name: str | None = None
    description: str | None = None


class LinkProducts(Struct, frozen=True):
    """Say which products a known offer has: all of them known ones, or nothing changes.

    It holds for those who are granted the offer, or lose it, from now on.
    """

    offer: Reference
    products: tuple[Reference, ...]
    change: Change


class DeleteObject(Struct, frozen=True):
    """Delete an object and every tie to it."""

    kind: str
    reference: Reference


class Rebuild(Struct, frozen=True):
    """Ask every process to drop its index of the site and load it anew."""


Command = (
    Upsert | UpsertGroup | DeleteCustomer | RecordActivity | Relate | SaveObject | LinkProducts | DeleteObject | Rebuild
)


class Outcome(Struct, frozen=True):
    """What a command did: a verdict with whom or what it concerned, or the refusal that left all as it was.

    parts: of UpsertGroup, the outcome of each upsert.
    """

    verdict: Verdict = "unchanged"
    person: Person | None = None
    object: RelatedObject | None = None
    refusal: RefusedError | None = None
    parts: "tuple[Outcome, ...]" = ()
