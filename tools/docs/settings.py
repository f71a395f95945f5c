"""Tables of settings and fixed limits, for docs/settings.md."""

from collections.abc import Callable
from typing import Final

from regulars.audience.filters.values import MOST_DAYS, MOST_WORDS
from regulars.domain.activity import AHEAD
from regulars.domain.limits import DEFAULT
from regulars.domain.moments import SECOND
from regulars.domain.wire import DEEPEST
from regulars.http.classic import batch, customers, events, logs
from regulars.http.keyring import REMEMBERED_SECONDS
from regulars.server.protocol_errors import LARGEST_HEAD
from regulars.settings import SETTINGS
from regulars.store.tokens import ACCESS_SECONDS, REFRESH_SECONDS
from tools.docs.markdown import code, table


def _settings() -> str:
    return table(
        ("variable", "what it sets", "takes", "default"),
        [
            (code(each.variable), each.meaning, each.allowed, code(each.text(each.default)) if each.default else "none")
            for each in SETTINGS
        ],
    )


def _limits() -> str:
    limits: list[tuple[str, object]] = [
        ("customers in one `POST /api/v1/customers/bulk`", customers.BULK_LIMIT),
        ("events in one `POST /api/v1/bulkevents`", events.BULK_LIMIT),
        ("items in one `POST /api/v1/batch`", batch.BATCH_LIMIT),
        ("logs in one `GET /api/v1/customers/{email}/logs`", logs.LARGEST_COUNT),
        ("bytes of the request line and headers", LARGEST_HEAD),
        ("characters of a `customer_id`", DEFAULT.customer_id),
        ("characters of a `firstname` or `lastname`", DEFAULT.name),
        ("characters of any other text of a profile, group or event", DEFAULT.text),
        ("characters of an attribute's name", DEFAULT.attribute_key),
        ("characters of an object's key", DEFAULT.object_key),
        ("characters of an event's name", DEFAULT.event_name),
        ("bytes stored of an event's details", DEFAULT.event_detail),
        ("minutes that an event's timestamp may be ahead of the server's clock", AHEAD // SECOND // 60),
        ("groups, subscription groups or products in one input", DEFAULT.references),
        ("levels of nesting in a JSON body", DEEPEST),
        ("days in a filter", MOST_DAYS),
        ("words in `filter[search]`", MOST_WORDS),
        ("seconds for which a process may still accept a revoked key", round(REMEMBERED_SECONDS)),
        ("hours until an OAuth access token expires", ACCESS_SECONDS // 3600),
        ("days until an OAuth refresh token expires; it can be used once", REFRESH_SECONDS // 86_400),
    ]
    return table(("limit", "value"), [(what, str(value)) for what, value in limits])


PARTS: Final[dict[str, Callable[[], str]]] = {"settings": _settings, "limits": _limits}
