"""Consent to marketing mail: what starts it, what ends it, and the evidence of each change.

Consent starts as never given. After an opt-out or a complaint only an explicit subscription with a later time
restores it, which is what the order of ties already says; newsletters are independent of it.
"""

from typing import Final

from msgspec import Struct

CAUSES: Final[dict[str, str | None]] = {
    "manual": "manually_unsubscribed_at",
    "opt_out": "opted_out_at",
    "complaint": "complained_at",
    "bounce": None,
}
"""Why a consent ended, and the customer's field that keeps when it last ended so."""


class Consent(Struct, frozen=True):
    """Evidence of one change of consent of a customer.

    at: when (ms). granted: given or ended. cause: a key of CAUSES when it ended. source: the door it came
    through ("api", "import", "event"). wording: what the person saw. proof: anything that proves it.
    """

    customer: int
    at: int
    granted: bool
    cause: str | None
    source: str
    wording: str | None = None
    proof: str | None = None
