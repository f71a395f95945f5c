"""What is kept of one customer beside the profile: emails, the evidence of consent, and everything in one document."""

from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.responses import Response, StreamingResponse

from regulars.domain.consent import Consent
from regulars.domain.identity import Who, public_number
from regulars.domain.mail import STATUSES, Log
from regulars.domain.moments import iso, iso_or_none
from regulars.domain.working.history import NewsletterConsent
from regulars.exporting.person import person_chunks
from regulars.http.call import JSON, Call
from regulars.http.jsonapi.audience_why import audiences_of
from regulars.http.jsonapi.customer_activity import ORIGIN, origin_of
from regulars.http.jsonapi.documents import Attributes, chosen
from regulars.http.jsonapi.feeds import SINCE, UNTIL, Feed, reply
from regulars.http.jsonapi.kinds import AUDIENCE
from regulars.http.jsonapi.places import customer_place, find_customer
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import MOMENT, TEXT, WHOLE, YES_OR_NO, Schema, listed, one_of, or_null, record, such_as
from regulars.store.customer_history import read_consents, read_emails
from regulars.store.reads import CustomerLine

LOG: Final[Attributes[Log]] = {
    "created_at": lambda log: iso(log.created_at),
    "status": lambda log: STATUSES[log.status],
    "status_at": lambda log: iso(log.status_at),
    "message": lambda log: log.shown_message,
    "recipient_address": lambda log: log.recipient_address,
    "recipient_name": lambda log: log.recipient_name,
    "email_id": lambda log: log.email_id,
    "email_name": lambda log: log.email_name,
    "email_version": lambda log: log.email_version,
    "opens": lambda log: log.opens,
    "clicks": lambda log: log.clicks,
}
MARKETING: Final = "marketing"
NEWSLETTER: Final = "newsletter"
_Evidence = Consent | NewsletterConsent
CONSENT: Final[Attributes[_Evidence]] = {
    "at": lambda consent: iso(consent.at),
    "received_at": lambda consent: iso_or_none(consent.received_at),
    "purpose": lambda consent: MARKETING if isinstance(consent, Consent) else NEWSLETTER,
    "newsletter": lambda consent: None if isinstance(consent, Consent) else str(consent.newsletter),
    "granted": lambda consent: consent.granted,
    "cause": lambda consent: consent.cause,
    "source": lambda consent: consent.source,
    "wording": lambda consent: consent.wording,
    "proof": lambda consent: consent.proof,
    "channel": lambda consent: origin_of(consent.channel, consent.actor)["channel"],
    "actor": lambda consent: origin_of(consent.channel, consent.actor)["actor"],
}
LOGS: Final = QuerySpec(fields={"logs": LOG}, filters=(SINCE, UNTIL), feed=True)
CONSENTS: Final = QuerySpec(fields={"consents": CONSENT}, filters=(SINCE, UNTIL), feed=True)


_EXPORTED: Final = ("profile_changes", "newsletter_consents", "events", "notes", "emails")


async def logs(call: Call, caller: Reader) -> Response:
    """A page of the emails to a customer."""
    query = LOGS.of(call)
    site, number = customer_place(call.path("id"), caller)
    feed = Feed(call, f"/v1/customers/{public_number(site, number)}/logs", query)
    span = feed.span()
    async with call.services.store.snapshot() as connection:
        _, numbers = await find_customer(connection, site, number)
        found, following = await read_emails(connection, site, numbers, span)
    fields = chosen(LOG, query.fields.get("logs"))
    return feed.answer(
        [
            {"id": log.public_id(site), "type": "logs", "attributes": {name: get(log) for name, get in fields}}
            for log in found
        ],
        following,
    )


