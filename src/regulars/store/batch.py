"""One batch: load what the commands name, apply the rules in memory, write what changed, append the change."""

import secrets
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec

from regulars.domain import changes
from regulars.domain.activity import Activity
from regulars.domain.activity_rules import log_identity
from regulars.domain.commands import (
    Command,
    DeleteCustomer,
    DeleteObject,
    Outcome,
    RecordActivity,
    Relate,
    SaveObject,
    Upsert,
)
from regulars.domain.customer import IDENTITY_FIELDS, Customer, Person
from regulars.domain.events import REFERENCE_FIELDS
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.mail import Log, own_number
from regulars.domain.objects import RelatedObject
from regulars.domain.profile import Profile
from regulars.domain.references import Reference
from regulars.domain.relations import BY_NAME, KIND_CODES, KINDS, Tie
from regulars.domain.rules import apply
from regulars.domain.text import fold
from regulars.domain.working import Counters, WorkingSet
from regulars.store import statements as sql
from regulars.store.engine import Connection, Row, WriteConnection
from regulars.store.statement import Statement

_TOKEN_BITS: Final = 62
_Identifier = tuple[str, str | bytes | int]
_fields_of = msgspec.structs.astuple


class UnknownSiteError(Exception):
    """There is no site with this number."""


async def commit_batch(
    connection: WriteConnection, site: int, commands: Sequence[Command], *, now: int, limits: Limits
) -> tuple[list[Outcome], bool]:
    """Carry out commands on one site, in order, inside the connection's transaction.

    Returns their outcomes and whether anything was written. Raises UnknownSiteError. What an unforeseen exception
    leaves behind is for the transaction to roll back.
    """
    head = await connection.one(sql.TAKE_HEAD, {"site": site, "new_token": secrets.randbits(_TOKEN_BITS)})
    if head is None:
        raise UnknownSiteError(site)
    number, token, previous, *counters = head
    work = WorkingSet(now, Counters(*counters))
    await _Loading(connection, site, work).load(commands)
    outcomes = [apply(command, work, limits) for command in commands]
    if work.is_clean():
        await connection.all(sql.GIVE_BACK_HEAD, {"site": site})
        return outcomes, False
    await _Writing(connection, site, work).write(number, token, previous)
    if _fields_of(work.counters) != tuple(counters):
        await connection.all(sql.SAVE_COUNTERS, {"site": site, **msgspec.structs.asdict(work.counters)})
    return outcomes, True


