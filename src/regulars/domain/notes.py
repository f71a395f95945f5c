"""Notes: what somebody wrote about a customer."""

from typing import Any

from msgspec import Struct

from regulars.domain.limits import Limits
from regulars.domain.text import is_blank, is_storable


class CustomerNote(Struct):
    """A note about a customer; the fields are the columns, in order.

    number: shared with no other note of the site, and never used again. customer: the customer it was written about,
    also after that one was merged into another. channel, actor: as in `origin.Actor`, of who wrote it.
    """

    number: int
    customer: int
    body: str
    created_at: int
    updated_at: int
    channel: int | None = None
    actor: int | None = None


def parse_note(value: Any, limits: Limits) -> str:
    """The text of a note. Raises ValueError with a sentence."""
    if not isinstance(value, str) or is_blank(value):
        raise ValueError("must be text that is not blank")
    if len(value) > limits.note:
        raise ValueError(f"must have at most {limits.note} characters")
    if not is_storable(value):
        raise ValueError("must be text without NUL or unpaired surrogates")
    return value