async def consents(call: Call, caller: Reader) -> Response:
    """A page of the evidence of a customer's consent."""
    query = CONSENTS.of(call)
    site, number = customer_place(call.path("id"), caller)
    feed = Feed(call, f"/v1/customers/{public_number(site, number)}/consents", query)
    span = feed.span()
    async with call.services.store.snapshot() as connection:
        _, numbers = await find_customer(connection, site, number)
        entries, following = await read_consents(connection, site, numbers, span)
    fields = chosen(CONSENT, query.fields.get("consents"))
    data: list[dict[str, Any]] = [
        {
            "id": str(entry.place.number),
            "type": "consents",
            "attributes": {name: get(entry.record) for name, get in fields if isinstance(entry.record, _Evidence)},
        }
        for entry in entries
    ]
    return feed.answer(data, following)


async def export(call: Call, caller: Reader) -> Response:
    """Everything that is kept of a customer, as one JSON object, from one moment."""
    site, number = customer_place(call.path("id"), caller)
    async with call.services.store.snapshot() as connection:
        customer, _ = await find_customer(connection, site, number)
    found = await audiences_of(call, caller, site, customer.number)
    audiences = [{"id": AUDIENCE.id_of(each), "key": each.key, "name": each.name} for each in found]
    await call.record(caller.account, f"customers/{public_number(site, customer.number)}", "exported")
    headers = {"content-disposition": f'attachment; filename="customer-{public_number(site, number)}.json"'}
    return StreamingResponse(_exported(call, site, customer, audiences), media_type=JSON, headers=headers)


async def _exported(
    call: Call, site: int, customer: CustomerLine, audiences: list[dict[str, Any]]
) -> AsyncIterator[bytes]:
    async with call.services.store.snapshot() as connection:
        async for chunk in person_chunks(connection, site, Who(number=customer.number), audiences):
            yield chunk


_LOG: Final[dict[str, Schema]] = {
    "created_at": MOMENT,
    "status": one_of(STATUSES),
    "status_at": MOMENT,
    "message": TEXT,
    "recipient_address": or_null({**TEXT, "format": "email"}),
    **{name: or_null(TEXT) for name in ("recipient_name", "email_id", "email_name", "email_version")},
    "opens": WHOLE,
    "clicks": WHOLE,
}
_CONSENT: Final[dict[str, Schema]] = {
    "at": MOMENT,
    "received_at": or_null(MOMENT),
    "purpose": one_of([MARKETING, NEWSLETTER]),
    "newsletter": or_null(such_as(TEXT, "12")),
    "granted": YES_OR_NO,
    "cause": or_null(such_as(TEXT, "opt_out")),
    "source": such_as(TEXT, "api"),
    "wording": or_null(TEXT),
    "proof": or_null(TEXT),
    **ORIGIN,
}


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "customers.logs",
        "GET",
        "/v1/customers/{id}/logs",
        logs,
        "List the emails to a customer",
        "Newest first. Continue with `links.next` until it is null.",
        query=LOGS,
        reply=reply("logs", _LOG),
    ),
    Operation(
        JSONAPI,
        "customers.consents",
        "GET",
        "/v1/customers/{id}/consents",
        consents,
        "List the evidence of a customer's consent",
        "When consent to marketing email, or a subscription to a newsletter, was given or ended, by whom, and how it "
        "came here; newest first. `newsletter` is the id of the newsletter. Entries are added and never changed. "
        "Continue with `links.next` until it is null.",
        query=CONSENTS,
        reply=reply("consents", _CONSENT),
    ),
    Operation(
        JSONAPI,
        "customers.export",
        "GET",
        "/v1/customers/{id}/export",
        export,
        "Export everything about a customer",
        "The profile with ties and evidence of consent, its changes, the evidence of newsletters, the events, the "
        "notes, the emails and the audiences that the customer is in, as one JSON object: for a request for access to "
        "personal data. It has an entry in the audit trail. `regulars export person` prints the same, without the "
        "audiences.",
        reply=record(
            {
                "customer": or_null(record({}, required=())),
                **{name: listed(record({}, required=())) for name in _EXPORTED},
                "audiences": listed(record({"id": TEXT, "key": or_null(TEXT), "name": or_null(TEXT)})),
            }
        ),
        media_type=JSON,
    ),
)
"""The operations on what is kept of a customer."""
