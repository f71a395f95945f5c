"""Mail to an older address, bounces that belong to an address, and what is left of somebody deleted."""

from typing import Any

import pytest

from regulars.domain.commands import DeleteCustomer
from regulars.domain.identity import Who

from .memory import NOW, MemorySite

OLD, NEW = "old@example.com", "new@example.com"
AT = NOW // 1000 - 1000


def moved(**body: Any) -> MemorySite:
    """A site where somebody got a mail at one address, and has another one now."""
    site = MemorySite()
    site.upsert(email=OLD, customer_id="c", unsubscribed=False)
    site.record("email_sent", {"email": OLD, "message_id": "m", "broadcast_id": 7, "timestamp": AT, **body})
    site.upsert(customer_id="c", email=NEW)
    return site


def gone() -> MemorySite:
    """A site where somebody got a mail, and was deleted."""
    site = moved()
    assert site.do(DeleteCustomer(Who(customer_id="c"))).verdict == "deleted"
    return site


@pytest.mark.parametrize("named", [{"message_id": "m"}, {}])
def test_what_happens_to_a_mail_to_an_older_address_is_of_that_mail_s_customer(named: dict[str, str]) -> None:
    site = moved()
    site.record("email_opened", {"email": OLD, "broadcast_id": 7, **named})
    assert "broadcast.opened 7" in site.held(NEW)
    site.record("email_unsubscribed", {"email": OLD, **named})
    assert not site.person(NEW).has("subscribed")
    assert not site.work.people.find(Who(email_key=OLD))
    (log, *others) = site.work.history.logs.values()
    assert bool(others) == (not named)
    assert log.address_key == OLD


def test_a_known_mail_is_of_its_customer_also_where_the_address_is_somebody_else_s() -> None:
    site = moved()
    site.upsert(email=OLD, customer_id="other", unsubscribed=False)
    site.record("email_unsubscribed", {"email": OLD, "message_id": "m"})
    assert (site.person(NEW).has("subscribed"), site.person(OLD).has("subscribed")) == (False, True)
    site.record("email_unsubscribed", {"email": OLD, "message_id": "another"})
    assert not site.person(OLD).has("subscribed")


def test_an_address_that_two_people_had_is_nobody_s() -> None:
    site = moved()
    site.upsert(email=OLD, customer_id="d")
    site.upsert(email="d@example.com", customer_id="d")
    assert site.record("email_opened", {"email": OLD, "broadcast_id": 7}).verdict == "created"


def test_a_hard_bounce_stays_with_its_address() -> None:
    site = MemorySite()
    site.record("email_bounced", {"email": OLD, "customer_id": "c", "bounce_type": "Permanent", "timestamp": AT})
    site.upsert(customer_id="c", email=NEW)
    assert site.held(NEW) == set()
    site.upsert(customer_id="c", email=OLD)
    assert site.held(OLD) == {"hard_bouncing"}
    assert site.customer(OLD).bounced_at == AT * 1000
    site.upsert(customer_id="c", email=NEW)
    site.upsert(email=OLD, customer_id="d")
    assert site.held(OLD) == {"hard_bouncing"}
    site.record("bounce_cleared", {"email": OLD})
    assert site.held(OLD) == set()


def test_a_bounce_of_an_older_address_marks_that_one() -> None:
    for cleared in (False, True):
        site = moved()
        site.record("email_bounced", {"email": OLD, "message_id": "m", "bounce_type": "hard", "timestamp": AT})
        if cleared:
            site.record("bounce_cleared", {"email": OLD, "customer_id": "c"})
        assert not site.person(NEW).has("hard_bouncing")
        site.upsert(customer_id="c", email=OLD)
        assert site.person(OLD).has("hard_bouncing") == (not cleared)


@pytest.mark.parametrize(
    "event",
    ["email_sent", "email_delivered", "email_opened", "email_clicked", "email_bounced", "email_unsubscribed"],
)
@pytest.mark.parametrize(
    "who", [{"email": NEW}, {"email": OLD}, {"customer_id": "c"}, {"email": OLD, "message_id": "m"}]
)
@pytest.mark.parametrize("at", [{}, {"timestamp": AT}])
def test_late_events_of_mail_create_nobody(event: str, who: dict[str, str], at: dict[str, int]) -> None:
    site = gone()
    before = len(site.work.history.activities)
    assert site.record(event, {**who, **at}).verdict == "ignored"
    assert not site.work.people.by_number
    assert len(site.work.history.activities) == before


