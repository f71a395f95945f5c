"""What a batch reads: every row that its commands name, in one to three round trips whatever their number.

The first takes the site's lock and reads whatever the commands name themselves, the second asks what new objects will
be called, what a call replaces and which products offers have, the third what activities meet of what was found.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from regulars.domain.activity import Activity
from regulars.domain.activity_rules import log_identity
from regulars.domain.commands import (
    Command,
    DeleteCustomer,
    DeleteObject,
    LinkProducts,
    RecordActivity,
    Relate,
    SaveObject,
    Upsert,
    UpsertGroup,
)
from regulars.domain.customer import Customer, Person
from regulars.domain.events import OFFER_PRODUCTS, REFERENCE_FIELDS
from regulars.domain.faults import UnknownSiteError
from regulars.domain.identity import Who
from regulars.domain.mail import Log, own_number
from regulars.domain.objects import RelatedObject
from regulars.domain.profile import Profile
from regulars.domain.references import Reference
from regulars.domain.relations import BY_NAME, KIND_CODES, KINDS, Tie
from regulars.domain.text import fold
from regulars.domain.ties import OFFER, RELATIONSHIPS
from regulars.domain.working import Counters, WorkingSet
from regulars.store import offer_statements
from regulars.store import statements as sql
from regulars.store.engine import Connection, Row, Values
from regulars.store.reads import picture_ties
from regulars.store.statement import Statement

_Identifier = tuple[str, str | bytes | int]
_Query = tuple[Statement, Values]


_CODES_OF_OFFERS: Final = sorted({BY_NAME[rule.relation].code for rules in OFFER_PRODUCTS.values() for rule in rules})


class _Named:
    """What the commands of a batch name."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self.people: list[Who] = []
        self.references: set[tuple[str, Reference]] = set()
        self.names: set[tuple[str, str]] = set()
        self.numbered: set[str] = set()
        self.activities: list[Activity] = []
        self.relates: list[Relate] = []
        self.links: list[LinkProducts] = []
        for command in commands:
            self._note(command)

    def _note(self, command: Command) -> None:
        people, references = self.people, self.references
        match command:
            case Upsert(profile=profile, tagging=tagging):
                people.append(profile.who)
                _refer(profile, references)
                if tagging is not None:
                    self._note(tagging)
            case UpsertGroup(upserts=upserts):
                for upsert in upserts:
                    self._note(upsert)
            case RecordActivity(activity=activity):
                people.append(activity.who)
                self.activities.append(activity)
                references.update((REFERENCE_FIELDS[field], item) for field, item in activity.references)
                references.update(("product", item) for item in activity.products)
                if activity.profile is not None:
                    _refer(activity.profile, references)
            case DeleteCustomer(who=who):
                people.append(who)
            case Relate(who=who, relation=relation, references=named):
                people.append(who)
                self.relates.append(command)
                references.update((BY_NAME[relation].kind or "", item) for item in named)
            case LinkProducts(offer=offer, products=named):
                self.links.append(command)
                references.add(("offer", offer))
                references.update(("product", item) for item in named)
            case SaveObject(kind=kind, reference=optional, key=key, name=name):
                references.update((kind, item) for item in (optional, key, name) if item is not None)
                self.numbered.add(kind)
                if name is not None:
                    self.names.add((kind, fold(name)))
            case DeleteObject(kind=kind, reference=reference):
                references.add((kind, reference))
            case _:
                pass


