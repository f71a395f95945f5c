"""Limits on what a caller may send about one customer."""

from typing import Final

from msgspec import Struct


class Limits(Struct, frozen=True):
    """The longest texts (characters) and largest attributes (bytes of JSON) that are stored."""

    email: int = 256
    customer_id: int = 128
    name: int = 64
    text: int = 1024
    attributes: int = 64 * 1024
    attribute_key: int = 128
    object_key: int = 128
    event_name: int = 64
    event_detail: int = 64 * 1024
    references: int = 1000
    note: int = 10_000


DEFAULT: Final = Limits()
