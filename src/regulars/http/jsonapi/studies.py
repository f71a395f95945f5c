"""Studies: calls that take a question and analyse it. What their bodies, their sites and their replies share."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pyroaring import BitMap
from starlette.responses import Response

from regulars.audience.answering import Prepare
from regulars.audience.filters.catalogue import Engagement, Moment
from regulars.audience.filters.predicates import Any as NoneOf
from regulars.audience.filters.predicates import Predicate
from regulars.audience.index import SiteIndex
from regulars.audience.questions.faults import BadValueError
from regulars.audience.questions.selecting import customers_of, predicate_of
from regulars.audience.questions.tree import All, Node
from regulars.domain.faults import Fault
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.jsonapi.asked_question import PARAMETERS, QUESTION, TEXT, AskedQuestion, read_asked
from regulars.http.jsonapi.bodies import refused
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.expansion import within_time
from regulars.http.jsonapi.places import asked_site
from regulars.http.jsonapi.questions import ASKED, as_parameters, in_body
from regulars.http.keyring import Caller
from regulars.http.schema import TEXT as TEXT_SCHEMA
from regulars.http.schema import WHOLE, Schema, record

SITE: Final = "site_id"
EVERYBODY: Final = All()
NOBODY: Final[Predicate] = NoneOf()
QUESTION_SCHEMA: Final = record({}, required=())
"""A question as replies have it."""


async def body_of(call: Call, more: tuple[str, ...] = ()) -> dict[str, Any]:
    """The body, which may have a question, a site and these members. Raises Problem for any other."""
    body = await call.json_object()
    allow(body, (*PARAMETERS, SITE, *more))
    return body


def allow(body: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    """Raise Problem if the body has other members than these."""
    if unknown := sorted(body.keys() - set(allowed)):
        raise refused(Fault(name, f"is no member of this body; allowed: {', '.join(allowed)}") for name in unknown)


def asked_of(body: Mapping[str, Any], of_site: str) -> AskedQuestion:
    """The question in the body. Raises Problem if it is absent or cannot be read.

    of_site: the time zone of the site, for a question that names none.
    """
    with in_body():
        asked = read_asked(dict(as_parameters({name: body[name] for name in PARAMETERS if name in body})))
    if asked is None:
        raise refused([Fault(QUESTION, f"is required, or {TEXT}, its text form")])
    return asked.in_zone(of_site)


def site_of(body: Mapping[str, Any], caller: Caller) -> int:
    """The site that the body names, or that of the key. Raises Problem for one that is not the account's."""
    if SITE not in body:
        return caller.site
    number = whole_number(str(body[SITE]), longest=16)
    site = None if number is None else asked_site([(SITE, str(number))], caller)
    if site is None:
        raise refused([Fault(SITE, f"must be a site of the account: {', '.join(map(str, caller.sites))}")])
    return site


def read_member(field: str, value: Any, read: Callable[[Any], Any]) -> Any:
    """A member of the body, read by `read`. Raises Problem where that raises BadValueError."""
    try:
        return read(value)
    except BadValueError as error:
        raise refused([Fault(field, error.detail)]) from None


def sets(questions: Sequence[Node], others: Sequence[Node], moment: Moment) -> list[Predicate]:
    """The customers of questions, then those of parts of questions, where hidden ones are not left out."""
    return [*(customers_of(each, moment) for each in questions), *(predicate_of(each, moment) for each in others)]


async def study(
    call: Call,
    site: int,
    asked: AskedQuestion,
    chosen: Callable[[Moment], list[Predicate]],
    work: Callable[[SiteIndex, Sequence[BitMap]], Any],
    prepare: Prepare | None = None,
) -> Any:
    """What `work` makes of the sets that are chosen for the moment of the question.

    prepare: awaited with the store's snapshot before the sets are chosen.
    """
    settings = call.services.settings
    engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)
    zone = asked.zone(None)[1]

    def now() -> list[Predicate]:
        at = call.services.clock() if asked.as_of is None else asked.as_of
        return chosen(Moment(at, engagement, zone))

    with within_time([asked]):
        async with call.services.audience.study(site, now, work, prepare=prepare) as answer:
            return answer.value


def shown(kind: str, attributes: Mapping[str, Any]) -> Response:
    """The reply: a resource that exists for this reply only."""
    return document({"data": {"type": kind, "id": "1", "attributes": attributes}})


def reply(kind: str, attributes: Mapping[str, Schema]) -> Schema:
    """The schema of `shown`."""
    data = record({"type": {"const": kind}, "id": TEXT_SCHEMA, "attributes": record(attributes)})
    return record({"data": data})


def takes(more: Mapping[str, Schema], example: Mapping[str, Any]) -> Schema:
    """The schema of a body of `body_of`."""
    site = {**WHOLE, "description": "The site; default: that of the key."}
    return record({**ASKED, SITE: site, **more}, required=(), additionalProperties=False, examples=[example])
