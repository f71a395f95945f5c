"""Double opt-in: who is pending, what a confirmation proves, and what no link restores."""

from regulars.checking import check_site
from regulars.domain.commands import (
    ChangeSubscriptions,
    ConfirmConsent,
    EraseCustomer,
    ExpireConsentRequests,
    MergeCustomers,
    RequestConsent,
)
from regulars.domain.identity import Who
from regulars.domain.outcome import Outcome
from regulars.domain.relations import BY_NAME

from .running import Running, stored_ties, with_store

ANNA = Who(email_key="anna@x.example")
WORDING = "Yes, send me offers"


async def ask(at: Running, number: int = 7, *, newsletter: str | None = None, seconds: int = 600) -> Outcome:
    return await at.store.ledger.submit(1, RequestConsent(number, ANNA, newsletter, WORDING, seconds))


async def confirm(at: Running, number: int = 7, customer: int = 1, newsletter: int = 0) -> str | None:
    """The reason why it was not confirmed, if it was not."""
    outcome = await at.store.ledger.submit(1, ConfirmConsent(number, customer, newsletter, "by a link"))
    return outcome.kept_back[0].field if outcome.kept_back else None


async def unsubscribe(at: Running) -> str:
    return (await at.store.ledger.submit(1, ChangeSubscriptions(1, "one_click", everything_off=True))).verdict


def holds(at: Running, relation: str, customer: int = 1, item: int = 0) -> bool:
    tie = stored_ties(at.path, 1).get((customer, BY_NAME[relation].code, item))
    return tie is not None and tie.holds


@with_store()
async def test_a_confirmation_leaves_the_wording_and_the_proof(at: Running) -> None:
    await at.upsert(email="anna@x.example")
    await ask(at)
    assert (holds(at, "pending"), holds(at, "subscribed")) == (True, False)
    assert await confirm(at) is None
    assert (holds(at, "pending"), holds(at, "subscribed")) == (False, True)
    assert at.rows("SELECT granted, source, wording, proof FROM consents") == [
        (1, "double_opt_in", WORDING, "by a link")
    ]
    assert await confirm(at) is None  # again: nothing changes
    assert len(at.rows("SELECT 1 FROM consents")) == 1
    assert (await check_site(at.store, 1)).problems == []


@with_store(engines=["sqlite"])
async def test_a_confirmation_after_the_end_of_consent_is_refused(at: Running) -> None:
    await at.upsert(email="anna@x.example")
    await ask(at, 7)
    await ask(at, 8)
    assert await confirm(at, 7) is None
    assert await unsubscribe(at) == "updated"
    assert [await confirm(at, number) for number in (7, 8)] == ["ended", "ended"]
    assert not holds(at, "subscribed")
    await ask(at, 9)
    assert await confirm(at, 9) is None
    assert holds(at, "subscribed")


@with_store(engines=["sqlite"])
async def test_only_a_confirmation_restores_consent_after_a_complaint(at: Running) -> None:
    await at.upsert(email="anna@x.example")
    await at.record("email_complained", email="anna@x.example", log_id="m")
    await ask(at)
    assert await confirm(at) is None
    assert (holds(at, "subscribed"), holds(at, "spam_reported")) == (True, False)


@with_store()
async def test_nobody_stays_pending_after_the_last_request_expired(at: Running) -> None:
    await at.upsert(email="anna@x.example")
    await ask(at, 7, seconds=0)
    await ask(at, 8, seconds=0)
    await at.store.ledger.submit(1, ExpireConsentRequests(((7, 1),)))
    assert holds(at, "pending")
    assert await confirm(at, 7) == "expired"
    await at.store.ledger.submit(1, ExpireConsentRequests(((8, 1), (99, 1), (98, 55))))
    assert not holds(at, "pending")
    assert at.rows("SELECT count(*) FROM consent_requests WHERE open_until IS NOT NULL") == [(0,)]


@with_store(engines=["sqlite"])
async def test_consent_given_elsewhere_ends_the_pending_state(at: Running) -> None:
    for email, give in (("anna@x.example", True), ("bo@x.example", False)):
        await at.upsert(email=email)
        await at.store.ledger.submit(1, RequestConsent(hash(email), Who(email_key=email), None, WORDING, 600))
        await at.record("subscribed" if give else "unsubscribed", email=email)
    assert not holds(at, "pending", 1)
    assert not holds(at, "pending", 2)


@with_store(engines=["sqlite"])
async def test_a_newsletter_is_confirmed_on_its_own(at: Running) -> None:
    await at.upsert(email="anna@x.example", subscription_groups=[{"id": "news", "subscribed": False}])
    ((newsletter,),) = at.rows("SELECT number FROM objects WHERE key = 'news'")
    await ask(at, newsletter="news")
    assert await confirm(at, newsletter=newsletter) is None
    assert holds(at, "newsletter.subscribed", item=newsletter)
    assert not holds(at, "subscribed")
    rows = at.rows("SELECT granted, source, wording FROM newsletter_consents ORDER BY number")
    assert rows == [(0, "api", None), (1, "double_opt_in", WORDING)]


@with_store(engines=["sqlite"])
async def test_a_link_of_a_merged_customer_confirms_for_the_survivor(at: Running) -> None:
    await at.upsert(email="anna@x.example")
    await at.upsert(email="bo@x.example")
    await ask(at)
    await at.store.ledger.submit(1, MergeCustomers(Who(email_key="bo@x.example"), (ANNA,)))
    assert await confirm(at) is None
    assert holds(at, "subscribed", 2)


@with_store()
async def test_nothing_is_left_of_the_requests_of_an_erased_customer(at: Running) -> None:
    await at.upsert(email="anna@x.example")
    await ask(at)
    await at.store.ledger.submit(1, EraseCustomer(Who(number=1)))
    assert at.rows("SELECT count(*) FROM consent_requests") == [(0,)]
    assert await confirm(at) == "unknown"


@with_store(engines=["sqlite"])
async def test_unsubscribing_twice_is_unsubscribing_once(at: Running) -> None:
    await at.upsert(email="anna@x.example", unsubscribed=False, wording="Yes")
    assert [await unsubscribe(at) for _ in range(3)] == ["updated", "unchanged", "unchanged"]
    assert at.rows("SELECT granted, cause, source FROM consents ORDER BY number")[1:] == [(0, "opt_out", "one_click")]
    await at.upsert(email="anna@x.example", unsubscribed=False)  # what the operator says does not restore it
    assert not holds(at, "subscribed")


@with_store(engines=["sqlite"])
async def test_neither_a_new_customer_nor_a_purchase_is_consent(at: Running) -> None:
    await at.upsert(email="anna@x.example")
    await at.record("purchase", email="anna@x.example", revenue=5)
    assert not holds(at, "subscribed")
    assert at.rows("SELECT count(*) FROM consents") == [(0,)]
