"""Email logs: one log is one email to one person. Its status is the furthest that was ever reported."""

import hashlib
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from regulars.domain.identity import public_number, split_number
from regulars.domain.moments import DAY
from regulars.domain.text import whole_number

STATUSES: Final[tuple[str, ...]] = (
    "requested",
    "triggered",
    "queued",
    "failed_to_queue",
    "processed",
    "sent",
    "failed_to_send",
    "dropped",
    "deferred",
    "bounced",
    "delivered",
    "opened",
    "re_opened",
    "clicked",
    "re_clicked",
    "unsubscribed",
    "reported_as_spam",
)
"""Email statuses from the first to the furthest. A status's position is its stored code: append only."""

RANK: Final = {status: rank for rank, status in enumerate(STATUSES)}
_REPEATS: Final = {"opened": "re_opened", "clicked": "re_clicked"}


class Log(Struct):
    """One email to one person; the fields are the columns, in order.

    number: within the site. identity: 16 bytes that identify the email. key: the caller's or provider's id.
    customer: the number of the customer at the time, who may be gone; the address stays. message: empty of a customer
    who is gone. email_name: as events told it; None where the name is that of the template. Moments: ms.
    """

    number: int
    identity: bytes
    key: str | None
    customer: int
    address_key: str | None
    recipient_name: str | None
    recipient_address: str | None
    created_at: int
    status: int
    status_at: int
    message: str
    email_id: str | None
    email_name: str | None
    email_version: str | None
    opens: int = 0
    clicks: int = 0

    def public_id(self, site: int) -> str:
        """The public id of the log: its own id, else log_ and a number that names its site.

        One that it brought but that is, or will be, of another log here is not told.
        """
        if self.key is not None and own_number(self.key, site) is None:
            return self.key
        return f"log_{public_number(site, self.number)}"

    @property
    def shown_message(self) -> str:
        """The message for display: as reported, else derived from the status."""
        return self.message or default_message(STATUSES[self.status])

    def went_to(self, customer: int, address_key: str | None) -> bool:
        """Whether the email went to this customer or to its address."""
        return customer == self.customer or address_key == self.address_key

    def forget(self) -> None:
        """Remove the recipient and what callers said about the email; the address stays."""
        self.recipient_name, self.message = None, ""


def own_number(key: str, site: int) -> int | None:
    """The number of the site's log that a key of ours names (log_ and a public number), None for any other key."""
    digits = key.removeprefix("log_")
    known = None if digits == key else whole_number(digits, longest=16)
    if known is None:
        return None
    of_site, number = split_number(known)
    return number if of_site == site else None


def identify_log(key: str | None, customer: int, objects: Mapping[str, int], at: int) -> bytes:
    """Which email of the customer an event at `at` (ms) is about, as 16 bytes.

    It is that of the key; else of the broadcast; else of template or sequence and day. `objects` gives their numbers by
    kind. A key alone is not enough: providers send one message to many people.
    """
    if key is not None:
        text = f"id {customer} {key}"
    elif "broadcast" in objects:
        text = f"broadcast {customer} {objects['broadcast']}"
    else:
        text = f"day {customer} {objects.get('template', 0)} {objects.get('sequence', 0)} {at // DAY}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def advance(log: Log, status: str, at: int, message: str | None) -> None:
    """Apply one report to the log. The final state is the same for every order of arrival."""
    if status == "opened":
        log.opens += 1
    elif status == "clicked":
        log.clicks += 1
    repeats = {"opened": log.opens, "clicked": log.clicks}.get(status, 0)
    reached = status
    if repeats > 1:
        reached = _REPEATS[status]
        if log.status == RANK[status]:  # the one that is here may be the later of the two
            log.status = RANK[reached]
            log.message = default_message(reached) if log.message == default_message(status) else log.message
    log.created_at = min(log.created_at, at)
    report = (RANK[reached], at, message or default_message(reached))
    if report > (log.status, log.status_at, log.message):
        log.status, log.status_at, log.message = report


def default_message(status: str) -> str:
    """The message for a report without one."""
    return f"Message has been {status.replace('_', '-')}"
