"""`regulars erase`: erase everything about a person."""

import asyncio
from typing import Annotated, Any

import typer

from regulars.cli.options import NEAREST, AsJson, Database, SiteNumber
from regulars.cli.output import FailedError, show
from regulars.cli.session import chosen_site, opened
from regulars.domain.address_rules import identifiers_of
from regulars.domain.commands import EraseCustomer
from regulars.domain.origin import Actor, Channel, Origin
from regulars.exporting.person import read_person, who_named
from regulars.store import control
from regulars.store.erasure_certificates import certificate, erasure_id, newest_about


def erase(
    who: Annotated[str, typer.Argument(metavar="ADDRESS", help="The email address or customer_id of the person.")],
    reason: Annotated[
        str | None, typer.Option(help="Why; it is kept with the erasure and must not name the person.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    site: SiteNumber = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Erase everything about a person: the customer with history, evidence and emails, or what is left of an address.

    Whatever names the person later is answered, counted and not kept, until `POST /api/v1/customers` with
    `"restore": true` lifts it. A server cleans the files afterwards, as soon as one runs: until then the erasure is
    `pending`. `GET /v1/erasures/{id}` is its certificate.

    \b
    Example:
      regulars erase anna@example.com --reason "Article 17 GDPR"
    """

    async def work() -> dict[str, Any]:
        async with opened(database) as store:
            chosen = await chosen_site(store, site)
            async with store.snapshot() as connection:
                kept = await read_person(connection, chosen.id, who)
            found = {"customer": bool(kept and kept["customer"]), "emails": len(kept["emails"]) if kept else 0}
            if not yes and not typer.confirm(f"Erase {who} from the site {chosen.subdomain}?", err=True):
                raise FailedError("nothing was erased")
            origin = Origin(Actor(Channel.COMMAND_LINE), "erase")
            outcome = await store.ledger.submit(chosen.id, EraseCustomer(who_named(who), reason), origin)
            if outcome.refusal is not None:
                raise FailedError(outcome.refusal.sentence)
            async with store.snapshot() as connection:
                secret = await control.secret(connection)
                record = await newest_about(connection, chosen.id, secret, identifiers_of(who_named(who)))
            assert record is not None
            return {"erased": True, **found, "erasure": erasure_id(chosen.id, record), **certificate(record)}

    found = asyncio.run(work())
    shown = found if as_json else {name: found[name] for name in ("erased", "customer", "emails", "erasure", "state")}
    show(shown, as_json=as_json)
