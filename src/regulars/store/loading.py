"""Loading: reads the rows that a batch of commands needs, in one to five round trips whatever the number of commands.

The first takes the site's lock and reads what the commands refer to. The next two are for identifiers that nobody has
and for emails to older addresses: what is kept of them, and the customers they belong to. Then come the numbers for new
objects, the ties that are replaced and the products of offers, and last what depends on the customers and objects
found: orders, mails, evidence of consent and ties. Commands declare what they need; see `domain.commands.needs`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from regulars.domain.address_rules import identifiers_of
from regulars.domain.commands import Command, Needs
from regulars.domain.commands.activity_needs import declare_anonymous
from regulars.domain.consent import Consent, Moments
from regulars.domain.drip_campaigns import KIND, RELATION, PendingMail
from regulars.domain.faults import UnknownSiteError
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.mail import Log
from regulars.domain.objects import RelatedObject
from regulars.domain.references import Reference
from regulars.domain.relations import BY_NAME, KIND_CODES, KINDS, Tie
from regulars.domain.stored_events import stored_anonymous
from regulars.domain.working import LACKS_TIME, LACKS_UUID, Counters, WorkingSet
from regulars.domain.working.addresses import FormerAddress, Identifier, Tombstone
from regulars.domain.working.merges import Merges
from regulars.domain.working.revenues import Revenue
from regulars.domain.working.visitors import Holder, Visitors, WaitingEvent
from regulars.store import (
    address_statements,
    audit_statements,
    drip_statements,
    offer_statements,
    revenue_statements,
    tie_statements,
    visitor_statements,
)
from regulars.store import statements as sql
from regulars.store.audience_reads import load_audiences
from regulars.store.candidates import Candidates
from regulars.store.drip_reads import plan_of_row
from regulars.store.engine import Connection, Row, Values
from regulars.store.kept_loading import load_kept
from regulars.store.mail_reads import lone_keys, mail_identities, named_mails, note_mails, own_mails, unmatched_keys
from regulars.store.merge_loading import load_everything, load_records
from regulars.store.pictures import add_people
from regulars.store.statement import Statement
from regulars.store.tombstone_hashes import hash_of

_Query = tuple[Statement, Values]


class Loading:
    """Loads one batch. After `load`, `head` is the site's row of counters and `work` holds the rows found.

    is_audited: also read last_audit, the hash of the newest entry of the audit trail.
    """

    def __init__(
        self,
        connection: Connection,
        site: int,
        commands: Sequence[Command],
        secret: bytes,
        limits: Limits,
        *,
        is_audited: bool = False,
    ) -> None:
        self._connection = connection
        self._secret = secret
        self._site = site
        self._needs = Needs()
        for command in commands:
            command.declare(self._needs)
        self._links: list[Who] = []
        self._has_former = self._has_tombstones = True
        self._limits = limits
        self._visitors = Visitors()
        self._is_audited = is_audited
        self._merges = Merges()
        self.head: Row | None = None
        self.last_audit: bytes | None = None
        self.work: WorkingSet

    async def load(self, token: int, now: int) -> None:
        """Take the site's lock by advancing its head to this token, then read. Raises UnknownSiteError."""
        needs = self._needs
        if needs.visitors:
            await self._load_visitors(token, now)
        if needs.unmerging:
            self._taken((await self._ask(self._take_head(token, now) if self.head is None else None))[0])
            self._merges = await load_records(self._connection, self._site, needs, self._limits)
        await self._first_round(token, now)
        await self._load_addresses()
        await self._second_round()
        if needs.audiences or needs.has_audience_graph:
            await load_audiences(self._connection, self._site, needs, self.work)
        if needs.traces or needs.consent_requests:
            await load_kept(self._connection, self._site, needs, self.work)
        if needs.merging:
            await load_everything(self._connection, self._site, needs, self.work)
        if needs.orders or needs.mails or needs.ties or needs.consents or needs.plans or needs.revenues:
            await self._third_round(Candidates([*needs.people, *self._links], self.work.people))

    async def _ask(self, *queries: _Query | None) -> list[list[Row]]:
        """The rows of each query, empty for a None. Takes one round trip, or none if every query is None."""
        asked = [query for query in queries if query is not None]
        answers = iter(await self._connection.several(asked) if asked else ())
        return [[] if query is None else next(answers) for query in queries]

    def _keyed(self, statement: Statement, keys: Iterable[Any]) -> _Query | None:
        listed = list(keys)
        if not listed:
            return None
        return statement, {"site": self._site, "keys": msgspec.json.encode(listed).decode()}

    def _take_head(self, token: int, now: int) -> _Query:
        return sql.TAKE_HEAD, {"site": self._site, "new_token": token, "now": now}

    def _taken(self, heads: list[Row]) -> Row:
        """The site's head, once it is taken."""
        if self.head is None:
            if not heads:
                raise UnknownSiteError(self._site)
            (self.head,) = heads
        return self.head

    async def _load_visitors(self, token: int, now: int) -> None:
        """Take the lock and read whose cookies and devices are, and what waits for those that are named.

        What these events need is declared for each customer of whom they may turn out to be.
        """
        needs, found = self._needs, self._visitors
        hashes = {hash_of(self._secret, each): each for each in needs.visitors}
        named = {each for visitor, _ in needs.namings for each in visitor}
        counted = {each for activity in needs.anonymous for each in activity.visitor} - named
        uuids = [activity.uuid.hex() for activity in needs.anonymous if activity.uuid is not None]
        heads, holders, *rows = await self._ask(
            self._take_head(token, now),
            self._keyed(visitor_statements.HOLDERS, [each.hex() for each in hashes]),
            self._keyed(visitor_statements.EVENTS_OF_COOKIE, self._hashed("cookie", named)),
            self._keyed(visitor_statements.EVENTS_OF_DEVICE, self._hashed("device_id", named)),
            self._keyed(visitor_statements.COUNTS_OF_COOKIE, self._hashed("cookie", counted)),
            self._keyed(visitor_statements.COUNTS_OF_DEVICE, self._hashed("device_id", counted)),
            self._keyed(visitor_statements.WAITING_UUIDS, uuids),
        )
        self._taken(heads)
        found.holders = {hashes[hashed]: Holder(customer, at) for hashed, customer, at in holders}
        waiting = {row[0]: row for some in rows[:2] for row in some}
        for number, cookie, device_id, at, received_at, uuid, lacks, body in sorted(waiting.values()):
            lacking = {"lacks_time": bool(lacks & LACKS_TIME), "lacks_uuid": bool(lacks & LACKS_UUID)}
            activity = stored_anonymous(body, at=at, uuid=uuid, limits=self._limits, **lacking)
            visitor = tuple(hashes[each] for each in (cookie, device_id) if each in hashes)
            found.waiting[number] = WaitingEvent(number, visitor, activity, received_at)
            found.uuids.update([] if uuid is None else [uuid])
            for each in visitor:
                found.counts[each] = found.counts.get(each, 0) + 1
        for hashed, count in (row for some in rows[2:4] for row in some):
            found.counts[hashes[hashed]] = count
        found.uuids.update(uuid for (uuid,) in rows[4])
        declare_anonymous(found, needs)

    def _hashed(self, kind: str, identifiers: Iterable[Identifier]) -> list[str]:
        """The hashes (hex) of the identifiers of a kind."""
        return [hash_of(self._secret, each).hex() for each in identifiers if each[0] == kind]

    async def _first_round(self, token: int, now: int) -> None:
        """Take the lock and read what the commands refer to."""
        needs, people = self._needs, self._needs.people
        site_only = {"site": self._site}
        objects = [(KIND_CODES[kind], reference) for kind, reference in needs.objects]
        heads, *answers = await self._ask(
            self._take_head(token, now) if self.head is None else None,
            self._keyed(sql.PEOPLE_BY_EMAIL, {who.email_key for who in people} - {None}),
            self._keyed(sql.PEOPLE_BY_CUSTOMER_ID, {who.customer_id for who in people} - {None}),
            self._keyed(sql.PEOPLE_BY_UUID, {who.uuid.hex() for who in people if who.uuid is not None}),
            self._keyed(sql.PEOPLE_BY_NUMBER, {who.number for who in people} - {None}),
            self._keyed(sql.OBJECTS_BY_NUMBER, [each for each in objects if isinstance(each[1], int)]),
            self._keyed(sql.OBJECTS_BY_KEY, [each for each in objects if isinstance(each[1], str)]),
            self._keyed(sql.OBJECTS_BY_NAME, [(KIND_CODES[kind], name) for kind, name in needs.object_names]),
            self._keyed(sql.SEEN_UUIDS, [uuid.hex() for uuid in needs.events]),
            self._keyed(address_statements.LOGS_TO_ADDRESS, named_mails(needs)),
            self._keyed(address_statements.OLDEST_OF_KEY, lone_keys(needs)),
            self._keyed(address_statements.NEWEST_OF_KEY, lone_keys(needs)),
            self._keyed(sql.LOGS_BY_NUMBER, own_mails(needs, self._site)),
            (audit_statements.LAST_HASH, site_only) if self._is_audited else None,
            (revenue_statements.CURRENCY, site_only) if needs.revenues else None,
            (address_statements.ANY_FORMER, site_only),
            (address_statements.ANY_TOMBSTONE, site_only),
            (tie_statements.ANY_DELETED_TIES, site_only),
        )
        seen, mails, oldest, newest, own_rows, audit, site, *kept = answers[7:]
        self.last_audit = audit[0][0] if audit else None
        self._has_former, self._has_tombstones, has_deleted_ties = map(bool, kept)
        head = self._taken(heads)
        self.work = work = WorkingSet(now, Counters(*head[3:-1]))
        work.visitors, work.merges = self._visitors, self._merges
        work.has_deleted_ties = has_deleted_ties
        if site:
            work.revenues.currency = site[0][0]
        for row in (row for rows in answers[4:7] for row in rows):
            work.objects.add(RelatedObject(*row))
        for uuid, customer, log in seen:
            work.history.see(uuid, customer if log is None else None)
        await add_people(self._connection, self._site, work.people, [row for rows in answers[:4] for row in rows])
        note_mails(work.history, mails, oldest, newest)
        own = own_mails(needs, self._site)
        for row in own_rows:
            log = Log(*row)
            log = work.history.logs.setdefault(log.identity, log)
            for key in own[log.number]:
                work.history.note_mail(log, key)

    async def _load_addresses(self) -> None:
        """What is kept of addresses and ids that nobody has, of those of what happened before, and of who is deleted.

        And the customers whose mails or former addresses are named, linked to the addresses that name them.
        """
        needs, work = self._needs, self.work
        unmatched = unmatched_keys(needs, work.history) - lone_keys(needs)
        ends = (address_statements.OLDEST_OF_KEY, address_statements.NEWEST_OF_KEY)
        note_mails(work.history, *await self._ask(*(self._keyed(statement, unmatched) for statement in ends)))
        keys = unmatched | lone_keys(needs)
        by_key = [(key, log) for key in keys for log in work.history.mails_of(key)]
        went_to = {log.address_key for _, log in by_key if log.address_key is not None}
        named: set[Identifier] = {("email", address) for address in went_to}
        if self._has_former or self._has_tombstones:
            named.update(each for who in needs.people for each in identifiers_of(who) if not work.people.knows(each))
        hashes: dict[bytes, Identifier] = {}
        addresses, merged = set[str](), work.people.merged
        deleted = {each for who in needs.deleted for number in work.people.find(who) for each in merged.group(number)}
        if self._has_tombstones:
            asked = named.union(needs.visitors, (each for who in needs.happened for each in identifiers_of(who)))
            asked.update(each for n in deleted for each in identifiers_of(Who(email_key=work.people.row(n).email_key)))
            hashes = self._hashes(asked)
        if self._has_former:
            addresses = needs.addresses.union(text for kind, text in named if kind == "email")
        buried, by_address, by_customer = await self._ask(
            self._keyed(address_statements.TOMBSTONES, [each.hex() for each in hashes]),
            self._keyed(address_statements.FORMER_BY_ADDRESS, addresses),
            self._keyed(address_statements.FORMER_BY_CUSTOMER, deleted if self._has_former else ()),
        )
        self._add_tombstones(hashes, buried)
        if self._has_tombstones and by_customer:  # the other addresses of customers who are being deleted
            hashes = self._hashes({("email", email_key) for email_key, *_ in by_customer}.difference(hashes.values()))
            (buried,) = await self._ask(self._keyed(address_statements.TOMBSTONES, [each.hex() for each in hashes]))
            self._add_tombstones(hashes, buried)
        for email_key, customer, hard_bouncing, *rest in (*by_address, *by_customer):
            work.addresses.add(FormerAddress(email_key, customer, bool(hard_bouncing), *rest))
        self._links = [Who(email_key=email_key, number=customer) for email_key, customer, *_ in by_address if customer]
        self._links += [
            Who(email_key=log.address_key, number=log.customer)
            for log in work.history.logs.values()
            if work.people.find(Who(email_key=log.address_key)) != {merged.whole(log.customer)}
        ]
        self._links += [Who(email_key=log.address_key, mail=key, number=log.customer) for key, log in by_key]
        for need in needs.mails if keys else ():  # the batch may have made these mails itself
            if need.who.mail is None and need.key in keys:
                self._links.append(msgspec.structs.replace(need.who, mail=need.key))
        known = work.people.by_number.keys() | merged.rows.keys()
        missing = {link.number for link in self._links if link.number is not None} - known
        strange = went_to.union(row[0] for row in by_customer)
        strange = {address for address in strange if not work.people.knows(("email", address))}
        people = await self._ask(self._keyed(sql.PEOPLE_BY_NUMBER, missing), self._keyed(sql.PEOPLE_BY_EMAIL, strange))
        await add_people(self._connection, self._site, work.people, [row for rows in people for row in rows])

    def _hashes(self, identifiers: Iterable[Identifier]) -> dict[bytes, Identifier]:
        return {hash_of(self._secret, each): each for each in identifiers}

    def _add_tombstones(self, hashes: Mapping[bytes, Identifier], rows: Iterable[Sequence[Any]]) -> None:
        for hashed, *rest in rows:
            self.work.addresses.tombstones[hashes[hashed]] = Tombstone(*rest)

    async def _second_round(self) -> None:
        """Read the last numbers of objects, the ties to replace and the products of offers; often there is no need."""
        needs, work = self._needs, self.work
        people, present = work.people.by_number, work.objects.by_reference
        replaced = {need.replaced for need in needs.ties if need.replaced is not None}
        codes = [BY_NAME[relation].code for relation in replaced]
        with_products = any(need.replaced is not None and need.product_relations for need in needs.ties)
        missing = needs.new_objects | {named[0] for named in needs.objects if named not in present}
        numbers, held, *links = await self._ask(
            self._keyed(sql.LAST_OBJECT_NUMBERS, {KIND_CODES[kind] for kind in missing}),
            self._keyed(tie_statements.TIES_OF_RELATION, [(customer, code) for customer in people for code in codes]),
            self._keyed(offer_statements.OFFER_PRODUCTS, self._numbers("offer", needs.offers)),
            self._keyed(offer_statements.HELD_OFFER_PRODUCTS, people if with_products else ()),
        )
        self._take_ties(held)
        for offer, product in (link for rows in links for link in rows):
            work.objects.products_of.setdefault(offer, set()).add(product)
        for code, last in numbers:
            if last is not None:
                work.objects.last_numbers[KINDS[code - 1]] = last

    async def _third_round(self, candidates: Candidates) -> None:
        """Read existing orders and mails, evidence of consent, and the ties that will change."""
        orders = {(n, need.event, need.order_id) for need in self._needs.orders for n in candidates.group(need.who)}
        identities, own = mail_identities(self._needs, self.work, candidates, self._site)
        with_consents, merged = self._with_consents(candidates), self.work.people.merged
        drips = self._drips(candidates)
        earning = {customer for who in self._needs.revenues for customer in candidates.of(who)}
        reports, logs, own_logs, consents, ties, revenues, *drip_rows = await self._ask(
            self._keyed(sql.ORDER_REPORTS, orders),
            self._keyed(sql.LOGS_BY_IDENTITY, identities),
            self._keyed(sql.LOGS_BY_NUMBER, own),
            self._keyed(sql.CONSENTS_OF, [each for n in with_consents for each in merged.group(n)]),
            self._keyed(tie_statements.TIES, self._ties(candidates)),
            self._keyed(revenue_statements.REVENUES_OF, earning),
            *drips,
        )
        history, people = self.work.history, self.work.people
        for customer, *report in reports:
            history.add_report(merged.whole(customer), *report)
        for row in logs:
            log = Log(*row)
            history.logs.setdefault(log.identity, log)
        for row in own_logs:
            log = Log(*row)
            log = history.logs.setdefault(log.identity, log)
            for number, identity in own[log.number].items():
                if log.went_to(number, people.row(number).email_key):
                    history.logs.setdefault(identity, log)
        for customer, _, at, granted, cause, *rest in consents:
            history.moments.setdefault(merged.whole(customer), Moments()).note(
                Consent(customer, at, bool(granted), cause, *rest)
            )
        self._take_ties(ties)
        for number, currency, net, lifetime, is_counted in revenues:
            self.work.revenues.add(Revenue(number, currency, net, lifetime, bool(is_counted)))
        plans, *pending = drip_rows
        self.work.drips.plans.update((row[0], plan_of_row(row)) for row in plans)
        self.work.drips.pending.update((row[0], PendingMail(*row)) for rows in pending for row in rows)

    def _drips(self, candidates: Candidates) -> tuple[_Query | None, _Query | None, _Query | None]:
        """The plans of campaigns, and the mails that are pending for an address or a customer."""
        needs, people = self._needs, self.work.people.by_number
        customers = {customer for who in needs.drips for customer in candidates.of(who)}
        pending = {each for number in customers for each in self.work.people.merged.group(number)}
        campaigns = self._numbers(KIND, needs.plans)
        campaigns.update(number for customer in customers for number, _ in people[customer].tied_to(RELATION))
        return (
            self._keyed(drip_statements.PLANS, campaigns),
            self._keyed(drip_statements.PENDING_BY_ADDRESS, {who.email_key for who in needs.drips} - {None}),
            self._keyed(drip_statements.PENDING_BY_CUSTOMER, pending),
        )

    def _with_consents(self, candidates: Candidates) -> set[int]:
        """The customers whose consent may change. Most commands restate it, and then no evidence is read."""
        people = self.work.people.by_number
        return {
            customer
            for need in self._needs.consents
            for customer in candidates.of(need.who)
            if need.granted is None or people[customer].has("subscribed") != need.granted
        }

    def _ties(self, candidates: Candidates) -> set[tuple[int, int, int]]:
        """(customer, relation, object) of the ties that will change, besides those loaded with the customers."""
        needs, people, products_of = self._needs, self.work.people.by_number, self.work.objects.products_of
        linked = self._numbers("product", needs.linked_products)
        wanted: set[tuple[int, int, int]] = set()
        for need in needs.ties:
            customers = candidates.of(need.who)
            if not customers:
                continue
            objects = self._numbers(need.kind, need.references)
            if need.replaced is not None:
                code = BY_NAME[need.replaced].code
                objects.update(item for customer in customers for held, item in people[customer].ties if held == code)
            places = [(BY_NAME[relation].code, item) for relation in need.relations for item in objects]
            if need.product_relations:  # the batch may link its products to any of the offers
                products = linked.union(*(products_of.get(offer, ()) for offer in objects))
                places += [(BY_NAME[relation].code, item) for relation in need.product_relations for item in products]
            wanted.update((customer, *place) for customer in customers for place in places)
        return wanted

    def _numbers(self, kind: str, references: Iterable[Reference]) -> set[int]:
        """The numbers of the referenced objects that exist."""
        present = self.work.objects.by_reference
        return {present[kind, reference].number for reference in references if (kind, reference) in present}

    def _take_ties(self, rows: Iterable[Row]) -> None:
        for customer, relation, item, holds, at in rows:
            self.work.people.by_number[customer].ties.setdefault((relation, item), Tie(bool(holds), at))
