"""What `GET /v1/customers` can be asked: for docs/filters.md."""

from collections.abc import Callable
from functools import partial
from typing import Final

from regulars.audience.filters.catalogue import FILTERS, Filter
from regulars.audience.filters.values import (
    ADDRESS,
    DAYS,
    FLAG,
    IDS,
    MOMENT,
    MONEY,
    NEEDLE,
    SITE,
    TEXT,
    UUID,
    WORDS,
    ValueKind,
)
from regulars.audience.sentences import describe
from regulars.http.jsonapi.customer_documents import TYPES
from regulars.http.jsonapi.customer_resource import RELATIONSHIPS
from regulars.http.jsonapi.listing import SORTS
from regulars.http.jsonapi.paging import DEFAULT_SIZE, LARGEST_NUMBER
from regulars.http.jsonapi.query import FLAGS
from regulars.settings import Settings
from tools.docs.markdown import code, codes, table

KINDS: Final[dict[str, ValueKind]] = {
    "address": ADDRESS,
    "days": DAYS,
    "flag": FLAG,
    "id": IDS,
    "moment": MOMENT,
    "money": MONEY,
    "site": SITE,
    "part": NEEDLE,
    "text": TEXT,
    "uuid": UUID,
    "words": WORDS,
}
"""The kinds of value, as the page calls them."""


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
    return code(f"filter[{each.name}]={each.shown_example}")


def _parameters() -> str:
    default = Settings().page_size_limit
    return table(
        ("parameter", "takes"),
        [
            (code("sort"), f"one of {codes(SORTS)}. Default: {code(next(iter(SORTS)))}"),
            (code("page[number]"), f"1 to {LARGEST_NUMBER}. Default: 1. Pages after the last one are empty"),
            (code("page[size]"), f"1 to {default} (a [setting](settings.md)). Default: {DEFAULT_SIZE}"),
            (
                code("page[after]"),
                "a cursor from `links`, instead of a page number: returns the page after it. Empty: the first page",
            ),
            (code("page[before]"), "a cursor from `links`: returns the page before it. Empty: the last page"),
            (code("describe"), f"one of {codes(FLAGS)}: whether `meta.description` has the query in words"),
            (code("include"), f"a comma-separated list of {codes(RELATIONSHIPS)}: resources to return in `included`"),
            *((code(f"fields[{kind}]"), f"a comma-separated list of {codes(names)}") for kind, names in TYPES.items()),
        ],
    )


_QUESTIONS: Final[tuple[tuple[tuple[tuple[str, str], ...], str], ...]] = (
    ((("sent_email_broadcast_id", "7"), ("no_opened_email_broadcast_id", "7"), ("has_tag_id", "vip")), "-net_revenue"),
    ((("opened_email_broadcast_id", "7,8"), ("no_clicked_email_broadcast_id", "7,8")), "-created_at"),
    ((("subscribed", "true"), ("not_opened_email_in_last", "90"), ("email_contains", "@example.com")), "email"),
    ((("has_all_tag_id", "1,2,vip"), ("has_no_product_id", "course")), "name"),
    ((("net_revenue_greater_than", "100"), ("inactive_in_last", "30")), "last_request_at"),
    ((("healthy_contacts_with_open_data", "false"), ("is_hidden", "false")), "-last_request_at"),
)
"""Questions to show in words: filters and a sort."""


def _sentences() -> str:
    return table(
        ("query", "`meta.description`"),
        [
            (
                code("&".join((*(f"filter[{name}]={value}" for name, value in filters), f"sort={sort}"))),
                describe(filters, site=1, sort=SORTS[sort]),
            )
            for filters, sort in _QUESTIONS
        ],
    )


PARTS: Final[dict[str, Callable[[], str]]] = {
    "filter-values": _values,
    "filters": partial(_filters, vendors=True),
    "filters-ours": partial(_filters, vendors=False),
    "list-parameters": _parameters,
    "questions-in-words": _sentences,
}
