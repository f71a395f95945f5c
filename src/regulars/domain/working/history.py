"""The history of a transaction: events, email logs and evidence of consent."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from regulars.domain.consent import Consent, Moments
from regulars.domain.mail import Log
from regulars.domain.orders import Report, report_of
from regulars.domain.profile_changes import ProfileChange

LACKS_TIME: Final = 1
"""The event came without a time, and has that of its arrival."""

LACKS_UUID: Final = 2
"""The event came without an id, and has one that was made of its content."""


class ActivityRow(Struct):
    """One event in a customer's history; the fields are the columns, in order."""

    number: int
    customer: int
    name: str
    at: int
    uuid: bytes | None
    order_id: str | None
    log: int | None
    detail: str | None
    lacks: int = 0
    """What the caller left out and we filled in: the sum of LACKS_TIME and LACKS_UUID."""
    received_at: int | None = None
    """When it arrived (ms). This and the next two are None of events that an older version stored."""
    channel: int | None = None
    """A `Channel`."""
    actor: int | None = None
    """The number of the `Actor`."""


class NewsletterConsent(Struct, frozen=True):
    """Evidence that a customer subscribed to a newsletter or left it; the fields are the columns, in order.

    newsletter: its number. The others are as those of `Consent`.
    """

    customer: int
    newsletter: int
    at: int
    granted: bool
    cause: str | None
    source: str
    wording: str | None = None
    proof: str | None = None
    received_at: int | None = None
    channel: int | None = None
    actor: int | None = None


class Traces(NamedTuple):
    """What is kept of a customer beside its row and its shown ties, with what is kept of its parts.

    last_consent: the number of the newest evidence of consent, 0 if there is none. hidden_ties: the number of ties that
    no reply shows. has_history: there are events, emails, notes, or a cookie or device. has_newsletter_evidence: there
    is evidence about newsletters. requests: the number of requests for consent.
    """

    last_consent: int
    hidden_ties: int
    has_history: bool
    has_newsletter_evidence: bool = False
    requests: int = 0


NO_TRACES: Final = Traces(0, 0, False)
"""Nothing is kept."""


class _OfCustomer(Protocol):
    @property
    def customer(self) -> int: ...


_Row = TypeVar("_Row", bound=_OfCustomer)


class Rows(Generic[_Row]):
    """Rows to write, in order. Those of one customer are found without a look at the others."""

    def __init__(self) -> None:
        self._rows: dict[int, _Row] = {}
        self._places: defaultdict[int, list[int]] = defaultdict(list)
        self._end = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[_Row]:
        return iter(self._rows.values())

    def append(self, row: _Row) -> None:
        """Add a row at the end."""
        self._rows[self._end] = row
        self._places[row.customer].append(self._end)
        self._end += 1

    def drop(self, customer: int, *, keep: Callable[[_Row], bool] = lambda _: False) -> list[_Row]:
        """Remove the rows of a customer, except those to `keep`, which are returned."""
        places = self._places.pop(customer, [])
        kept = [place for place in places if keep(self._rows[place])]
        for place in set(places).difference(kept):
            del self._rows[place]
        if kept:
            self._places[customer] = kept
        return [self._rows[place] for place in kept]

    def of(self, customer: int) -> list[_Row]:
        """The rows of a customer."""
        return [self._rows[place] for place in self._places.get(customer, ())]

    def cut(self, length: int) -> None:
        """Keep the first `length` rows only."""
        while len(self._rows) > length:
            place, row = self._rows.popitem()
            self._places[row.customer].remove(place)


