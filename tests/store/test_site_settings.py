"""Site settings in the database: changed durably, and figures counted anew for a changed currency."""

from regulars.audience import Audience
from regulars.checking import check_site
from regulars.domain.commands import DeleteCustomer
from regulars.domain.identity import Who
from regulars.jobs.kind import Context
from regulars.jobs.kinds import KINDS
from regulars.jobs.runner import Runner
from regulars.settings import Settings
from regulars.store import control, site_settings
from regulars.store.control import Site
from regulars.store.site_settings import change_site, count_revenue, count_some_revenue

from .chain import assert_replay_gives_the_tables
from .running import NOW, Running, activity, stored_customers, with_store


async def site_of(at: Running, number: int = 1) -> Site:
    async with at.store.snapshot() as connection:
        return next(site for site in await control.list_sites(connection) if site.id == number)


async def sell(at: Running, customers: int) -> None:
    """Each customer buys for 1 EUR and, every second one, for 10 JPY; and for 100 without a currency."""
    await at.store.ledger.submit_all(
        1,
        [
            activity("purchase", email=f"{n}@t.example", revenue=revenue, event_uuid=f"{n}-{revenue}", **named)
            for n in range(customers)
            for revenue, named in ((1, {"currency": "EUR"}), (10, {"currency": "JPY"}), (100, {}))
            if revenue != 10 or n % 2
        ],
    )


def revenues(at: Running) -> list[int]:
    return sorted(customer.net_revenue // 100 for customer in stored_customers(at.path).values())


@with_store(sites=2)
async def test_settings_are_changed_and_the_rest_stays(at: Running) -> None:
    before = await site_of(at)
    changed = await change_site(at.store.engine, 1, {"country": "DE", "time_zone": "UTC"}, now=NOW + 5)
    assert changed == await site_of(at)
    assert (changed.settings.country, changed.settings.time_zone, changed.updated_at) == ("DE", "UTC", NOW + 5)
    assert changed.title == before.title
    assert await change_site(at.store.engine, 1, {"country": "DE"}, now=NOW + 9) == changed
    assert (await site_of(at, 2)).settings == before.settings


@with_store()
async def test_a_changed_currency_counts_anew_slice_by_slice(at: Running) -> None:
    site_settings.SLICE, before = 3, site_settings.SLICE  # type: ignore[misc]
    try:
        await sell(at, 10)
        assert (await site_of(at)).currency == "EUR"
        assert revenues(at) == [101] * 10
        await change_site(at.store.engine, 1, {"currency": "JPY"}, now=NOW)
        assert await count_some_revenue(at.store, 1) is not None
        # Somebody whom no slice has reached yet is counted anew by their next purchase.
        await at.record("purchase", email="9@t.example", revenue=5, currency="JPY", event_uuid="in between")
        await count_revenue(at.store, 1)
        assert revenues(at) == [100] * 5 + [110] * 4 + [115]
        assert_replay_gives_the_tables(at.path)
        assert (await check_site(at.store, 1)).problems == []
    finally:
        site_settings.SLICE = before  # type: ignore[misc]


@with_store()
async def test_a_job_counts_what_nobody_has_counted_at_once(at: Running) -> None:
    await sell(at, 4)
    await change_site(at.store.engine, 1, {"currency": "USD"}, now=NOW)
    runner = Runner(
        Context(at.store, Settings(), lambda: NOW + 1_000_000, lambda site: None, Audience(at.store.changes)), KINDS
    )
    assert await runner.run_one()
    assert revenues(at) == [100] * 4
    assert at.rows("SELECT state, result FROM jobs") == [("done", '{"slices":1}')]


@with_store()
async def test_the_revenue_of_a_deleted_customer_goes_with_it(at: Running) -> None:
    await sell(at, 2)
    await at.store.ledger.submit(1, DeleteCustomer(Who(email_key="1@t.example")))
    assert at.rows("SELECT currency, net FROM revenues") == [("EUR", 100)]
    await at.store.ledger.submit_all(
        1,
        [
            activity("purchase", email="x@t.example", revenue=1, currency="JPY"),
            DeleteCustomer(Who(email_key="x@t.example")),
        ],
    )
    assert at.rows("SELECT currency, net FROM revenues") == [("EUR", 100)]


@with_store()
async def test_the_check_finds_wrong_revenue(at: Running) -> None:
    await sell(at, 2)
    await change_site(at.store.engine, 1, {"currency": "JPY"}, now=NOW)
    assert (await check_site(at.store, 1)).problems == []  # a job will count it
    async with at.store.engine.transaction() as connection:
        await connection.script("UPDATE jobs SET state = 'cancelled'")
        await connection.script("INSERT INTO revenues SELECT site_id, 999, currency, 1, 1, 1 FROM revenues LIMIT 1")
    first, *others = (await check_site(at.store, 1)).problems
    assert first == "customer 999: there is no such customer, but its revenue in EUR"
    assert "customer 1: the figures do not count amounts in JPY alone" in others
