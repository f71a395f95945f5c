"""An import that is undone leaves customers as they were, on both engines and in every order."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from regulars.domain.commands import Command, DeleteCustomer, Relate, RequestConsent
from regulars.domain.commands.undo_import import REASONS
from regulars.domain.customer import Customer
from regulars.domain.identity import Who
from regulars.importing.grouping import repeated_customers
from regulars.importing.importer import Import, Summary
from regulars.importing.lines import Line
from regulars.importing.parsing import line_parser
from regulars.importing.recording import Recording
from regulars.importing.undoing import Undo, UndoError, UndoSummary
from regulars.store import control
from regulars.store.imports import find_import
from regulars.store.pruning import prune_import_changes

from ..contents import inconsistencies
from .running import NOW, Running, activity, upsert, with_store

_COLUMNS = ", ".join(name for name in Customer.__struct_fields__ if name != "changed_at")
_TABLES = {
    "customers": _COLUMNS,
    "relations": "customer, relation, object, holds, at",
    "consents": "customer, number, at, granted, cause, source, wording, proof",
    "newsletter_consents": "customer, number, newsletter, at, granted, source",
    "consent_requests": "number, customer, newsletter, at, open_until, confirmed_at",
    "merged_customers": "customer, number",
    "former_addresses": "email_key, customer, hard_bouncing, hard_at, bounced_at, complained_at",
    "tombstones": "hash, deleted_at",
    "activities": "number, customer, name, at",
    "visitors": "hash, customer",
}


def state(store: Running, site: int = 1) -> dict[str, list[tuple[Any, ...]]]:
    """All that is kept of the customers of a site, but when it was last changed."""
    return {
        table: sorted(store.rows(f"SELECT {columns} FROM {table} WHERE site_id = ?", site), key=repr)
        for table, columns in _TABLES.items()
    }


def customers(found: dict[str, list[tuple[Any, ...]]], customer_ids: set[str]) -> list[tuple[Any, ...]]:
    """The rows of some customers in a state."""
    place = _COLUMNS.split(", ").index("customer_id")
    return [row for row in found["customers"] if row[place] in customer_ids]


async def imported(store: Running, lines: Sequence[dict[str, Any]], site: int = 1) -> tuple[Summary, int]:
    """Import lines as `regulars import customers` does; returns the figures and the number of the import."""
    made = [Line(number, json.dumps(line).encode()) for number, line in enumerate(lines, 1)]
    recording = await Recording.begin(store.store, site, kind="customers", file="people.ndjson", origin="a test")
    work = Import(
        store.store,
        site,
        line_parser("customers", store.store.limits),
        recording=recording,
        repeated=await repeated_customers(made, lambda _: None),
    )
    return await work.run(made), recording.record.number


async def undone(store: Running, number: int, site: int = 1) -> UndoSummary:
    async with store.store.snapshot() as connection:
        record = await find_import(connection, site, number)
    assert record is not None
    return await Undo(store.store, site, record).run()


def a_request(random: Random, at: str) -> dict[str, Any]:
    """A request for consent in a line of our own."""
    confirmed = {"confirmed_at": at} if random.random() < 0.5 else {}
    newsletter = {"newsletter": "n"} if random.random() < 0.5 else {}
    number = str(random.randrange(2**63))
    return {"id": number, "at": at, "expires_at": "2027-01-01T00:00:00Z", "wording": "Yes?", **confirmed, **newsletter}


def a_line(random: Random, customer: int) -> dict[str, Any]:
    """What a file may say of a customer."""
    at = f"20{random.randint(10, 26)}-0{random.randint(1, 9)}-01T00:00:00Z"
    own = [{"relation": random.choice(["tag.has", "audience.member", "broadcast.opened"]), "id": f"o{customer}"}]
    own[0] |= {"holds": random.random() < 0.8, "at": at}  # type: ignore[dict-item]
    optional: dict[str, Any] = {
        "firstname": random.choice(["Anna", "Ben", None]),
        "custom_attributes": {random.choice("pq"): random.choice([1, "x", None, [2]])},
        "tags": random.sample(["x", "y", "z"], random.randint(0, 3)),
        "groups": ["g"],
        "subscription_groups": [{"id": "n", "subscribed": random.random() < 0.5}],
        "unsubscribed": random.random() < 0.5,
        "updated_at": at,
        "joined_at": at,
        "consents": [{"at": at, "granted": random.random() < 0.5, "source": "form"}],
        "ties": own,
        "former_addresses": [{"email": f"old{customer}@x.org", "hard_bouncing": random.random() < 0.5, "hard_at": at}],
        "last_opened_at": at,
        "newsletter_consents": [{"newsletter": "n", "granted": random.random() < 0.5, "at": at, "source": "form"}],
        "consent_requests": [a_request(random, at)],
        "aliases": [{"email": f"alias{customer}.{random.randint(1, 2)}@x.org"}],
    }
    chosen = {name: value for name, value in optional.items() if random.random() < 0.3}
    email = f"p{customer}@x.org" if random.random() < 0.8 else f"p{customer}.{random.randint(1, 2)}@x.org"
    own_export = {"regulars_id": customer} if random.random() < 0.4 else {}
    return {"customer_id": f"c{customer}", "email": email, **chosen, **own_export}


async def write(store: Running, random: Random, customer: int, site: int) -> None:
    """One change of a customer by others."""
    ledger, email = store.store.ledger, f"p{customer}@x.org"
    commands: list[Command] = [
        upsert(customer_id=f"c{customer}", email=email, city=random.choice(["Rome", "Oslo", "Bern"])),
        activity(random.choice(["subscribed", "unsubscribed", "visit"]), customer_id=f"c{customer}"),
        activity("email_bounced", customer_id=f"c{customer}", hard=random.random() < 0.5),
        Relate(Who(customer_id=f"c{customer}"), "tag.has", (random.choice("xyz"),), "add"),
    ]
    await ledger.submit_all(site, commands[: random.randint(1, 4)])


@with_store()
async def test_what_is_undone_did_not_happen(store: Running) -> None:
    for seed in range(25):
        random = Random(seed)
        account = await control.create_account(store.store.engine, f"account-{seed}", now=NOW)
        site = (await control.create_site(store.store.engine, account, f"seed-{seed}", now=NOW)).id
        for _ in range(random.randint(0, 12)):
            await write(store, random, random.randint(1, 6), site)
        before = state(store, site)
        files = [
            [a_line(random, random.randint(1, 9)) for _ in range(random.randint(1, 12))]
            for _ in range(random.randint(1, 3))
        ]
        done = [await imported(store, lines, site) for lines in files]
        after = state(store, site)
        results = [await undone(store, number, site) for _, number in reversed(done)]
        assert [each.skipped for each in results] == [0] * len(results), seed
        assert state(store, site) == before, seed
        repeats = [await undone(store, number, site) for _, number in reversed(done)]
        assert {each.customers for each in repeats} == {0}
        # The same files give the same figures again; only what customers get by chance differs.
        again = [await imported(store, lines, site) for lines in files]
        figures = [(each.created, each.updated, each.unchanged, each.kept_back, each.rejected) for each, _ in done]
        repeated = [(each.created, each.updated, each.unchanged, each.kept_back, each.rejected) for each, _ in again]
        assert repeated == figures, seed
        assert len(state(store, site)["customers"]) == len(after["customers"])
    assert inconsistencies(store.path) == []


@with_store()
async def test_whom_others_changed_since_stays_as_it_is(store: Running) -> None:
    skipped = 0
    for seed in range(15):
        random = Random(seed)
        account = await control.create_account(store.store.engine, f"account-{seed}", now=NOW)
        site = (await control.create_site(store.store.engine, account, f"seed-{seed}", now=NOW)).id
        for customer in range(1, 5):
            await write(store, random, customer, site)
        before = state(store, site)
        _, number = await imported(store, [a_line(random, customer) for customer in range(1, 9)], site)
        touched = {f"c{customer}" for customer in random.sample(range(1, 9), 3)}
        for customer_id in touched:
            await store.store.ledger.submit(site, upsert(customer_id=customer_id, firstname="Somebody"))
        changed = state(store, site)
        result = await undone(store, number, site)
        assert result.skipped <= 3, seed
        assert set(result.reasons) <= {REASONS["changed"]}, seed
        skipped += result.skipped
        left = state(store, site)
        assert customers(left, touched) == customers(changed, touched)
        others = {f"c{customer}" for customer in range(1, 9)} - touched
        assert customers(left, others) == customers(before, others)
    assert skipped > 20
    assert inconsistencies(store.path) == []


@with_store()
async def test_an_active_or_deleted_customer_is_skipped(store: Running) -> None:
    _, number = await imported(store, [{"email": f"{name}@x.org"} for name in ("a", "b", "c", "d", "e")])
    await store.record("visit", email="a@x.org")
    await store.store.ledger.submit(1, DeleteCustomer(Who(email="b@x.org", email_key="b@x.org")))
    await store.record("email_opened", email="c@x.org", email_id="m1", timestamp=NOW // 1000)
    await store.upsert(email="d@x.org", tags=["x"], firstname="D")
    result = await undone(store, number)
    assert (result.deleted, result.skipped) == (1, 4)
    assert result.reasons[REASONS["deleted"]] == 1
    assert [row for (row,) in store.rows("SELECT email FROM customers ORDER BY email")] == [
        "a@x.org", "c@x.org", "d@x.org",
    ]  # fmt: skip
    assert store.rows("SELECT count(*) FROM tombstones") == [(1,)]  # that of b, whom somebody deleted


@with_store()
async def test_a_deleted_customer_takes_along_what_imports_replaced(store: Running) -> None:
    await store.upsert(email="a@x.org", firstname="Anna")
    _, number = await imported(store, [{"email": "a@x.org", "firstname": "Other"}])
    assert store.rows("SELECT count(*) FROM import_changes WHERE body IS NOT NULL") == [(1,)]
    await store.store.ledger.submit(1, DeleteCustomer(Who(email="a@x.org", email_key="a@x.org")))
    assert store.rows("SELECT count(*) FROM import_changes") == [(0,)]
    with pytest.raises(UndoError, match="can no longer be undone"):
        await undone(store, number)


@with_store()
async def test_an_address_that_another_has_by_now_is_not_taken_away(store: Running) -> None:
    await store.upsert(customer_id="a", email="a@x.org")
    await store.upsert(customer_id="b", email="b@x.org")
    before = state(store)["customers"]
    _, moved = await imported(
        store, [{"customer_id": "a", "email": "free@x.org"}, {"customer_id": "b", "email": "a@x.org"}]
    )
    result = await undone(store, moved)  # b's own address is free only once a has its old one: two passes
    assert (result.restored, result.skipped) == (2, 0)
    assert state(store)["customers"] == before
    _, moved = await imported(store, [{"customer_id": "a", "email": "free@x.org"}])
    await store.upsert(customer_id="new", email="a@x.org")
    result = await undone(store, moved)
    assert result.reasons == {REASONS["taken"]: 1}


@with_store()
async def test_imports_of_long_ago_are_pruned(store: Running) -> None:
    await imported(store, [{"email": "a@x.org"}])
    await imported(store, [{"email": "a@x.org", "firstname": "Anna"}])
    assert await prune_import_changes(store.store.engine, 1, before=0) == 0
    assert await prune_import_changes(store.store.engine, 1, before=2**60) == 2
    assert store.rows("SELECT count(*) FROM import_changes") == [(0,)]
    assert len(store.rows("SELECT number FROM imports")) == 2


@with_store(largest_batch=3)
async def test_an_undo_takes_several_batches(store: Running) -> None:
    people = [{"email": f"p{each}@x.org", "tags": ["x"]} for each in range(10)]
    _, number = await imported(store, people)
    assert store.rows("SELECT count(DISTINCT change) FROM import_changes") > [(1,)]
    assert (await undone(store, number)).deleted == 10
    await imported(store, people)
    assert store.rows("SELECT count(*) FROM customers") == [(10,)]


@with_store()
async def test_what_came_under_an_imported_alias_keeps_the_customer(store: Running) -> None:
    await store.upsert(email="known@x.org")
    lines: list[dict[str, Any]] = [
        {"email": f"{name}@x.org", "regulars_id": place, "aliases": [{"email": f"{name}.old@x.org"}]}
        for place, name in enumerate(("known", "new", "known.alone", "new.alone"), 1)
    ]
    _, number = await imported(store, lines)
    for name in ("known", "new"):
        await store.record("email_opened", email=f"{name}.old@x.org", email_id=name, timestamp=NOW // 1000)
    assert (await undone(store, number)).reasons == {REASONS["active"]: 2}
    kept = {f"{name}{old}@x.org" for name in ("known", "new") for old in ("", ".old")}
    assert {email for (email,) in store.rows("SELECT email FROM customers")} == kept
    assert store.rows("SELECT count(*) FROM merged_customers") == [(2,)]


@with_store()
async def test_who_was_asked_for_consent_since_stays(store: Running) -> None:
    request = {"id": "7", "at": 1_700_000_000, "expires_at": 1_900_000_000, "wording": "Yes?", "newsletter": "n"}
    people = [{"email": f"{name}@x.org", "regulars_id": place} for place, name in enumerate("ab", 1)]
    _, number = await imported(store, [{**people[0], "consent_requests": [request]}, people[1]])
    asked = Who(email="b@x.org", email_key="b@x.org")
    await store.store.ledger.submit(1, RequestConsent(8, asked, "n", "Yes?", 60))
    result = await undone(store, number)
    assert (result.deleted, result.reasons) == (1, {REASONS["changed"]: 1})
    assert store.rows("SELECT number FROM consent_requests") == [(8,)]
