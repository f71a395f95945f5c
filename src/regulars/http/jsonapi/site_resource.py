"""Sites as the vendor's schema shows them: the attributes, and a view of one."""

from operator import attrgetter
from typing import Any, Final

from regulars.domain.moments import iso
from regulars.domain.site_settings import SETTING_RULES
from regulars.http.jsonapi.documents import Attributes, resource
from regulars.store.control import Site

SITES: Final[Attributes[Site]] = {
    "title": attrgetter("title"),
    "subdomain": attrgetter("subdomain"),
    **{name: attrgetter(name) for name in SETTING_RULES},
    "created_at": lambda site: iso(site.created_at),
    "updated_at": lambda site: iso(site.updated_at),
}
"""The attributes of a site."""


def site_resource(site: Site, fields: frozenset[str] | None) -> dict[str, Any]:
    """A site."""
    return resource("sites", site.id, SITES, fields, site)
