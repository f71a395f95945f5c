"""Duplicates: customers who may be the same person, and the word of a caller that they are not."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response

from regulars.domain.customer import shown_name
from regulars.domain.duplicates import REASONS
from regulars.domain.faults import Fault
from regulars.domain.identity import NUMBER_LIMIT, public_number, split_number
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi import site_pages
from regulars.http.jsonapi.bodies import refused
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, WHOLE, Schema, either, listed, one_of, or_null, record, such_as
from regulars.store.duplicates import BEGINNING, FoundPair, dismiss, list_pairs
from regulars.store.query import read
from regulars.store.reads import CustomerLine, lines_by_number

TYPE: Final = "duplicates"
PAGES: Final = site_pages.parameters_of("Pairs", "The id of the last pair of the page before, as in `links.next`.")


async def index(call: Call, caller: Reader) -> Response:
    """The pairs of customers who may be the same, the likeliest first."""
    site, size, behind = site_pages.asked_page(call, caller, BEGINNING, _place_of)
    async with call.services.store.snapshot() as connection:
        found = await list_pairs(connection, site, behind=behind, count=size + 1)
        pairs = found[:size]
        numbers = sorted({number for pair in pairs for number in (pair.first, pair.second)})
        lines = (
            {line.number: line for line in await read(connection, lines_by_number(site, numbers))} if numbers else {}
        )
    home = origin(call.scope, call.services.settings.trusted_proxies)
    links: dict[str, str | None] = {"self": f"{home}/v1/{TYPE}", "next": None}
    if len(found) > size:
        after = "-".join(map(str, pairs[-1].place))
        links["next"] = site_pages.next_link(f"{home}/v1/{TYPE}", site, size, after)
    return document({"data": [_resource(pair, site, lines) for pair in _present(pairs, lines)], "links": links})


async def dismiss_pair(call: Call, caller: Writer) -> Response:
    """Note that two customers are not the same; they are not listed again."""
    site_pages.no_parameters(call)
    data = (await call.json_object()).get("data")
    places = [_place(row, caller) for row in data] if isinstance(data, list) else []
    faults = [
        Fault(f"data.{at}.id", "must name a customer that exists") for at, each in enumerate(places) if each is None
    ]
    known = [each for each in places if each is not None]
    if faults:
        raise refused(faults, "customer_not_found")
    if len(known) != 2 or known[0] == known[1] or known[0][0] != known[1][0]:
        raise refused([Fault("data", "must be a list of two different customers of one site, by id")])
    (site, first), (_, second) = known
    async with call.services.store.snapshot() as connection:
        lines = await read(connection, lines_by_number(site, sorted((first, second))))
    if len(lines) != 2:
        raise Problem("customer_not_found", "No customer has this id.")
    await dismiss(call.services.store.engine, site, first, second, now=call.services.clock())
    ids = sorted((public_number(site, first), public_number(site, second)))
    return document({"data": [{"type": "customers", "id": str(each)} for each in ids]})


def _place(row: Any, caller: Caller) -> tuple[int, int] | None:
    known = whole_number(str(row.get("id")), longest=16) if isinstance(row, dict) else None
    if known is None or known >= NUMBER_LIMIT or split_number(known)[0] not in caller.sites:
        return None
    return split_number(known)


def _place_of(text: str) -> tuple[int, int, int]:
    """The place of a pair. Raises ValueError."""
    numbers = [whole_number(part, longest=16) for part in text.split("-")]
    if len(numbers) != 3 or None in numbers:
        raise ValueError("must be that of a link")
    return numbers[0] or 0, numbers[1] or 0, numbers[2] or 0


def _present(pairs: Sequence[FoundPair], lines: Mapping[int, CustomerLine]) -> list[FoundPair]:
    """Those of whom nobody was deleted or merged since they were found."""
    return [pair for pair in pairs if pair.first in lines and pair.second in lines]


def _resource(pair: FoundPair, site: int, lines: Mapping[int, CustomerLine]) -> dict[str, Any]:
    customers = [lines[number] for number in (pair.first, pair.second)]
    return {
        "id": "-".join(map(str, pair.place)),
        "type": TYPE,
        "attributes": {
            "score": pair.score,
            "reasons": list(pair.reasons),
            "customers": [
                {
                    "id": str(public_number(site, line.number)),
                    "name": shown_name(line.name, line.email, line.customer_id),
                    "email": line.email,
                    "customer_id": line.customer_id,
                }
                for line in customers
            ],
        },
    }


_CUSTOMER: Final = record(
    {
        "id": such_as(TEXT, "4294967297"),
        **{name: or_null(TEXT) for name in ("name", "email", "customer_id")},
    }
)
_RESOURCE: Final[Schema] = record(
    {
        "id": such_as(TEXT, "90-1-2"),
        "type": one_of((TYPE,)),
        "attributes": record(
            {"score": such_as(WHOLE, 90), "reasons": listed(one_of(REASONS)), "customers": listed(_CUSTOMER)}
        ),
    }
)
_IDENTIFIER: Final = record({"id": either(TEXT, WHOLE), "type": one_of(("customers",))}, required=("id",))

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "duplicates.index",
        "GET",
        "/v1/duplicates",
        index,
        "List possible duplicates",
        "Pairs of customers who may be the same person, the likeliest first: with the same phone number, with "
        "addresses that differ only in dots (Gmail), in what follows a plus sign or in an error of the domain, or with "
        "the same name in the same city. A job finds them once a day. Nobody is merged automatically.",
        parameters=PAGES,
        reply=record({"data": listed(_RESOURCE), "links": record({"self": TEXT, "next": or_null(TEXT)})}),
    ),
    Operation(
        JSONAPI,
        "duplicates.dismiss",
        "POST",
        "/v1/duplicates/dismissals",
        dismiss_pair,
        "Say that two customers are not the same",
        "They are not listed as possible duplicates again.",
        body=record(
            {"data": listed(_IDENTIFIER, 2)},
            examples=[{"data": [{"type": "customers", "id": "4294967297"}, {"type": "customers", "id": "4294967298"}]}],
        ),
        reply=record({"data": listed(record({"type": one_of(("customers",)), "id": TEXT}))}),
    ),
)
"""The operations on duplicates."""
