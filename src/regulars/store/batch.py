"""One batch: loads the rows that the commands need, applies the rules in memory, writes changes, appends to the log."""

import secrets
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec

from regulars.domain import changes, outbox
from regulars.domain.audiences import encode_refers
from regulars.domain.audit import audited, is_audited
from regulars.domain.changes import Head
from regulars.domain.commands import Command, apply
from regulars.domain.customer import IDENTITY_FIELDS, Customer
from regulars.domain.drip_campaigns import encode_steps
from regulars.domain.limits import Limits
from regulars.domain.origin import JOB, Origin
from regulars.domain.outcome import Outcome
from regulars.domain.relations import BY_CODE, KIND_CODES
from regulars.domain.working import WorkingSet
from regulars.domain.working.addresses import Identifier
from regulars.domain.working.happenings import happenings_of
from regulars.store import (
    address_statements,
    audience_statements,
    consent_request_statements,
    customer_history_statements,
    drip_statements,
    import_statements,
    jobs,
    note_statements,
    object_statements,
    offer_statements,
    outbox_statements,
    revenue_statements,
    tie_statements,
    watch_statements,
)
from regulars.store import statements as sql
from regulars.store.audience_watches import RECORD_HISTORY, WATCH_AUDIENCES
from regulars.store.audit import write_audit_events
from regulars.store.consent_requests import write_requests
from regulars.store.deleted_ties import REMOVE_DELETED_TIES, kind_of
from regulars.store.engine import Connection, WriteConnection
from regulars.store.erasing import count_rows, erase_rows
from regulars.store.history_writing import write_history
from regulars.store.import_changes import write_import_changes, write_undone
from regulars.store.loading import Loading
from regulars.store.merges import delete_merges, write_merges
from regulars.store.notes import write_notes
from regulars.store.statement import Statement
from regulars.store.tombstone_hashes import hash_of
from regulars.store.visitor_writing import bury_visitors, write_visitors

_TOKEN_BITS: Final = 62
_CLEAR: Final = {
    KIND_CODES["offer"]: offer_statements.UNLINK_OFFER,
    KIND_CODES["product"]: offer_statements.UNLINK_PRODUCT,
    KIND_CODES["sequence"]: drip_statements.DELETE_PENDING_OF_CAMPAIGN,
}
"""By kind, what deletes the rows of a deleted object that is created again before they are removed."""
_fields_of = msgspec.structs.astuple


class Batch(NamedTuple):
    """The outcome of each command in a batch, and the site's new head, None if nothing was written.

    currency: what the batch has set as the currency of the site, None if it set none.
    """

    outcomes: list[Outcome]
    head: Head | None
    currency: str | None = None


class Rehearsed(NamedTuple):
    """What commands would come to. given_up: the identifiers that customers would no longer have, by number."""

    outcomes: list[Outcome]
    given_up: dict[int, list[Identifier]]


async def commit_batch(
    connection: WriteConnection,
    site: int,
    commands: Sequence[Command],
    *,
    now: int,
    limits: Limits,
    secret: bytes,
    has_outbox: bool = True,
    origins: Sequence[Origin] | None = None,
) -> Batch:
    """Execute commands on one site, in order, inside the connection's transaction.

    has_outbox: also write events to the outbox. secret: the database's, with which tombstones are hashed.
    origins: of each command, all of one import or none; None: a job. What an import changes is kept, so that it can be
    undone.

    Raises UnknownSiteError. After an unexpected exception the caller must roll the transaction back.
    """
    origins = origins or [JOB] * len(commands)
    run = origins[0].import_run if origins else None
    import_number = None if run is None or run.is_undo else run.number
    loading, outcomes, audit = await _execute(
        connection, site, commands, origins, now=now, limits=limits, secret=secret, is_import=import_number is not None
    )
    assert loading.head is not None
    number, token, previous, *counters, moment = loading.head
    work = loading.work
    if work.is_clean():
        await connection.many(sql.GIVE_BACK_HEAD, [(site,)])
        return Batch(outcomes, None)
    work.stamp(moment)
    writing = _Writing(connection, site, work, secret, moment)
    if import_number is not None:
        await write_import_changes(connection, site, work, import_number, number)
    if has_outbox:
        await writing.outbox(number, token, previous)
    await writing.write(number, token, previous)
    if audit:
        bodies = audited(site, audit, work.changed_fields)
        await write_audit_events(connection, site, bodies, loading.last_audit, moment)
    now_counters = _fields_of(work.counters)
    if now_counters != tuple(counters):
        await connection.many(sql.SAVE_COUNTERS, [(*now_counters, site)])
    return Batch(outcomes, Head(number, token), work.revenues.currency if work.revenues.is_new else None)