@pytest.mark.parametrize("event", ["visit", "purchase", "identify", "subscribed", "wished"])
def test_what_happened_before_the_deletion_is_ignored_and_what_comes_later_is_of_somebody_new(event: str) -> None:
    for who in ({"email": NEW}, {"customer_id": "c"}):
        site = gone()
        assert site.record(event, {**who, "timestamp": AT}).verdict == "ignored"
        assert site.record(event, who).verdict == "created"
        assert site.record(event, {**who, "timestamp": AT}).verdict == "ignored"


def test_an_upsert_creates_anew_and_a_complaint_and_a_suppression_are_still_there() -> None:
    site = moved()
    site.record("email_complained", {"email": NEW, "timestamp": AT})
    site.record("suppressed", {"email": NEW, "timestamp": AT})
    site.do(DeleteCustomer(Who(customer_id="c")))
    told = site.upsert(email=NEW, unsubscribed=False)
    assert (told.verdict, bool(told.kept_back)) == ("created", True)
    assert site.held(NEW) == {"spam_reported", "suppressed"}
    site.do(DeleteCustomer(Who(email_key=NEW)))
    site.upsert(email=NEW)
    assert site.held(NEW) == {"spam_reported", "suppressed"}
    site.record("subscribed", {"email": NEW, "proof": "a form"})
    assert site.held(NEW) == {"subscribed"}
    site.do(DeleteCustomer(Who(email_key=NEW)))
    site.upsert(email=NEW, unsubscribed=False)
    assert site.held(NEW) == {"subscribed"}


def test_a_complaint_that_comes_after_the_deletion_is_kept_for_whoever_gets_the_address() -> None:
    site = gone()
    assert site.record("email_complained", {"email": NEW}).verdict == "ignored"
    site.upsert(email=NEW, unsubscribed=False)
    assert site.held(NEW) == {"spam_reported"}


def test_a_mail_that_one_customer_got_names_that_customer() -> None:
    site = moved()
    number = site.customer(NEW).number
    for event in ("email_opened", "email_bounced", "email_unsubscribed"):
        outcome = site.record(event, {"message_id": "m", "bounce_type": "hard"})
        assert outcome.person is not None
        assert outcome.person.customer.number == number
    assert not site.person(NEW).has("subscribed")
    assert not site.person(NEW).has("hard_bouncing")  # the mail went to the older address
    site.upsert(customer_id="c", email=OLD)
    assert site.person(OLD).has("hard_bouncing")


def test_a_mail_that_nobody_or_several_customers_got_names_nobody() -> None:
    site = moved()
    site.record("email_sent", {"email": "other@example.com", "message_id": "m"})
    for key in ("m", "unknown"):
        refusal = site.record("email_opened", {"message_id": key}).refusal
        assert refusal is not None
        assert (refusal.code, refusal.faults[0].field) == ("user_identifier_missing", "message_id")
    assert site.record("email_opened", {"message_id": "m", "email": OLD}).verdict == "updated"


@pytest.mark.parametrize("event", ["email_opened", "email_complained"])
def test_a_mail_to_somebody_deleted_is_ignored(event: str) -> None:
    site = gone()
    assert site.record(event, {"message_id": "m"}).verdict == "ignored"
    assert not site.work.people.by_number
    site.upsert(email=OLD, unsubscribed=False)
    assert site.person(OLD).has("spam_reported") == (event == "email_complained")


def test_a_complaint_about_an_older_address_stays_with_that_address() -> None:
    site = moved()
    site.record("email_complained", {"email": OLD, "timestamp": AT + 10})
    assert site.person(NEW).has("subscribed")
    assert not site.person(NEW).has("spam_reported")
    site.upsert(email=OLD, customer_id="somebody else", unsubscribed=False)
    assert site.person(OLD).has("spam_reported")
    assert not site.person(OLD).has("subscribed")
    site.record("subscribed", {"email": OLD, "proof": "a form"})
    assert site.person(OLD).has("subscribed")
