"""The anonymous visitors of a transaction: whose cookies and devices they are, and the events that wait for a name."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from regulars.domain.activity import Activity
from regulars.domain.working.addresses import Identifier


class Holder(Struct, frozen=True):
    """The customer whom a cookie or device was last named with, and when (ms)."""

    customer: int
    at: int


class WaitingEvent(Struct, frozen=True):
    """An event of an anonymous visitor. visitor: its cookie and device, as far as this transaction knows them."""

    number: int
    visitor: tuple[Identifier, ...]
    activity: Activity
    received_at: int


class Visitors:
    """The visitors that a transaction has loaded or named.

    holders: by cookie or device. named: those to write. waiting: events by number, in the order of their arrival.
    counts: how many stored events wait, by cookie or device. uuids: of waiting events. kept: numbers of events to
    write. given: numbers of stored events to delete.
    """

    def __init__(self) -> None:
        self.holders: dict[Identifier, Holder] = {}
        self.named: set[Identifier] = set()
        self.waiting: dict[int, WaitingEvent] = {}
        self.counts: dict[Identifier, int] = {}
        self.uuids: set[bytes] = set()
        self.kept: set[int] = set()
        self.given: set[int] = set()

    def name(self, identifier: Identifier, holder: Holder) -> None:
        """A cookie or device is named with a customer."""
        self.holders[identifier] = holder
        self.named.add(identifier)

    def waiting_for(self, visitor: Sequence[Identifier]) -> list[WaitingEvent]:
        """The events that wait for a cookie or device to be named, the first to arrive first."""
        if not self.waiting:
            return []
        return [event for event in self.waiting.values() if any(each in visitor for each in event.visitor)]

    def keep(self, event: WaitingEvent) -> None:
        """Note that an event waits."""
        self.waiting[event.number] = event
        self.kept.add(event.number)
        if event.activity.uuid is not None:
            self.uuids.add(event.activity.uuid)
        for identifier in event.visitor:
            self.counts[identifier] = self.counts.get(identifier, 0) + 1

    def take(self, events: Iterable[WaitingEvent]) -> None:
        """Note that events wait no more."""
        for event in events:
            del self.waiting[event.number]
            for identifier in event.visitor:
                self.counts[identifier] = self.counts.get(identifier, 1) - 1
            if event.activity.uuid is not None:
                self.uuids.discard(event.activity.uuid)
            if event.number in self.kept:
                self.kept.discard(event.number)
            else:
                self.given.add(event.number)

    def forget(self, customer: int) -> list[Identifier]:
        """Drop the cookies and devices of a customer who is being deleted; returns those that are loaded."""
        dropped = [identifier for identifier, holder in self.holders.items() if holder.customer == customer]
        for identifier in dropped:
            del self.holders[identifier]
            self.named.discard(identifier)
        return dropped

    def is_clean(self) -> bool:
        """Whether nothing has to be written."""
        return not (self.named or self.kept or self.given)
