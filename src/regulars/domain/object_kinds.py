"""The kinds of object that customers can be tied to: one row per kind with its properties."""

from enum import IntEnum
from typing import Final

from msgspec import Struct


class LinkSide(IntEnum):
    """The position of an object's number in the pairs of offer and product."""

    OFFER = 0
    PRODUCT = 1


class ObjectKind(Struct, frozen=True):
    """A kind of object.

    key_prefix: its objects always have a key; one that we make starts so. by_code: a key is a code, compared without
    case and never taken for a number. link_side: where it stands in the pairs of offers and products, None: nowhere.
    """

    name: str
    key_prefix: str | None = None
    by_code: bool = False
    link_side: LinkSide | None = None


OBJECT_KINDS: Final = (
    ObjectKind("group", key_prefix="grp_"),
    ObjectKind("tag"),
    ObjectKind("offer", link_side=LinkSide.OFFER),
    ObjectKind("product", link_side=LinkSide.PRODUCT),
    ObjectKind("newsletter"),
    ObjectKind("broadcast"),
    ObjectKind("sequence"),
    ObjectKind("coupon", by_code=True),
    ObjectKind("form"),
    ObjectKind("event"),
    ObjectKind("assessment"),
    ObjectKind("template"),
    ObjectKind("audience"),
)
"""Every kind. A kind's position + 1 is its stored code: append only."""

OBJECT_KIND: Final = {each.name: each for each in OBJECT_KINDS}
"""The rows by name."""
