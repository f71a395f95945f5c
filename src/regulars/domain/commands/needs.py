"""Needs: the rows that the commands of a batch declare before anything is loaded."""

from collections.abc import Iterable

from msgspec import Struct

from regulars.domain.activity import Activity
from regulars.domain.consent import MANUAL
from regulars.domain.identity import Who
from regulars.domain.profile import Profile
from regulars.domain.references import Reference
from regulars.domain.working.addresses import Identifier


class OrderNeed(Struct, frozen=True):
    """The reports of a customer's order, by event name and order id."""

    who: Who
    event: str
    order_id: str


class MailNeed(Struct, frozen=True):
    """The log of an email to a customer; see `mail.identify_log`.

    key: the id of the email, if it has one. objects: (kind, reference) of what was sent. at: when (ms), None for now.
    by_key: the customer may be the one who got the only email with this id, to whatever address. ref: see
    `restored_activity.identity_of_ref`.
    """

    who: Who
    key: str | None
    objects: tuple[tuple[str, Reference], ...]
    at: int | None
    by_key: bool = False
    ref: str | None = None


class ConsentNeed(Struct, frozen=True):
    """The evidence of a customer's consent. granted: needed unless consent is already so; None: in any case."""

    who: Who
    granted: bool | None = None


class TieNeed(Struct, frozen=True):
    """Ties of a customer to objects of one kind, by each of some relations.

    replaced: a relation all of whose objects are needed, not only the referenced ones. product_relations: relations
    that are needed to the products of the objects, which are offers.
    """

    who: Who
    kind: str
    references: tuple[Reference, ...]
    relations: frozenset[str]
    replaced: str | None = None
    product_relations: frozenset[str] = frozenset()


class Needs:
    """What a batch loads. Commands add to it. Naming something that does not exist is not an error.

    people: customers, with the ties that belong to their picture. objects: (kind, reference). object_names: (kind,
    folded name). new_objects: kinds of which an object may be created that no reference names. events: ids of events
    (16 bytes) that may have been counted. deleted: whose former addresses are needed. happened: whose tombstones are
    needed also if they are known; of others they always are. addresses: those of which it is needed who had them.
    offers: those whose products are needed. linked_products: products that the batch may put into any offer.
    plans: drip campaigns whose plans are needed. drips: those of whom it is needed which mails are pending, and the
    plans of the campaigns that they are subscribed to. visitors: cookies and devices of which it is needed whose they
    are. namings: those that the batch names, and with whom: what waits for them is needed. anonymous: events that name
    nobody. revenues: customers whose revenue by currency is needed, and with it the currency of the site.
    audiences: those whose definitions are needed. has_audience_graph: it is needed which audiences refer to which.
    log_identities: those of email logs that no customer has. places: (customer, code of the relation, object) of ties.
    traces: the numbers of customers of whom it is needed what is kept of them. merging: customers who are merged: all
    that is kept of them is needed. unmerging: the numbers of merges to undo. consent_requests: their numbers.
    """

    def __init__(self) -> None:
        self.people: list[Who] = []
        self.objects: set[tuple[str, Reference]] = set()
        self.object_names: set[tuple[str, str]] = set()
        self.new_objects: set[str] = set()
        self.events: set[bytes] = set()
        self.orders: list[OrderNeed] = []
        self.mails: list[MailNeed] = []
        self.consents: list[ConsentNeed] = []
        self.deleted: list[Who] = []
        self.happened: list[Who] = []
        self.addresses: set[str] = set()
        self.ties: list[TieNeed] = []
        self.offers: set[Reference] = set()
        self.linked_products: set[Reference] = set()
        self.plans: set[Reference] = set()
        self.drips: list[Who] = []
        self.visitors: set[Identifier] = set()
        self.namings: list[tuple[tuple[Identifier, ...], Who]] = []
        self.anonymous: list[Activity] = []
        self.revenues: list[Who] = []
        self.audiences: set[Reference] = set()
        self.has_audience_graph = False
        self.log_identities: set[bytes] = set()
        self.places: set[tuple[int, int, int]] = set()
        self.traces: set[int] = set()
        self.merging: list[Who] = []
        self.unmerging: set[int] = set()
        self.consent_requests: set[int] = set()

    def profile(self, profile: Profile, *, is_dated: bool = False) -> None:
        """The customer that a profile names is needed, with the groups and newsletters that it names.

        is_dated: the profile says when it was so.
        """
        self.people.append(profile.who)
        if profile.unsubscribed is not None:
            always = is_dated or (profile.unsubscribed and profile.cause != MANUAL)
            self.consents.append(ConsentNeed(profile.who, None if always else not profile.unsubscribed))
        if profile.groups:
            self.refer("group", profile.groups)
        if profile.newsletters:
            self.refer("newsletter", [reference for reference, _ in profile.newsletters])

    def name(self, visitor: tuple[Identifier, ...], who: Who) -> None:
        """A cookie or device is named with a customer."""
        if visitor:
            self.visitors.update(visitor)
            self.namings.append((visitor, who))

    def refer(self, kind: str, references: Iterable[Reference]) -> None:
        """Objects of one kind are needed."""
        self.objects.update([(kind, reference) for reference in references])

    def tie(self, need: TieNeed) -> None:
        """Ties to objects are needed, and the objects."""
        self.ties.append(need)
        self.refer(need.kind, need.references)
        if need.product_relations:
            self.offers.update(need.references)
