"""The history of a transaction: events, mails and evidence of consent."""

from typing import Final

from msgspec import Struct

from regulars.domain.consent import Consent, Moments
from regulars.domain.mail import Log
from regulars.domain.orders import Report, report_of

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
    """What the caller left open and we filled in: LACKS_TIME and LACKS_UUID, added up."""


class History:
    """The history that a transaction adds to, and what it needs to know repeats by.

    logs: mails by their identity. seen_uuids: the ids of events that were counted, with the customer who takes the
    memory of it along when deleted (None: the event is of a mail, whose log stays). orders: what was reported of
    orders, by (customer, name of the event, order). activities, new_logs, changed_logs, consents: the rows to write.
    statuses: of the changed logs, as they are stored. moments: what the evidence of consent comes to, by customer; of
    those whose consent may change.
    """

    def __init__(self) -> None:
        self.logs: dict[bytes, Log] = {}
        self.seen_uuids: dict[bytes, int | None] = {}
        self.orders: dict[tuple[int, str, str], list[Report]] = {}
        self.activities: list[ActivityRow] = []
        self.new_logs: dict[int, Log] = {}
        self.statuses: dict[int, int] = {}
        self.changed_logs: dict[int, Log] = {}
        self.consents: list[Consent] = []
        self.moments: dict[int, Moments] = {}
        self._mails: dict[tuple[str, str], Log] = {}

    def add_report(
        self, customer: int, event: str, order: str, at: int, uuid: bytes | None, detail: str | None, lacks: int
    ) -> None:
        """Take in what a stored event reports of an order."""
        report = report_of(None if lacks & LACKS_UUID else uuid, None if lacks & LACKS_TIME else at, detail)
        self.orders.setdefault((customer, event, order), []).append(report)

    def note_mail(self, log: Log, key: str | None) -> None:
        """Note by which id a mail was named, and to which address it went."""
        if key is not None and log.address_key is not None:
            first = self._mails.setdefault((key, log.address_key), log)
            if log.number < first.number:
                self._mails[key, log.address_key] = log

    def mail_to(self, key: str, address_key: str | None) -> Log | None:
        """The mail of this id that went to this address; the first of several."""
        return None if address_key is None else self._mails.get((key, address_key))

    def forget(self, customer: int) -> None:
        """Drop what was noted of a customer who is being deleted. Its mails stay, without what says who got them."""
        self.activities = [row for row in self.activities if row.customer != customer or row.log is not None]
        for row in self.activities:
            if row.customer == customer:
                row.detail = None
        for log in (*self.new_logs.values(), *self.changed_logs.values()):
            if log.customer == customer:
                log.forget()
        self.consents = [row for row in self.consents if row.customer != customer]
        self.moments.pop(customer, None)
        self.seen_uuids = {uuid: owner for uuid, owner in self.seen_uuids.items() if owner != customer}