class _Loading:
    """Reads every row that the commands of a batch name, one statement a table."""

    def __init__(self, connection: Connection, site: int, work: WorkingSet) -> None:
        self.connection = connection
        self.site = site
        self.work = work

    async def rows(self, statement: Statement, keys: Iterable[Any]) -> list[Row]:
        listed = list(keys)
        if not listed:
            return []
        text = msgspec.json.encode(listed).decode()
        return await self.connection.all(statement, {"site": self.site, "keys": text})

    async def load(self, commands: Sequence[Command]) -> None:
        people: list[Who] = []
        references: set[tuple[str, Reference]] = set()
        names: set[tuple[str, str]] = set()
        numbered: set[str] = set()
        activities: list[Activity] = []
        for command in commands:
            match command:
                case Upsert(profile=profile):
                    people.append(profile.who)
                    _refer(profile, references)
                case RecordActivity(activity=activity):
                    people.append(activity.who)
                    activities.append(activity)
                    references.update((REFERENCE_FIELDS[field], item) for field, item in activity.references)
                    references.update(("product", item) for item in activity.products)
                    if activity.profile is not None:
                        _refer(activity.profile, references)
                case DeleteCustomer(who=who):
                    people.append(who)
                case Relate(who=who, relation=relation, reference=reference):
                    people.append(who)
                    references.add((BY_NAME[relation].kind or "", reference))
                case SaveObject(kind=kind, reference=optional, key=key, name=name):
                    references.update((kind, item) for item in (optional, key) if item is not None)
                    numbered.add(kind)
                    if name is not None:
                        names.add((kind, fold(name)))
                case DeleteObject(kind=kind, reference=reference):
                    references.add((kind, reference))
                case _:
                    pass
        await self.people(people)
        if any(isinstance(command, RecordActivity | Relate) for command in commands):
            self.candidates = _Candidates(people, self.work)
        await self.objects(references, names, numbered)
        if activities:
            await self.activities(activities)
        await self.ties(commands)

    async def people(self, people: list[Who]) -> None:
        found: dict[int, Row] = {}
        for statement, keys in (
            (sql.CUSTOMERS_BY_EMAIL, {who.email_key for who in people}),
            (sql.CUSTOMERS_BY_CUSTOMER_ID, {who.customer_id for who in people}),
            (sql.CUSTOMERS_BY_UUID, {who.uuid and who.uuid.hex() for who in people}),
            (sql.CUSTOMERS_BY_NUMBER, {who.number for who in people}),
        ):
            keys.discard(None)
            for row in await self.rows(statement, keys):
                found[row[0]] = row
        ties: dict[int, dict[tuple[int, int], Tie]] = {number: {} for number in found}
        for customer, relation, item, holds, at, key in await self.rows(sql.PROFILE_TIES, found):
            ties[customer][relation, item] = Tie(bool(holds), at, key)
        for number, row in found.items():
            self.work.add(Person(Customer(*row), ties[number]))

    async def objects(
        self, references: set[tuple[str, Reference]], names: set[tuple[str, str]], numbered: set[str]
    ) -> None:
        by_number = [(KIND_CODES[kind], item) for kind, item in references if isinstance(item, int)]
        by_key = [(KIND_CODES[kind], item) for kind, item in references if isinstance(item, str)]
        by_name = [(KIND_CODES[kind], item) for kind, item in names]
        for statement, keys in (
            (sql.OBJECTS_BY_NUMBER, by_number),
            (sql.OBJECTS_BY_KEY, by_key),
            (sql.OBJECTS_BY_NAME, by_name),
        ):
            for row in await self.rows(statement, keys):
                self.work.add_object(RelatedObject(*row))
        missing = numbered | {kind for kind, item in references if (kind, item) not in self.work.objects}
        for code, last in await self.rows(sql.LAST_OBJECT_NUMBERS, {KIND_CODES[kind] for kind in missing}):
            self.work.last_object_numbers[KINDS[code - 1]] = last or 0

    async def activities(self, activities: list[Activity]) -> None:
        work = self.work
        uuids = {activity.uuid.hex() for activity in activities if activity.uuid is not None}
        for uuid, customer, log in await self.rows(sql.SEEN_UUIDS, uuids):
            work.seen_uuids[uuid] = customer if log is None else None
        orders = set()
        identities = set()
        own: dict[int, bytes] = {}
        for activity in activities:
            for number in self.candidates.of(activity.who):
                if activity.order_id is not None:
                    orders.add((number, activity.name, activity.order_id))
                if activity.kind.mail is not None:
                    at = work.now if activity.at is None else activity.at
                    identities.add(log_identity(activity, number, self.numbers_of(activity), at).hex())
            if activity.log_key is not None:
                identity = log_identity(activity, 0, {}, 0)
                identities.add(identity.hex())
                named = own_number(activity.log_key, self.site)
                if named is not None:
                    own[named] = identity
        work.seen_orders.update(await self.rows(sql.SEEN_ORDERS, orders))
        for row in await self.rows(sql.LOGS_BY_IDENTITY, identities):
            log = Log(*row)
            work.logs[log.identity] = log
        for row in await self.rows(sql.LOGS_BY_NUMBER, own):
            log = Log(*row)
            work.logs[own[log.number]] = work.logs.setdefault(log.identity, log)

    def numbers_of(self, activity: Activity) -> dict[str, int]:
        found = {}
        for field, reference in activity.references:
            item = self.work.objects.get((REFERENCE_FIELDS[field], reference))
            if item is not None:
                found[field] = item.number
        return found

    async def ties(self, commands: Sequence[Command]) -> None:
        """The ties that activities and relationship calls will change, beside those of the customers' pictures."""
        wanted: set[tuple[int, int, int]] = set()
        for command in commands:
            if isinstance(command, RecordActivity):
                activity = command.activity
                numbers = self.numbers_of(activity)
                items = [self.work.objects.get(("product", item)) for item in activity.products]
                products = [item.number for item in items if item is not None]
                named = []
                for rule in activity.rules():
                    code = BY_NAME[rule.relation].code
                    if rule.field in numbers:
                        named.append((code, numbers[rule.field]))
                    if rule.field == "product_id":
                        named.extend((code, number) for number in products)
                who = activity.who
            elif isinstance(command, Relate):
                relation = BY_NAME[command.relation]
                found = self.work.objects.get((relation.kind or "", command.reference))
                named = [] if found is None else [(relation.code, found.number)]
                who = command.who
            else:
                continue
            wanted.update((customer, *place) for customer in self.candidates.of(who) for place in named)
        for customer, code, item, holds, at in await self.rows(sql.TIES, wanted):
            self.work.people[customer].ties.setdefault((code, item), Tie(bool(holds), at))


