"""Questions in a body: customers who match, and what a question means."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from regulars.audience.questions.json_form import write_question
from regulars.audience.questions.selecting import phrase_of
from regulars.audience.questions.text_form import print_question
from regulars.audience.questions.tree import conditions
from regulars.domain.faults import Fault
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi import listing, schemas
from regulars.http.jsonapi.asked_question import AS_OF, PARAMETERS, QUESTION, TEXT, TIME_ZONE, read_asked
from regulars.http.jsonapi.bodies import refused
from regulars.http.jsonapi.customers import CUSTOMERS, INDEX
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.query import DESCRIBE, INCLUDE, SORT
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import ANY, NUMBER, WHOLE, YES_OR_NO, Schema, either, listed, or_null, record, such_as
from regulars.http.schema import TEXT as TEXT_SCHEMA

PLAIN: Final = (TEXT, TIME_ZONE, AS_OF, SORT, INCLUDE, DESCRIBE)
"""Members of the body with the name and the values of a parameter."""

FAMILIES: Final = ("page", "fields", "filter")
"""Members whose own members are parameters: page.size is page[size]."""


async def query(call: Call, caller: Reader) -> Response:
    """The page of customers that a question in the body selects."""
    body = await call.json_object()
    with in_body():
        return await listing.answer(call, caller, CUSTOMERS, raw=as_query(body))


async def check(call: Call, caller: Reader) -> Response:
    """What a question means, without its answer."""
    body = await call.json_object()
    if unknown := sorted(body.keys() - set(PARAMETERS)):
        raise _unknown(unknown, PARAMETERS)
    given = dict(as_parameters({name: value for name, value in body.items() if name in PARAMETERS}))
    with in_body():
        asked = read_asked(given)
        if asked is None:
            raise refused([Fault(QUESTION, f"is required, or {TEXT}, its text form")])
        asked = asked.in_zone(caller.time_zone())
        milliseconds = await listing.cost(call, caller.site, asked)
    meaning = {
        "question": write_question(asked.node),
        "q": print_question(asked.node),
        "sentence": f"customers who {phrase_of(asked.node)}",
        "time_zone": asked.time_zone or "UTC",
        "cost": {"conditions": sum(1 for _ in conditions(asked.node)), "milliseconds": milliseconds},
    }
    return document({"data": {"type": "questions", "id": "1", "attributes": meaning}})


def as_query(body: Mapping[str, Any]) -> bytes:
    """The query string that says the same as a body. Raises Problem for a member that is no parameter."""
    allowed = (QUESTION, *PLAIN, *FAMILIES)
    if unknown := sorted(body.keys() - set(allowed)):
        raise _unknown(unknown, allowed)
    return urlencode(as_parameters(body), errors="surrogatepass").encode()


def as_parameters(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parameters that say the same as the members of a body. Raises Problem for a value that is none."""
    found: list[tuple[str, str]] = []
    for name, value in body.items():
        if name == QUESTION:
            found.append((name, msgspec.json.encode(value).decode()))
        elif name in FAMILIES:
            if not isinstance(value, dict):
                raise refused([Fault(name, "must be an object")])
            found += [(f"{name}[{member}]", _text(f"{name}.{member}", each)) for member, each in value.items()]
        else:
            found.append((name, _text(name, value)))
    return found


def _text(place: str, value: Any) -> str:
    if isinstance(value, list):
        return ",".join(_text(place, each) for each in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise refused([Fault(place, "must be a text, a number, true, false, or a list of texts and numbers")])


def _unknown(names: list[str], allowed: tuple[str, ...]) -> Problem:
    return refused(Fault(name, f"is no member of this body; allowed: {', '.join(allowed)}") for name in names)


class in_body:  # noqa: N801 -- used as a statement
    """`with in_body():` makes a refusal of a parameter one of the member of the body that it comes from."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ParameterProblem):
            place = error.parameter.replace("[", ".").rstrip("]")
            raise Problem(error.code, error.detail, faults=[Fault(place, error.detail)]) from None


ASKED: Final[dict[str, Schema]] = {
    "question": {
        **record({}, required=()),
        "description": "The question as nested conditions; docs/questions.md has the language.",
        "examples": [{"all": [{"is": "subscribed"}, {"not": {"has": "tag", "any_of": ["vip"]}}]}],
    },
    "q": {**such_as(TEXT_SCHEMA, "is subscribed and not tag:vip"), "description": "The question as text, instead."},
    "time_zone": {
        **such_as(TEXT_SCHEMA, "Europe/Berlin"),
        "description": "The IANA time zone of calendar windows and bare dates. Default: that of the site, else UTC.",
    },
    "as_of": {
        **such_as(TEXT_SCHEMA, "2026-03-01T00:00:00Z"),
        "description": "The moment that windows of time refer to. Default: now. It does not move the data.",
    },
}
_LIST: Final = either(TEXT_SCHEMA, listed(TEXT_SCHEMA))
_QUERY_BODY: Final = record(
    {
        **ASKED,
        "sort": TEXT_SCHEMA,
        "page": record({"number": WHOLE, "size": WHOLE, "after": TEXT_SCHEMA, "before": TEXT_SCHEMA}, required=()),
        "fields": {**record({}, required=()), "additionalProperties": _LIST, "examples": [{"customers": ["email"]}]},
        "include": _LIST,
        "filter": {**record({}, required=()), "additionalProperties": ANY, "examples": [{"site_id": 1}]},
        "describe": YES_OR_NO,
    },
    required=(),
    additionalProperties=False,
    examples=[{"q": "is subscribed and not tag:vip", "page": {"size": 10}}],
)
_CHECK_BODY: Final = record(
    ASKED, required=(), additionalProperties=False, examples=[{"q": "is subscribed and not tag:vip"}]
)
_MEANING: Final = record(
    {
        "question": {**record({}, required=()), "description": "The canonical JSON form."},
        "q": {**TEXT_SCHEMA, "description": "The canonical text form."},
        "sentence": TEXT_SCHEMA,
        "time_zone": TEXT_SCHEMA,
        "cost": record({"conditions": WHOLE, "milliseconds": or_null(NUMBER)}),
    }
)

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "questions.query",
        "POST",
        "/v1/customers/query",
        query,
        "Query customers with a question",
        "Takes a question of nested conditions, in JSON or text. The reply is that of `GET /v1/customers`; its links "
        "are GET requests with the same question, or null if the URL would be too long.",
        body=_QUERY_BODY,
        reply=schemas.shown(INDEX),
    ),
    Operation(
        JSONAPI,
        "questions.check",
        "POST",
        "/v1/questions/check",
        check,
        "Check a question",
        "Returns both canonical forms, the question in words, and the estimated cost.",
        body=_CHECK_BODY,
        reply=record({"data": record({"type": {"const": "questions"}, "id": TEXT_SCHEMA, "attributes": _MEANING})}),
    ),
)
"""The operations on questions."""
