"""The kinds of object that customers are tied to, as resources: one line per kind, from which its calls are built.

Attributes have the vendor's names and types where the vendor has the resource. Of those that we do not keep (prices,
checkouts, pictures) the ones that may be null are null, and the others are left out.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import Struct

from regulars.domain.moments import iso
from regulars.domain.object_kinds import OBJECT_KIND, LinkSide
from regulars.domain.objects import RelatedObject
from regulars.http.jsonapi.documents import Attributes, chosen, identifier, identifiers, nothing

Products = Mapping[int, Sequence[int]]
"""{offer: numbers of its products}."""


class ResourceType(Struct, frozen=True):
    """A kind of object. `type` is its JSON:API type and its path below /v1.

    title: the attribute that is the object's name. key: the attribute that is the caller's own key. attributes: all,
    as they are shown. by_key: the key is its id too, as such an object is known by nothing else.
    status: what every object of the kind shows as its status, None: it shows none.
    beside: attributes that are no columns of the object: other modules read, judge and show them.
    computed: attributes that are found out when the object is shown; callers may send them, and they are ignored.
    """

    kind: str
    type: str
    attributes: Attributes[RelatedObject]
    title: str = "name"
    key: str = "key"
    by_key: bool = False
    status: str | None = None
    beside: tuple[str, ...] = ()
    computed: tuple[str, ...] = ()

    @property
    def has_products(self) -> bool:
        """Whether its objects are offers: what products are given with."""
        return OBJECT_KIND[self.kind].link_side is LinkSide.OFFER

    @property
    def relationships(self) -> tuple[str, ...]:
        """What its resources have relationships to."""
        return ("site", "products") if self.has_products else ("site",)

    @property
    def fields(self) -> tuple[str, ...]:
        """What `fields[...]` may name."""
        return (*self.attributes, *self.beside, *self.computed, *self.relationships)

    @property
    def writable(self) -> tuple[str, ...]:
        """The attributes that callers set."""
        return (self.title, "description", self.key, *self.beside)

    def id_of(self, item: RelatedObject) -> str:
        """The id of an object's resource."""
        return item.public_id if self.by_key else str(item.number)

    def related(self, site: int, item: RelatedObject, products: Products | None = None) -> dict[str, Any]:
        """The relationships of one object."""
        found: dict[str, Any] = {"site": {"data": identifier("sites", site)}}
        if products is not None and self.has_products:
            found["products"] = {"data": identifiers("products", products.get(item.number, ()))}
        return found

    def resource(
        self, site: int, item: RelatedObject, fields: frozenset[str] | None, products: Products | None = None
    ) -> dict[str, Any]:
        """The resource of one object."""
        related = self.related(site, item, products)
        shown = {name: value for name, value in related.items() if fields is None or name in fields}
        return {
            "id": self.id_of(item),
            "type": self.type,
            "attributes": {name: get(item) for name, get in chosen(self.attributes, fields)},
            "relationships": shown,
        }


def _kind(
    kind: str, type_: str, title: str = "name", key: str = "key", status: str | None = None, **more: Any
) -> ResourceType:
    attributes: Attributes[RelatedObject] = {
        title: attrgetter("title"),
        "description": attrgetter("description"),
        **({} if status is None else {"status": lambda _: status}),
        **more,
        key: attrgetter("key"),
        "created_at": lambda item: iso(item.created_at),
        "updated_at": lambda item: iso(item.updated_at),
    }
    return ResourceType(kind, type_, attributes, title, key, OBJECT_KIND[kind].by_code, status)


READY: Final = "ready"
"""The status of every product: there is none that cannot be had yet."""

KINDS: Final = (
    _kind("tag", "contact_tags"),
    _kind("group", "groups"),
    _kind("offer", "offers", "title", internal_title=nothing, image_url=nothing),
    _kind("product", "products", "title", status=READY, thumbnail_url=nothing, url=nothing),
    _kind("form", "forms", "title", default=lambda _: False, webhook_url=nothing),
    _kind("event", "events"),
    _kind("assessment", "assessments"),
    _kind("broadcast", "broadcasts"),
    _kind("newsletter", "newsletters"),
    _kind("sequence", "sequences"),
    _kind("coupon", "coupons", key="code"),
)
"""Every kind that has calls of its own. Templates have none yet: they belong to mail, not to customers."""

PLAN: Final = ("enabled", "trigger_email_id", "steps")
"""The attributes of a drip campaign's plan."""

DRIP_CAMPAIGN: Final = msgspec.structs.replace(_kind("sequence", "drip_campaigns"), beside=PLAN)
"""Sequences, shown with their plans."""

DEFINITION: Final = ("kind", "question", "q", "watched")
"""The attributes of an audience's definition that callers set."""

AUDIENCE: Final = msgspec.structs.replace(
    _kind("audience", "audiences"),
    beside=DEFINITION,
    computed=("version", "etag", "total", "reach", "problem", "used_by"),
)
"""Saved audiences."""

BY_KIND: Final = {each.kind: each for each in KINDS}
