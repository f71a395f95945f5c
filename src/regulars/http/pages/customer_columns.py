"""The columns of the table of customers: which there are, how they are sorted, and what they show."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from regulars.http.pages.page import AdminPage


class ShownColumn(Struct, frozen=True):
    """A column. kind: how its values look: text, time, money, yes_no or tags. sort: the API's name of its order.

    of: which resource has it, the contact or the customer. first_down: whether its first order is the descending one.
    """

    name: str
    title: str
    kind: str = "text"
    sort: str | None = None
    of: str = "contact"
    first_down: bool = False

    @property
    def is_number(self) -> bool:
        """Whether its values stand on the right."""
        return self.kind == "money"


COLUMNS: Final = (
    ShownColumn("email", "Email address", sort="email"),
    ShownColumn("subscribed", "Subscribed", "yes_no"),
    ShownColumn("tags", "Tags", "tags"),
    ShownColumn("net_revenue", "Net revenue", "money", sort="net_revenue", of="customer", first_down=True),
    ShownColumn("address_city", "City"),
    ShownColumn("address_state", "State"),
    ShownColumn("address_country", "Country"),
    ShownColumn("address_zip", "Zip code"),
    ShownColumn("phone_number", "Phone"),
    ShownColumn("external_user_id", "Your id"),
    ShownColumn("last_request_at", "Last active", "time", sort="last_request_at", of="customer", first_down=True),
    ShownColumn("bounced_at", "Bounced", "time", of="customer", first_down=True),
    ShownColumn("updated_at", "Changed", "time", sort="updated_at", first_down=True),
    ShownColumn("created_at", "Created", "time", sort="created_at", first_down=True),
)
"""All columns but the name, which is always there and leads to the customer."""

BY_NAME: Final = {each.name: each for each in COLUMNS}
USUAL: Final = ("email", "subscribed", "tags", "net_revenue", "created_at")
NAME: Final = ShownColumn("name", "Name", sort="name")
DEFAULT_SORT: Final = "-created_at"
SORTS: Final = {sign + each.sort for each in (NAME, *COLUMNS) if each.sort for sign in ("", "-")}


def chosen(page: AdminPage) -> tuple[ShownColumn, ...]:
    """The columns that the URL names, in the order of the table; the usual ones if it names none."""
    given = [value for name, value in page.call.query if name == "column"]
    given += page.parameters.get("columns", "").split(",")
    names = frozenset(given) & BY_NAME.keys() or frozenset(USUAL)
    return tuple(each for each in COLUMNS if each.name in names)


def sort_of(page: AdminPage) -> str:
    """The order that the URL names; the newest first if it names none."""
    sort = page.parameters.get("sort", "")
    return sort if sort in SORTS else DEFAULT_SORT


def next_sort(column: ShownColumn, sort: str) -> str:
    """The order that a click on a column's heading gives."""
    down, up = f"-{column.sort}", str(column.sort)
    if sort in (down, up):
        return up if sort == down else down
    return down if column.first_down else up


def rows_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each contact of a reply that includes customers and tags."""
    included = {(each["type"], each["id"]): each["attributes"] for each in document.get("included", ())}
    return [_row(contact, included) for contact in document["data"]]


def _row(contact: Mapping[str, Any], included: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, Any]:
    number = contact["id"]
    customer = included.get(("customers", number), {})
    tags: Sequence[Mapping[str, str]] = contact["relationships"].get("tags", {}).get("data", ())
    titles = [included.get((each["type"], each["id"]), {}).get("name") or each["id"] for each in tags]
    return {"id": number, **customer, **contact["attributes"], "tags": sorted(titles, key=str.casefold)}
