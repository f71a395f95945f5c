"""Visitors: people whom events know only by a cookie or a device."""

from collections.abc import Mapping
from typing import Any, Final

from regulars.domain.text import composed, is_storable, trim

FIELDS: Final = ("cookie", "device_id")
"""The fields that name a visitor, in the order in which they decide whom an event is of."""

LONGEST: Final = 256


def visitor_of(body: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The cookie and the device in a body, as (field, text); those that cannot be read are left out."""
    found = []
    for field in FIELDS:
        value = body.get(field)
        if isinstance(value, str):
            text = composed(trim(value))
            if 0 < len(text) <= LONGEST and is_storable(text):
                found.append((field, text))
    return tuple(found)
