"""What `GET /v1/customers` can be asked: for docs/filters.md."""

from collections.abc import Callable
from functools import partial
from typing import Final

from regulars.audience.catalogue import FILTERS, Filter
from regulars.audience.values import DAYS, FLAG, IDS, MONEY, TEXT, WORDS, Kind
from regulars.http.jsonapi.customer_documents import TYPES
from regulars.http.jsonapi.customer_resource import RELATIONSHIPS
from regulars.http.jsonapi.customers import SORTS
from regulars.http.jsonapi.paging import DEFAULT_SIZE, LARGEST_NUMBER
from regulars.settings import Settings
from tools.docs.markdown import code, codes, table

KINDS: Final[dict[str, Kind]] = {
    "days": DAYS,
    "flag": FLAG,
    "id": IDS,
    "money": MONEY,
    "text": TEXT,
    "words": WORDS,
}
"""The kinds of value, as the page calls them."""


_EXAMPLES: Final = {
    "site_id": "1",
    "email": "anna@example.com",
    "email_contains": "@example.com",
    "phone_number_contains": "+49",
    "mobile_phone_number_contains": "+49",
    "address_city_contains": "berlin",
    "address_country_contains": "germany",
    "address_zip_contains": "10115",
    "used_coupon_code": "SPRING10",
}


def _values() -> str:
    return table(
        ("value", "takes", "example"),
        [(name, kind.allowed, code(kind.example)) for name, kind in KINDS.items()],
    )


def _filters(*, vendors: bool) -> str:
    return table(
        ("filter", "value", "selects customers", "example"),
        [(code(each.name), _kind(each), each.meaning, _example(each)) for each in FILTERS if each.vendors is vendors],
    )


def _kind(each: Filter) -> str:
    return next(name for name, kind in KINDS.items() if kind is each.kind)


def _example(each: Filter) -> str:
    return code(f"filter[{each.name}]={_EXAMPLES.get(each.name, each.kind.example)}")


def _parameters() -> str:
    default = Settings().page_size_limit
    return table(
        ("parameter", "takes"),
        [
            (code("sort"), f"one of {codes(SORTS)}; without it {code(next(iter(SORTS)))}"),
            (code("page[number]"), f"1 to {LARGEST_NUMBER}; without it 1; behind the last page there is nobody"),
            (code("page[size]"), f"1 to {default} (a [setting](settings.md)); without it {DEFAULT_SIZE}"),
            (code("include"), f"some of {codes(RELATIONSHIPS)}, with commas: what `included` then holds"),
            *((code(f"fields[{kind}]"), f"some of {codes(names)}") for kind, names in TYPES.items()),
        ],
    )


PARTS: Final[dict[str, Callable[[], str]]] = {
    "filter-values": _values,
    "filters": partial(_filters, vendors=True),
    "filters-ours": partial(_filters, vendors=False),
    "list-parameters": _parameters,
}