async def rehearse_batch(
    connection: WriteConnection, site: int, commands: Sequence[Command], *, now: int, limits: Limits, secret: bytes
) -> Rehearsed:
    """What commands would come to. The caller must roll the transaction back. Raises UnknownSiteError."""
    origins = [JOB] * len(commands)
    loading, outcomes, _ = await _execute(connection, site, commands, origins, now=now, limits=limits, secret=secret)
    return Rehearsed(outcomes, loading.work.people.given_up())


async def _execute(
    connection: WriteConnection,
    site: int,
    commands: Sequence[Command],
    origins: Sequence[Origin],
    *,
    now: int,
    limits: Limits,
    secret: bytes,
    is_import: bool = False,
) -> tuple[Loading, list[Outcome], list[tuple[Origin, Outcome]]]:
    """Load what commands need and apply their rules in memory."""
    loading = Loading(connection, site, commands, secret, limits, is_audited=any(map(is_audited, origins)))
    await loading.load(secrets.randbits(_TOKEN_BITS), now)
    if is_import:
        loading.work.ties.before = {}
    outcomes = []
    audit: list[tuple[Origin, Outcome]] = []
    for command, origin in zip(commands, origins, strict=True):
        loading.work.origin = origin
        outcome = apply(command, loading.work, limits)
        if is_audited(origin):
            audit.append((origin, outcome))
        outcomes.append(outcome)
    return loading, outcomes, audit


async def has_happened(connection: Connection, site: int, head: Head) -> bool:
    """Whether the transaction that made this head was committed; waits for it if it is still running."""
    _, found = await connection.several(
        [(sql.LOCK_HEAD, {"site": site}), (sql.CHANGE_TOKEN, {"site": site, "number": head.number})]
    )
    return found == [(head.token,)]


