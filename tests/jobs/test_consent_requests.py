"""The job that drops requests for consent that were never confirmed, and customers who are nothing else."""

from typing import Any

from regulars.audience import Audience
from regulars.checking import check_site
from regulars.domain.commands import ConfirmConsent, ExpireConsentRequests, MergeCustomers, RequestConsent
from regulars.domain.identity import Who
from regulars.domain.moments import DAY
from regulars.jobs.kind import Context
from regulars.jobs.kinds import KINDS
from regulars.jobs.runner import Runner
from regulars.settings import Settings

from ..store.running import Running, with_store


async def ask(at: Running, number: int, email: str, newsletter: str | None = None, seconds: int = 0) -> int:
    command = RequestConsent(number, Who(email_key=email), newsletter, "Yes", seconds)
    person = (await at.store.ledger.submit(1, command)).person
    assert person is not None
    return person.customer.number


async def drop(at: Running, now: int) -> tuple[int, int]:
    """Run the job at this time (ms); returns the dropped requests and the deleted customers."""
    kinds = [kind for kind in KINDS if kind.name == "drop_unconfirmed_requests"]
    context = Context(at.store, Settings(), lambda: now, lambda _: None, Audience(at.store.changes))
    runner = Runner(context, kinds)
    await runner.ensure_recurring()
    found = await runner.run_one()
    assert found
    ((result,),) = at.rows("SELECT result FROM jobs WHERE kind = 'drop_unconfirmed_requests'")
    counts = dict(part.split(":") for part in result.strip("{}").replace('"', "").split(","))
    return int(counts["requests"]), int(counts["customers"])


def kept(at: Running) -> list[Any]:
    return [email for (email,) in at.rows("SELECT email FROM customers ORDER BY number")]


@with_store()
async def test_who_never_confirms_is_dropped_after_a_while(at: Running) -> None:
    more: dict[str, dict[str, Any]] = {
        "id@x.example": {"customer_id": "7"},
        "attribute@x.example": {"plan": "pro"},
        "phone@x.example": {"phone_number": "+4930123456"},
        "group@x.example": {"groups": ["vip"]},
        "said@x.example": {"unsubscribed": True},
        "newsletter@x.example": {"subscription_groups": [{"id": "news", "subscribed": False}]},
    }
    gone = ["only@x.example", "twice@x.example", "news@x.example"]
    stays = [*more, "active@x.example", "confirmed@x.example", "merged@x.example"]
    for email in (*stays, *gone, "twin@x.example", "open@x.example"):
        await at.upsert(email=email, firstname="Anna", **more.get(email, {}))
    await at.record("visit", email="active@x.example")
    await at.store.ledger.submit(
        1, MergeCustomers(Who(email_key="merged@x.example"), (Who(email_key="twin@x.example"),))
    )
    for number, email in enumerate((*stays, *gone, "twice@x.example"), 100):
        customer = await ask(at, number, email, "news" if email.startswith("news") else None)
        await at.store.ledger.submit(1, ExpireConsentRequests(((number, customer),)))
    confirmed = await ask(at, 7, "confirmed@x.example", seconds=600)
    await at.store.ledger.submit(1, ConfirmConsent(7, confirmed, 0, "by a link"))
    await ask(at, 8, "open@x.example", seconds=10**9)
    asked_at = max(at_ for (at_,) in at.rows('SELECT "at" FROM consent_requests'))
    everybody = kept(at)
    assert await drop(at, asked_at + 13 * DAY) == (0, 0)
    assert kept(at) == everybody
    assert await drop(at, asked_at + 15 * DAY) == (len(stays) + 4, len(gone))
    assert kept(at) == [email for email in everybody if email not in gone]
    assert {number for (number,) in at.rows("SELECT number FROM consent_requests")} == {7, 8}
    assert (await check_site(at.store, 1)).problems == []


@with_store(engines=["sqlite"])
async def test_who_was_known_before_the_request_stays(at: Running) -> None:
    await at.upsert(email="old@x.example")
    customer = await ask(at, 7, "old@x.example")
    await at.store.ledger.submit(1, ExpireConsentRequests(((7, customer),)))
    async with at.store.engine.transaction() as connection:
        await connection.script(f"UPDATE customers SET created_at = created_at - {2 * DAY}")
    assert await drop(at, 2_000_000_000_000) == (1, 0)
    assert kept(at) == ["old@x.example"]
