"""Loads what merging customers, or undoing a merge, needs: everything that is kept of them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from regulars.domain.commands import Needs
from regulars.domain.consent import Consent
from regulars.domain.events import REFERENCE_FIELDS
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.merge_records import MergeBody, MergeRecord, record_of_row
from regulars.domain.orders import report_of
from regulars.domain.relations import Tie
from regulars.domain.replaying import stored_activity
from regulars.domain.working import LACKS_TIME, LACKS_UUID, WorkingSet
from regulars.domain.working.history import ActivityRow
from regulars.domain.working.merges import Merges
from regulars.domain.working.revenues import Revenue
from regulars.store import merge_statements as sql
from regulars.store import revenue_statements
from regulars.store.engine import Connection


async def load_records(connection: Connection, site: int, needs: Needs, limits: Limits) -> Merges:
    """The merges to undo, with what happened after them; declares what undoing them needs. The lock must be held."""
    found = Merges()
    for number in sorted(needs.unmerging):
        row = await connection.one(sql.MERGE, {"site": site, "number": number})
        if row is None:
            continue
        record = found.records[number] = record_of_row(row)
        if record.undone_at is not None:
            needs.people.append(Who(number=record.survivor))
            continue
        survivor = _json([record.survivor])
        later = [
            record_of_row(each)
            for statement in (sql.MERGES_OF_SURVIVORS, sql.MERGES_OF_GONE)
            for each in await connection.all(statement, {"site": site, "keys": survivor})
        ]
        after = [each.number for each in later if each.number > number]
        if after:
            found.later[number] = max(after)
        elif record.body is not None:
            parts = [part for _, part in await connection.all(sql.PARTS, {"site": site, "keys": survivor})]
            values = {"site": site, "keys": _json([record.survivor, *parts]), "first": record.first_activity}
            rows = [ActivityRow(*each) for each in await connection.in_thread(sql.EVENTS_SINCE, values)]
            found.late[number] = sorted(rows, key=lambda each: each.number)
            _declare(record, record.body, found.late[number], needs, limits)
    return found


def _declare(record: MergeRecord, body: MergeBody, late: Iterable[ActivityRow], needs: Needs, limits: Limits) -> None:
    who = Who(number=record.survivor)
    needs.people.append(who)
    needs.merging.append(who)
    needs.revenues.append(who)
    if body.email_key is not None:
        needs.people.append(Who(email_key=body.email_key))
        needs.addresses.add(body.email_key)
    if body.customer_id is not None:
        needs.people.append(Who(customer_id=body.customer_id))
    for row in late:
        activity = stored_activity(row, limits)
        if activity is None:
            continue
        for field, reference in activity.references:
            kind = REFERENCE_FIELDS[field]
            needs.refer(kind, [reference])
            if kind == "offer":
                needs.offers.add(reference)
        needs.refer("product", activity.products)


async def load_everything(connection: Connection, site: int, needs: Needs, work: WorkingSet) -> None:
    """All that is kept of the customers who are merged, and of those whose merge is undone."""
    people, merges = work.people, work.merges
    roots = sorted({number for who in needs.merging for number in people.find(who)})
    returning = sorted({record.gone for number, record in merges.records.items() if number in merges.late})
    groups = {root: people.merged.group(root) for root in roots}
    numbers = sorted({number for group in groups.values() for number in group})
    newest = await connection.one(sql.NEWEST_MERGE, {"site": site})
    merges.last = 0 if newest is None else newest[0] or 0
    for row in await connection.all(sql.MERGES_OF_SURVIVORS, {"site": site, "keys": _json(roots)}):
        record = record_of_row(row)
        known = merges.newest.get(record.survivor)
        if known is None or record.number > known.number:
            merges.newest[record.survivor] = record
    for number in returning:
        merges.ties[number] = {}
    ties = await connection.in_thread(sql.ALL_TIES, {"site": site, "keys": _json([*roots, *returning])})
    for customer, code, item, holds, at in ties:
        kept = merges.ties[customer] if customer in merges.ties else people.by_number[customer].ties
        kept.setdefault((code, item), Tie(bool(holds), at))
    for customer, number, at, granted, *rest in await connection.in_thread(
        sql.EVIDENCE, {"site": site, "keys": _json(numbers)}
    ):
        consent = Consent(customer, at, bool(granted), *rest)
        merges.evidence.setdefault(customer, []).append((number, consent))
    if returning:
        values = {"site": site, "keys": _json(returning)}
        for number, currency, net, lifetime, is_counted in await connection.all(revenue_statements.REVENUES_OF, values):
            work.revenues.add(Revenue(number, currency, net, lifetime, bool(is_counted)))
    orders = {(row.name, row.order_id) for rows in merges.late.values() for row in rows if row.order_id is not None}
    if len(roots) > 1:  # an order that two of them have is one of all but the first
        others = [number for root in roots[1:] for number in groups[root]]
        rows = await connection.in_thread(sql.ORDERS, {"site": site, "keys": _json(others)})
        orders.update((name, order) for name, order in rows)
    await _load_reports(connection, site, [(each, *order) for each in numbers for order in sorted(orders)], merges)


async def _load_reports(connection: Connection, site: int, keys: list[tuple[Any, ...]], merges: Merges) -> None:
    if not keys:
        return
    rows = await connection.in_thread(sql.REPORTS, {"site": site, "keys": _json(keys)})
    for number, customer, name, order, at, uuid, detail, lacks in sorted(rows, key=lambda row: row[0]):
        report = report_of(None if lacks & LACKS_UUID else uuid, None if lacks & LACKS_TIME else at, detail)
        merges.reports.setdefault((customer, name, order), []).append((number, report))


def _json(keys: Iterable[Any]) -> str:
    return msgspec.json.encode(list(keys)).decode()
