"""Reads of drip campaigns and pending mails within a snapshot."""

from collections.abc import Iterable, Sequence

from regulars.domain.drip_campaigns import DripPlan, PendingMail, decode_steps
from regulars.domain.mail import Log, own_number
from regulars.domain.objects import RelatedObject
from regulars.domain.relations import KIND_CODES
from regulars.store import drip_statements as sql
from regulars.store import statements
from regulars.store.engine import Connection, Row
from regulars.store.log_reads import keys

_TEMPLATE = KIND_CODES["template"]


def plan_of_row(row: Row) -> DripPlan:
    """The plan in a row."""
    sequence, enabled, trigger, steps = row
    return DripPlan(sequence, bool(enabled), trigger, decode_steps(steps))


async def plans_of(connection: Connection, site: int, campaigns: Sequence[int]) -> dict[int, DripPlan]:
    """The plans of campaigns, by number."""
    rows = await connection.all(sql.PLANS, {"site": site, "keys": keys(campaigns)}) if campaigns else []
    stored = {row[0]: plan_of_row(row) for row in rows}
    return {number: stored.get(number) or DripPlan(number) for number in campaigns}


async def template_ids(connection: Connection, site: int, numbers: Iterable[int]) -> dict[int, str]:
    """The public ids of templates, by number, including those of deleted ones."""
    listed = sorted(set(numbers))
    if not listed:
        return {}
    rows = await connection.all(
        statements.OBJECTS_BY_NUMBER, {"site": site, "keys": keys([(_TEMPLATE, number) for number in listed])}
    )
    return {item.number: item.public_id for item in (RelatedObject(*row) for row in rows)}


async def templates_of_plans(connection: Connection, site: int, plans: Iterable[DripPlan]) -> dict[int, str]:
    """The public ids of the templates that plans name, by number."""
    listed = list(plans)
    named = {step.template for plan in listed for step in plan.steps}
    named.update(plan.trigger_template for plan in listed if plan.trigger_template is not None)
    return await template_ids(connection, site, named)


async def pending_logs_of(
    connection: Connection,
    site: int,
    *,
    email_key: str,
    customers: Sequence[int] = (),
    after: int,
    before: int,
    count: int,
) -> list[Log]:
    """The pending mails to an address, or kept under these numbers of a customer, as logs at their due times.

    Those that are due last come first.

    after, before: exclusive bounds of the due time (ms).
    """
    values = {"site": site, "email": email_key, "after": after, "before": before, "count": count}
    found = {row[0]: row for row in await connection.all(sql.PENDING_OF_ADDRESS, values)}
    for customer in customers:
        values["customer"] = customer
        found.update((row[0], row) for row in await connection.all(sql.PENDING_OF_CUSTOMER, values))
    return await _as_logs(connection, site, [PendingMail(*row) for row in found.values()])


async def find_pending_log(connection: Connection, site: int, key: str) -> Log | None:
    """The pending mail with this id of a log, as a log; None if there is none."""
    number = own_number(key, site)
    if number is None:
        return None
    row = await connection.one(sql.PENDING_BY_NUMBER, {"site": site, "keys": keys([number])})
    return None if row is None else (await _as_logs(connection, site, [PendingMail(*row)]))[0]


async def _as_logs(connection: Connection, site: int, mails: Sequence[PendingMail]) -> list[Log]:
    templates = await template_ids(connection, site, (mail.template for mail in mails))
    return [mail.log(templates.get(mail.template, str(mail.template))) for mail in mails]
