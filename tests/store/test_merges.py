"""Merges through the store: what becomes of two customers, of one who is deleted, and of a merge that is old."""

from regulars.checking import check_site
from regulars.domain.commands import DeleteCustomer, MergeCustomers, UndoMerge
from regulars.domain.identity import Who
from regulars.store.pruning import forget_merges
from regulars.store.schema import SITE_TABLES

from .chain import assert_replay_gives_the_tables
from .running import NOW, Running, stored_customers, stored_ties, with_store

ANNA, BEN = Who(email_key="anna@example.com"), Who(email_key="ben@example.com")


async def assert_sound(at: Running) -> None:
    assert (await check_site(at.store, 1)).problems == []
    assert_replay_gives_the_tables(at.path)


async def pair(at: Running) -> None:
    await at.upsert(email="anna@example.com", customer_id="a", firstname="Anna", groups=["g"], cookie="one")
    await at.upsert(email="ben@example.com", customer_id="b", phone_number="+4930123456", groups=["h"], cookie="two")
    for email in ("anna", "ben"):
        await at.record("purchase", email=f"{email}@example.com", order_id="o1", revenue=10, currency="EUR")
    await at.record("purchase", email="ben@example.com", order_id="o2", revenue=5)
    await at.record("tag_added", email="ben@example.com", tag_id="vip")
    await at.record("email_sent", email="ben@example.com", log_id="mail")


@with_store()
async def test_two_customers_become_one_and_two_again(at: Running) -> None:
    await pair(at)
    before, ties = stored_customers(at.path), stored_ties(at.path)
    outcome = await at.store.ledger.submit(1, MergeCustomers(ANNA, (BEN,)))
    assert outcome.refusal is None
    await assert_sound(at)
    merged = stored_customers(at.path)
    assert (merged[1].lifetime_orders, merged[1].net_revenue) == (2, 1500)
    assert (merged[1].firstname, merged[1].phone_number) == ("Anna", "+4930123456")
    again = await at.upsert(email="ben@example.com", customer_id="b")
    assert again.person is not None
    assert (again.verdict, again.person.customer.number) == ("unchanged", 1)
    await at.record("purchase", email="ben@example.com", order_id="o3", revenue=7)
    await at.record("visit", cookie="two")
    await assert_sound(at)
    now = stored_customers(at.path)[1]
    assert (now.net_revenue, now.lifetime_visits) == (2200, 1)
    undone = await at.store.ledger.submit(1, UndoMerge(1))
    assert undone.refusal is None
    await assert_sound(at)
    after = stored_customers(at.path)
    assert [(each.net_revenue, each.lifetime_visits) for each in after.values()] == [(1000, 0), (2200, 1)]
    for number in (1, 2):
        assert (after[number].name, after[number].phone_number) == (before[number].name, before[number].phone_number)
    assert stored_ties(at.path) == ties


@with_store()
async def test_identifiers_that_the_survivor_lacks_come_from_the_other_and_go_back(at: Running) -> None:
    await at.upsert(customer_id="a")
    await at.upsert(email="ben@example.com")
    await at.record("email_bounced", email="ben@example.com", bounce_type="hard", log_id="m")
    await at.store.ledger.submit(1, MergeCustomers(Who(customer_id="a"), (BEN,)))
    merged = stored_customers(at.path)
    assert (merged[1].email, merged[1].customer_id, merged[2].email) == ("ben@example.com", "a", None)
    assert merged[1].bounced_at is not None
    await assert_sound(at)
    await at.store.ledger.submit(1, UndoMerge(1))
    apart = stored_customers(at.path)
    assert (apart[1].email, apart[1].bounced_at, apart[2].email) == (None, None, "ben@example.com")
    assert apart[2].bounced_at is not None
    await assert_sound(at)


@with_store()
async def test_a_deletion_reaches_the_merged_customers_and_the_merge(at: Running) -> None:
    await pair(at)
    await at.store.ledger.submit(1, MergeCustomers(ANNA, (BEN,)))
    assert (await at.store.ledger.submit(1, DeleteCustomer(BEN))).verdict == "deleted"
    kept = {"activities", "logs"}  # the emails, under their address
    for table in SITE_TABLES:
        if "customer" in table.c and table.name not in kept:
            assert at.rows(f"SELECT * FROM {table.name}") == [], table.name
    assert at.rows("SELECT * FROM customers") == at.rows("SELECT * FROM merges") == []
    late = await at.record("purchase", email="ben@example.com", revenue=1, timestamp=NOW // 1000 - 60)
    assert late.verdict == "ignored"
    await assert_sound(at)


@with_store()
async def test_what_undoes_a_merge_is_forgotten_in_time(at: Running) -> None:
    await pair(at)
    await at.store.ledger.submit(1, MergeCustomers(ANNA, (BEN,)))
    assert await forget_merges(at.store.engine, 1, before=NOW) == 0
    assert await forget_merges(at.store.engine, 1, before=NOW + 1_000) == 1
    refused = await at.store.ledger.submit(1, UndoMerge(1))
    assert refused.refusal is not None
    assert refused.refusal.code == "merge_not_kept"
    found = await at.upsert(email="ben@example.com")
    assert found.person is not None
    assert found.person.customer.number == 1


@with_store()
async def test_a_complaint_counts_after_the_merge_and_is_lifted_by_a_later_proof_alone(at: Running) -> None:
    await pair(at)
    start = NOW // 1000 - 1000
    await at.record("unsubscribed", email="ben@example.com", cause="complaint", timestamp=start)
    await at.record("subscribed", email="anna@example.com", proof="form", timestamp=start + 1)
    outcome = await at.store.ledger.submit(1, MergeCustomers(ANNA, (BEN,)))
    assert outcome.person is not None
    assert not outcome.person.has("subscribed")
    again = await at.record("subscribed", email="anna@example.com", proof="again", timestamp=start + 2)
    assert again.person is not None
    assert again.person.has("subscribed")
    await at.store.ledger.submit(1, UndoMerge(1))
    consents = at.rows("SELECT customer, granted FROM consents ORDER BY number")
    assert consents == [(2, 0), (1, 1), (1, 1)]
    await assert_sound(at)
