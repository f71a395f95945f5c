"""Drip campaigns: sequences with a plan of mails, and the mails that wait to be sent.

A drip campaign is a sequence. Every sequence has a plan; one that nobody has planned is disabled and has no steps.
"""

from typing import Final

import msgspec
from msgspec import Struct

from regulars.domain.mail import RANK, Log
from regulars.domain.moments import DAY, SECOND

KIND: Final = "sequence"
"""The kind of object that a drip campaign is."""

RELATION: Final = "sequence.subscribed"
"""Ties a customer to the campaigns that are active for it."""

MOST_STEPS: Final = 50
LONGEST_DELAY: Final = 3650 * DAY // SECOND
"""The longest delay of a step, in seconds: ten years."""


class DripStep(Struct, frozen=True, array_like=True):
    """A mail of a campaign. delay_seconds: since the step before, or since the activation. template: its number."""

    delay_seconds: int
    template: int


class DripPlan(Struct, frozen=True):
    """The plan of a campaign. sequence: the campaign's number. trigger_template: the template whose mails start it."""

    sequence: int
    enabled: bool = False
    trigger_template: int | None = None
    steps: tuple[DripStep, ...] = ()

    def due_times(self, now: int) -> list[int]:
        """When each step is due (ms), for an activation at `now`."""
        found = []
        for step in self.steps:
            now += step.delay_seconds * SECOND
            found.append(now)
        return found


class PendingMail(Struct, frozen=True):
    """A mail that waits to be sent; the fields are the columns, in order.

    number: a log's, which the mail's log will have. sequence: the campaign. step: its place in the plan, from 1.
    customer: the customer at the time of the activation, who may be gone; the address stays. data: what the activation
    said of the mail, as a JSON object. Moments: ms.
    """

    number: int
    sequence: int
    step: int
    customer: int
    address_key: str
    recipient_address: str
    recipient_name: str | None
    template: int
    created_at: int
    due_at: int
    data: str | None

    def log(self, template: str) -> Log:
        """The mail as lists of logs show it, at the time when it is due. template: the public id of the template."""
        return Log(
            number=self.number,
            identity=b"",
            key=None,
            customer=self.customer,
            address_key=self.address_key,
            recipient_name=self.recipient_name,
            recipient_address=self.recipient_address,
            created_at=self.due_at,
            status=RANK["queued"],
            status_at=self.created_at,
            message="",
            email_id=template,
            email_name=None,
            email_version=None,
        )


def encode_steps(steps: tuple[DripStep, ...]) -> str:
    """Steps as they are stored: a JSON array of [delay in seconds, template]."""
    return msgspec.json.encode(steps).decode()


def decode_steps(text: str) -> tuple[DripStep, ...]:
    """Stored steps."""
    return msgspec.json.decode(text, type=tuple[DripStep, ...])