class _Candidates:
    """Which stored customers each command may turn out to concern: an earlier one may give them its identifiers."""

    def __init__(self, people: list[Who], work: WorkingSet) -> None:
        self._parents: dict[_Identifier, _Identifier] = {}
        self._customers: dict[_Identifier, list[int]] = {}
        known = [
            Who(email_key=c.email_key, customer_id=c.customer_id, uuid=c.uuid, number=c.number)
            for c in (person.customer for person in work.people.values())
        ]
        for who in (*people, *known):
            identifiers = _identifiers(who)
            for other in identifiers[1:]:
                self._parents[self._root(other)] = self._root(identifiers[0])
        for number in work.people:
            self._customers.setdefault(self._root(("number", number)), []).append(number)

    def of(self, who: Who) -> list[int]:
        """Every stored customer that is connected to these identifiers by commands of the batch."""
        identifiers = _identifiers(who)
        return self._customers.get(self._root(identifiers[0]), []) if identifiers else []

    def _root(self, identifier: _Identifier) -> _Identifier:
        parents = self._parents
        while (parent := parents.get(identifier, identifier)) != identifier:
            parents[identifier] = parents.get(parent, parent)
            identifier = parent
        return identifier


def _identifiers(who: Who) -> list[_Identifier]:
    listed = (("email", who.email_key), ("id", who.customer_id), ("uuid", who.uuid), ("number", who.number))
    return [(kind, value) for kind, value in listed if value is not None]


def _refer(profile: Profile, references: set[tuple[str, Reference]]) -> None:
    references.update(("group", item) for item in profile.groups)
    references.update(("newsletter", item) for item, _ in profile.newsletters)


class _Writing:
    """Writes what the working set says has changed."""

    def __init__(self, connection: Connection, site: int, work: WorkingSet) -> None:
        self.connection = connection
        self.site = site
        self.work = work

    async def write(self, number: int, token: int, previous: int) -> None:
        work, site = self.work, self.site
        await self.deletions()
        await self.customers()
        await self.rows(sql.SAVE_OBJECTS, [(site, *_fields_of(item)) for item in work.saved_objects.values()])
        await self.rows(sql.SAVE_TIES, [(site, *key, int(tie.holds), tie.at) for key, tie in work.ties.items()])
        await self.rows(sql.INSERT_LOGS, [(site, *_fields_of(log)) for log in work.new_logs.values()])
        await self.rows(
            sql.UPDATE_LOGS,
            [
                (*(getattr(log, name) for name in sql.LOG_FIELDS), site, log.number)
                for log in work.changed_logs.values()
                if log.number not in work.new_logs
            ],
        )
        await self.rows(sql.INSERT_ACTIVITIES, [(site, *_fields_of(row)) for row in work.activities])
        await self.consents()
        parts = changes.encode(work.entries(), cleared=work.cleared, rebuild=work.rebuild)
        await self.rows(
            sql.INSERT_CHANGES,
            [
                (site, number, part, token, previous, int(part == len(parts) - 1), work.now, body)
                for part, body in enumerate(parts)
            ],
        )

    async def rows(self, statement: Statement, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            await self.connection.many(statement, rows)

    async def deletions(self) -> None:
        gone = [(self.site, number) for number, stored in self.work.deleted.items() if stored]
        for statement in (sql.DELETE_CUSTOMERS, sql.DELETE_TIES, sql.DELETE_HISTORY, sql.DELETE_CONSENTS):
            await self.rows(statement, gone)
        await self.rows(sql.CLEAR_TIES, [(self.site, *place) for place in self.work.cleared])

    async def customers(self) -> None:
        new, changed, renamed = [], [], []
        for before, after in self.work.changed_customers():
            row = _fields_of(after)
            if before is None:
                new.append((self.site, *row))
                continue
            changed.append((*_changing(row), self.site, after.number))
            if any(getattr(before, name) != getattr(after, name) for name in IDENTITY_FIELDS):
                renamed.append((*_identity(row), self.site, after.number))
        await self.rows(sql.CLEAR_IDENTITY, [row[-2:] for row in renamed])
        await self.rows(sql.UPDATE_IDENTITY, renamed)
        await self.rows(sql.INSERT_CUSTOMERS, new)
        await self.rows(sql.UPDATE_CUSTOMERS, changed)

    async def consents(self) -> None:
        work = self.work
        rows = []
        for consent in work.consents:
            customer, *rest = _fields_of(consent)
            rows.append((self.site, customer, work.counters.consent, *rest))
            work.counters.consent += 1
        await self.rows(sql.INSERT_CONSENTS, rows)


_CUSTOMER_FIELDS: Final = Customer.__struct_fields__
_identity = itemgetter(*(_CUSTOMER_FIELDS.index(name) for name in IDENTITY_FIELDS))
_changing = itemgetter(
    *(place for place, name in enumerate(_CUSTOMER_FIELDS) if name != "number" and name not in IDENTITY_FIELDS)
)