class Loading:
    """The reading of one batch. After `load`, `head` is the site's row of counters and `work` holds what was found."""

    def __init__(self, connection: Connection, site: int, commands: Sequence[Command]) -> None:
        self._connection = connection
        self._site = site
        self._named = _Named(commands)
        self.head: Row
        self.work: WorkingSet

    async def load(self, token: int, now: int) -> None:
        """Take the lock, under a new head with this token, and read. Raises UnknownSiteError."""
        await self._first_round(token, now)
        await self._second_round()
        if self._named.activities or self._named.relates:
            await self._third_round()

    async def _ask(self, *queries: _Query | None) -> list[list[Row]]:
        """The rows of each query; none for those that are None. One round trip, or no one."""
        asked = [query for query in queries if query is not None]
        answers = iter(await self._connection.several(asked) if asked else ())
        return [[] if query is None else next(answers) for query in queries]

    def _keyed(self, statement: Statement, keys: Iterable[Any]) -> _Query | None:
        listed = list(keys)
        if not listed:
            return None
        return statement, {"site": self._site, "keys": msgspec.json.encode(listed).decode()}

    async def _first_round(self, token: int, now: int) -> None:
        """Take the lock, and read what the commands name themselves."""
        named = self._named
        people = named.people
        kinds = KIND_CODES
        heads, by_email, by_id, by_uuid, by_number, *objects, seen = await self._ask(
            (sql.TAKE_HEAD, {"site": self._site, "new_token": token}),
            self._keyed(sql.PEOPLE_BY_EMAIL, {who.email_key for who in people} - {None}),
            self._keyed(sql.PEOPLE_BY_CUSTOMER_ID, {who.customer_id for who in people} - {None}),
            self._keyed(sql.PEOPLE_BY_UUID, {who.uuid.hex() for who in people if who.uuid is not None}),
            self._keyed(sql.PEOPLE_BY_NUMBER, {who.number for who in people} - {None}),
            self._keyed(
                sql.OBJECTS_BY_NUMBER, [(kinds[kind], item) for kind, item in named.references if isinstance(item, int)]
            ),
            self._keyed(
                sql.OBJECTS_BY_KEY, [(kinds[kind], item) for kind, item in named.references if isinstance(item, str)]
            ),
            self._keyed(sql.OBJECTS_BY_NAME, [(kinds[kind], item) for kind, item in named.names]),
            self._keyed(sql.SEEN_UUIDS, {each.uuid.hex() for each in named.activities if each.uuid is not None}),
        )
        if not heads:
            raise UnknownSiteError(self._site)
        (self.head,) = heads
        self.work = WorkingSet(now, Counters(*self.head[3:]))
        for rows in objects:
            for row in rows:
                self.work.objects.add(RelatedObject(*row))
        for uuid, customer, log in seen:
            self.work.history.seen_uuids[uuid] = customer if log is None else None
        for rows in (by_email, by_id, by_uuid, by_number):
            for row in rows:
                if row[0] not in self.work.people.by_number:
                    self.work.people.add(Person(Customer(*row[:-1]), picture_ties(row[-1])))

    async def _second_round(self) -> None:
        """The numbers that new objects will get, what calls replace, and the products of offers; often nothing."""
        named, work = self._named, self.work
        replaced = {each.relation for each in named.relates if each.change == "replace"}
        codes = [BY_NAME[relation].code for relation in replaced]
        missing = named.numbered | {
            kind for kind, item in named.references if (kind, item) not in work.objects.by_reference
        }
        numbers, held, *links = await self._ask(
            self._keyed(sql.LAST_OBJECT_NUMBERS, {KIND_CODES[kind] for kind in missing}),
            self._keyed(
                offer_statements.TIES_OF_RELATION,
                [(customer, code) for customer in work.people.by_number for code in codes],
            ),
            self._keyed(offer_statements.OFFER_PRODUCTS, self._offers()),
            self._keyed(offer_statements.HELD_OFFER_PRODUCTS, work.people.by_number if OFFER in replaced else ()),
        )
        for customer, relation, item, holds, at in held:
            work.people.by_number[customer].ties.setdefault((relation, item), Tie(bool(holds), at))
        for offer, product in (link for rows in links for link in rows):
            work.objects.products_of.setdefault(offer, set()).add(product)
        for code, last in numbers:
            if last is not None:
                work.objects.last_numbers[KINDS[code - 1]] = last

    async def _third_round(self) -> None:
        """What activities and relationship calls meet: orders and logs that are there, ties that they will change."""
        work = self.work
        candidates = _Candidates(self._named.people, work)
        orders = set()
        identities = set()
        own: dict[int, dict[int, bytes]] = {}
        for activity in self._named.activities:
            for number in candidates.of(activity.who):
                if activity.order_id is not None:
                    orders.add((number, activity.name, activity.order_id))
                if activity.kind.mail is not None:
                    at = work.now if activity.at is None else min(activity.at, work.now)
                    identity = log_identity(activity, number, self._numbers_of(activity), at)
                    identities.add(identity.hex())
                    numbered = None if activity.log_key is None else own_number(activity.log_key, self._site)
                    if numbered is not None:
                        own.setdefault(numbered, {})[number] = identity
        seen, logs, own_logs, ties = await self._ask(
            self._keyed(sql.SEEN_ORDERS, orders),
            self._keyed(sql.LOGS_BY_IDENTITY, identities),
            self._keyed(sql.LOGS_BY_NUMBER, own),
            self._keyed(sql.TIES, self._changing_ties(candidates)),
        )
        work.history.seen_orders.update(seen)
        for row in logs:
            log = Log(*row)
            work.history.logs[log.identity] = log
        for row in own_logs:
            log = Log(*row)
            log = work.history.logs.setdefault(log.identity, log)
            for number, identity in own[log.number].items():
                if number == log.customer or work.people.by_number[number].customer.email_key == log.address_key:
                    work.history.logs.setdefault(identity, log)
        for customer, code, item, holds, at in ties:
            work.people.by_number[customer].ties.setdefault((code, item), Tie(bool(holds), at))

    def _numbers_of(self, activity: Activity, only: str | None = None) -> dict[str, int]:
        found = {}
        for field, reference in activity.references:
            if only is not None and field != only:
                continue
            item = self.work.objects.by_reference.get((REFERENCE_FIELDS[field], reference))
            if item is not None:
                found[field] = item.number
        return found

    def _changing_ties(self, candidates: "_Candidates") -> set[tuple[int, int, int]]:
        """(customer, relation, object) of the ties that will change, beside those of the customers' pictures."""
        objects = self.work.objects.by_reference
        wanted: set[tuple[int, int, int]] = set()
        for activity in self._named.activities:
            numbers = self._numbers_of(activity)
            items = [objects.get(("product", item)) for item in activity.products]
            products = [item.number for item in items if item is not None]
            named = []
            for rule in activity.rules():
                code = BY_NAME[rule.relation].code
                if rule.field in numbers:
                    named.append((code, numbers[rule.field]))
                if rule.field == "product_id":
                    named.extend((code, number) for number in products)
                if rule.relation == OFFER and rule.field in numbers:
                    named += self._ties_of_products((numbers[rule.field],))
            wanted.update((customer, *place) for customer in candidates.of(activity.who) for place in named)
        for command in self._named.relates:
            relation = BY_NAME[command.relation]
            related = set(self._numbers(relation.kind or "", command.references))
            for customer in candidates.of(command.who):
                if command.change == "replace":
                    related |= {
                        item for code, item in self.work.people.by_number[customer].ties if code == relation.code
                    }
            codes = [BY_NAME[name].code for name in RELATIONSHIPS[command.relation].relations()]
            named = [(code, number) for code in codes for number in related]
            if command.relation == OFFER:
                named += self._ties_of_products(related)
            wanted.update((customer, *place) for customer in candidates.of(command.who) for place in named)
        return wanted

    def _numbers(self, kind: str, references: Iterable[Reference]) -> list[int]:
        """The numbers of those of the objects that are there."""
        found = (self.work.objects.by_reference.get((kind, reference)) for reference in references)
        return [item.number for item in found if item is not None]

    def _offers(self) -> set[int]:
        """The offers that are there of those that are granted, revoked or changed."""
        named = self._named
        offers = {number for each in named.activities for number in self._numbers_of(each, only="offer_id").values()}
        for command in named.relates:
            if command.relation == OFFER:
                offers.update(self._numbers("offer", command.references))
        return offers.union(self._numbers("offer", [link.offer for link in named.links]))

    def _ties_of_products(self, offers: Iterable[int]) -> list[tuple[int, int]]:
        """(relation, product) that offers take along; commands of the batch may put their products into any of them."""
        products = {number for link in self._named.links for number in self._numbers("product", link.products)}
        products.update(*(self.work.objects.products_of.get(offer, ()) for offer in offers))
        return [(code, product) for code in _CODES_OF_OFFERS for product in products]


class _Candidates:
    """Which stored customers each command may turn out to concern: an earlier one may give them its identifiers."""

    def __init__(self, people: list[Who], work: WorkingSet) -> None:
        self._parents: dict[_Identifier, _Identifier] = {}
        self._customers: dict[_Identifier, list[int]] = {}
        known = [
            Who(email_key=c.email_key, customer_id=c.customer_id, uuid=c.uuid, number=c.number)
            for c in (person.customer for person in work.people.by_number.values())
        ]
        for who in (*people, *known):
            identifiers = _identifiers(who)
            for other in identifiers[1:]:
                self._parents[self._root(other)] = self._root(identifiers[0])
        for number in work.people.by_number:
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