class _Writing:
    """Writes the changes collected by the working set."""

    def __init__(self, connection: WriteConnection, site: int, work: WorkingSet, secret: bytes, moment: int) -> None:
        self.secret = secret
        self.moment = moment
        self.connection = connection
        self.site = site
        self.work = work

    async def write(self, number: int, token: int, previous: int) -> None:
        work, site = self.work, self.site
        await self.deletions()
        await write_undone(self.connection, site, work)
        await self.customers()
        await write_merges(self.connection, site, work)
        await self.objects()
        await self.recreated(number)
        await self.links()
        await self.drips()
        await write_visitors(self.connection, site, work, self.secret)
        await self.audiences()
        await self.ties(number)
        await self.rows(sql.INSERT_LOGS, [(site, *_fields_of(log)) for log in work.history.new_logs.values()])
        changed = work.history.stored_logs_changed()
        if self.connection.joins_rows:
            await self.rows(sql.SAVE_CHANGED_LOGS, [(site, *_fields_of(log)) for log in changed])
        else:
            fields = [(*(getattr(log, name) for name in sql.LOG_FIELDS), site, log.number) for log in changed]
            await self.rows(sql.UPDATE_LOGS, fields)
        await write_history(self.connection, site, work, self.moment)
        await write_notes(self.connection, site, work)
        await write_requests(self.connection, site, work)
        await self.addresses()
        await self.revenues()
        parts = changes.encode(
            work.entries(),
            cleared=work.ties.cleared,
            rebuild=work.rebuild,
            cleared_at=work.cleared_at,
            activities=work.counters.activity - 1,
        )
        await self.rows(
            sql.INSERT_CHANGES,
            [
                (site, number, part, token, previous, int(part == len(parts) - 1), work.now, body)
                for part, body in enumerate(parts)
            ],
        )

    async def outbox(self, number: int, token: int, previous: int) -> None:
        parts = outbox.encode(happenings_of(self.work, self.work.counters.consent))
        newest = parts[-1].position
        await self.rows(
            outbox_statements.INSERT,
            [
                (self.site, number, at, count, token, previous, int(at == newest), self.work.now, body)
                for at, count, body in parts
            ],
        )

    async def ties(self, number: int) -> None:
        """Write ties. Those of deleted objects are only noted as deleted: a job removes them, see `deleted_ties`."""
        work, site = self.work, self.site
        rows: list[tuple[Any, ...]] = [(site, *key, int(tie.holds), tie.at) for key, tie in work.ties.saved.items()]
        if work.ties.cleared:
            moments = {tied: work.cleared_at if BY_CODE[tied[0]].is_shown else 0 for tied in work.ties.cleared}
            await self.rows(
                tie_statements.NOTE_DELETED_TIES, [(site, *tied, number, moment) for tied, moment in moments.items()]
            )
            gone = {(kind_of(relation), item) for relation, item in work.ties.cleared}
            fenced = [(number, site, *each) for each in sorted(gone) if work.objects.saved[each].deleted_at is not None]
            await self.rows(tie_statements.FENCE_OBJECT, fenced)
            await jobs.hasten_within(self.connection, REMOVE_DELETED_TIES, now=work.now)
        if work.ties.cleared or work.has_deleted_ties:
            await self.rows(tie_statements.SAVE_TIES_ANEW, [(*row, number) for row in rows])
        else:
            await self.rows(tie_statements.SAVE_TIES, rows)

    async def rows(self, statement: Statement, rows: list[tuple[Any, ...]], *, long: bool = False) -> None:
        if rows:
            await self.connection.many(statement, rows, long=long)

    async def deletions(self) -> None:
        gone = [(self.site, number) for number, uuid in self.work.people.deleted.items() if uuid is not None]
        gone += [(self.site, number) for number in self.work.people.merged.deleted]
        if not gone and not self.work.erasures:
            return  # as almost always
        if self.work.erasures:
            await self.connection.overwrite_deleted()
        counts = await count_rows(self.connection, self.site, self.work)
        for statement in (
            sql.DELETE_CUSTOMERS,
            sql.DELETE_TIES,
            sql.DELETE_HISTORY,
            sql.ERASE_DETAILS,
            sql.FORGET_LOGS,
            sql.DELETE_CONSENTS,
            customer_history_statements.DELETE_NEWSLETTER_CONSENTS,
            consent_request_statements.DELETE,
            customer_history_statements.DELETE_PROFILE_CHANGES,
            note_statements.DELETE_OF_CUSTOMER,
            address_statements.DELETE_FORMER,
            revenue_statements.DELETE_REVENUES,
            import_statements.ERASE_CHANGES,
        ):
            await self.rows(statement, gone, long=True)
        await delete_merges(self.connection, self.site, [number for _, number in gone])
        await bury_visitors(self.connection, self.site, [number for _, number in gone], self.work.now)
        await erase_rows(self.connection, self.site, self.work, self.moment, self.secret, counts)

    async def customers(self) -> None:
        new, changed, renamed = [], [], []
        joins = self.connection.joins_rows
        for before, after in (*self.work.people.changed(), *self.work.people.merged.changed()):
            row = _fields_of(after)
            if before is None:
                new.append((self.site, *row))
                continue
            changed.append((self.site, *row) if joins else (*_changing(row), self.site, after.number))
            if any(getattr(before, name) != getattr(after, name) for name in IDENTITY_FIELDS):
                renamed.append((*_identity(row), self.site, after.number))
        await self.rows(sql.CLEAR_IDENTITY, [row[-2:] for row in renamed])
        await self.rows(sql.UPDATE_IDENTITY, renamed)
        await self.rows(sql.INSERT_CUSTOMERS, new)
        await self.rows(sql.SAVE_CHANGED_CUSTOMERS if joins else sql.UPDATE_CUSTOMERS, changed)

    async def objects(self) -> None:
        """Write objects, their titles and the number of objects of each kind."""
        saved, site = self.work.objects.saved.values(), self.site
        if not saved and not self.work.objects.growth:
            return
        await self.rows(object_statements.SAVE_OBJECTS, [(site, *_fields_of(item)) for item in saved])
        present = [item for item in saved if item.deleted_at is None]
        deleted = [item for item in saved if item.deleted_at is not None]
        await self.rows(
            object_statements.SAVE_TITLES, [(site, item.kind, item.number, item.title_key) for item in present]
        )
        await self.rows(object_statements.DELETE_TITLES, [(site, item.kind, item.number) for item in deleted])
        growth = [(site, kind, more) for kind, more in self.work.objects.growth.items() if more]
        await self.rows(object_statements.ADD_COUNTS, growth)

    async def addresses(self) -> None:
        """What addresses keep of their own; that of a deleted customer goes before."""
        kept, site = self.work.addresses, self.site
        rows = [(site, *_fields_of(kept.former[key])) for key in kept.changed]
        await self.rows(address_statements.SAVE_FORMER, [(*row[:3], int(row[3]), *row[4:]) for row in rows])
        buried = [(site, hash_of(self.secret, each), *_fields_of(kept.tombstones[each])) for each in kept.buried]
        await self.rows(address_statements.SAVE_TOMBSTONES, buried)

    async def revenues(self) -> None:
        """Write revenue by currency, and the currency of the site if it is new."""
        made, site = self.work.revenues, self.site
        rows = [(site, *_fields_of(made.rows[key])) for key in sorted(made.changed)]
        await self.rows(revenue_statements.SAVE_REVENUES, [(*row[:-1], int(row[-1])) for row in rows])
        if made.is_new:
            values = {"number": site, "new_currency": made.currency, "now": self.work.now}
            await self.connection.all(revenue_statements.SET_CURRENCY, values)

    async def recreated(self, number: int) -> None:
        """Keep what is still stored of objects that were deleted from those that are created again in their place."""
        work, site = self.work, self.site
        if not work.objects.recreated or not (work.ties.cleared or work.has_deleted_ties):
            return
        await self.rows(tie_statements.FENCE_SITE, [(number, site)])
        for kind, statement in _CLEAR.items():
            again = sorted(item for each, item in work.objects.recreated if each == kind)
            await self.rows(statement, [(site, item) for item in again], long=True)

    async def links(self) -> None:
        """Write the links between offers and products. Changed links are deleted first: a batch may re-add a link."""
        work, site = self.work, self.site
        await self.rows(offer_statements.UNLINK_PRODUCTS, [(site, *link) for link in work.objects.links])
        standing = [(site, *link) for link, stands in work.objects.links.items() if stands]
        await self.rows(offer_statements.LINK_PRODUCTS, standing)

    async def drips(self) -> None:
        """Write the plans of campaigns and the pending mails. Deletions go first: a batch may schedule anew."""
        drips, site = self.work.drips, self.site
        if drips.is_clean():
            return
        await self.rows(drip_statements.DELETE_PLANS, [(site, campaign) for campaign in sorted(drips.deleted)])
        await self.rows(drip_statements.DELETE_PENDING, [(site, number) for number in sorted(drips.removed)])
        plans = [drips.plans[campaign] for campaign in sorted(drips.planned)]
        await self.rows(
            drip_statements.SAVE_PLANS,
            [
                (site, each.sequence, int(each.enabled), each.trigger_template, encode_steps(each.steps))
                for each in plans
            ],
        )
        await self.rows(drip_statements.INSERT_PENDING, [(site, *_fields_of(mail)) for mail in drips.added.values()])

    async def audiences(self) -> None:
        """Write the definitions of audiences, and who is in those that are watched."""
        kept, site = self.work.audiences, self.site
        if kept.is_clean() and not kept.members and not kept.unwatched:
            return
        gone = [(site, number) for number in sorted(kept.deleted)]
        await self.rows(audience_statements.DELETE, gone)
        await self.rows(watch_statements.DELETE_MEMBERS, [(site, number) for number in sorted(kept.unwatched)])
        watches = [(site, *_fields_of(kept.watches[number])) for number in sorted(kept.watched - kept.deleted)]
        await self.rows(watch_statements.SAVE_WATCH, watches)
        await self.rows(watch_statements.DELETE_WATCH, gone)
        await self.rows(watch_statements.DELETE_POINTS, gone)
        places = sorted(kept.members.items())
        await self.rows(watch_statements.DELETE_PLACE, [(site, *place) for place, body in places if not body])
        await self.rows(watch_statements.SAVE_MEMBERS, [(site, *place, body) for place, body in places if body])
        rows = []
        for number in sorted(kept.saved):
            found = kept.definitions[number]
            question = (found.kind, found.question, encode_refers(found.refers), int(found.watched))
            state = (found.version, found.changed_at, int(found.is_seed_list), found.source)
            rows.append((site, number, *question, *state))
        await self.rows(audience_statements.SAVE, rows)
        if rows:
            for kind in (WATCH_AUDIENCES, RECORD_HISTORY):
                await jobs.hasten_within(self.connection, kind, now=self.work.now)


_CUSTOMER_FIELDS: Final = Customer.__struct_fields__
_identity = itemgetter(*(_CUSTOMER_FIELDS.index(name) for name in IDENTITY_FIELDS))
_changing = itemgetter(
    *(place for place, name in enumerate(_CUSTOMER_FIELDS) if name != "number" and name not in IDENTITY_FIELDS)
)