class History:
    """The history that a transaction adds to, and what it needs to know repeats by.

    logs: mails by their identity. seen_uuids: the ids of events that were counted, with the customer who takes the
    memory of it along when deleted (None: the event is of a mail, whose log stays). orders: what was reported of
    orders, by (customer, name of the event, order). activities, new_logs, changed_logs, consents,
    newsletter_consents: the rows to write.
    Add to seen_uuids, new_logs and changed_logs by `see`, `add_log` and `change_log`.
    statuses: of the changed logs, as they are stored. moments: what the evidence of consent comes to, by customer; of
    those whose consent may change. profile_changes: to write, too. undone_consents: (customer, number) of stored
    evidence to delete. traces: what is kept of customers, of those of whom it is needed.
    """

    def __init__(self) -> None:
        self.logs: dict[bytes, Log] = {}
        self.seen_uuids: dict[bytes, int | None] = {}
        self.orders: dict[tuple[int, str, str], list[Report]] = {}
        self.activities: Rows[ActivityRow] = Rows()
        self.new_logs: dict[int, Log] = {}
        self.statuses: dict[int, int] = {}
        self.changed_logs: dict[int, Log] = {}
        self.consents: Rows[Consent] = Rows()
        self.newsletter_consents: Rows[NewsletterConsent] = Rows()
        self.profile_changes: Rows[ProfileChange] = Rows()
        self.moments: dict[int, Moments] = {}
        self.undone_consents: list[tuple[int, int]] = []
        self.traces: dict[int, Traces] = {}
        self._mails: dict[tuple[str, str], Log] = {}
        self._by_key: dict[str, dict[int, Log]] = {}
        self._uuids_of: defaultdict[int, list[bytes]] = defaultdict(list)
        self._logs_of: defaultdict[int, list[Log]] = defaultdict(list)

    def see(self, uuid: bytes, owner: int | None) -> None:
        """Note the id of an event that is counted. owner: the customer who takes it along when deleted."""
        self.seen_uuids[uuid] = owner
        if owner is not None:
            self._uuids_of[owner].append(uuid)

    def add_log(self, log: Log) -> None:
        """Note a new mail."""
        self.logs[log.identity] = log
        self.new_logs[log.number] = log
        self._logs_of[log.customer].append(log)

    def change_log(self, log: Log) -> None:
        """Note a mail that is about to be changed."""
        if log.number not in self.changed_logs and log.number not in self.new_logs:
            self.statuses[log.number] = log.status
            self._logs_of[log.customer].append(log)
        self.changed_logs[log.number] = log

    def stored_logs_changed(self) -> list[Log]:
        """The changed mails that were stored before this transaction."""
        return [log for number, log in self.changed_logs.items() if number not in self.new_logs]

    def add_report(
        self, customer: int, event: str, order: str, at: int, uuid: bytes | None, detail: str | None, lacks: int
    ) -> None:
        """Take in what a stored event reports of an order."""
        report = report_of(None if lacks & LACKS_UUID else uuid, None if lacks & LACKS_TIME else at, detail)
        self.orders.setdefault((customer, event, order), []).append(report)

    def note_mail(self, log: Log, key: str | None) -> None:
        """Record by which id an email was named, and to which address it went."""
        if key is not None:
            self._by_key.setdefault(key, {})[log.number] = log
        if key is not None and log.address_key is not None:
            first = self._mails.setdefault((key, log.address_key), log)
            if log.number < first.number:
                self._mails[key, log.address_key] = log

    def mail_to(self, key: str, address_key: str | None) -> Log | None:
        """The email with this id that went to this address; the first of several."""
        return None if address_key is None else self._mails.get((key, address_key))

    def mails_of(self, key: str) -> list[Log]:
        """The mails of this id, as far as they are loaded; two at least if there are several."""
        return list(self._by_key.get(key, {}).values())

    def erase(self, customer: int) -> None:
        """Drop everything that was noted of a customer who is being erased, emails too."""
        self.activities.drop(customer)
        for log in self._logs_of.pop(customer, ()):
            self.new_logs.pop(log.number, None)
            self.changed_logs.pop(log.number, None)
            self.logs.pop(log.identity, None)

    def forget(self, customer: int) -> None:
        """Drop what was noted of a customer who is being deleted. Its mails stay, without what says who got them."""
        for row in self.activities.drop(customer, keep=lambda row: row.log is not None):
            row.detail = None
        for log in self._logs_of.pop(customer, ()):
            log.forget()
        self.consents.drop(customer)
        self.newsletter_consents.drop(customer)
        self.profile_changes.drop(customer)
        self.moments.pop(customer, None)
        for uuid in self._uuids_of.pop(customer, ()):
            if self.seen_uuids.get(uuid) == customer:
                del self.seen_uuids[uuid]
