"""Mail to an older address, bounces that belong to an address, and what is left of somebody deleted."""

from itertools import permutations
from typing import Any

import pytest

from regulars.domain.commands import DeleteCustomer, Upsert
from regulars.domain.identity import Who
from regulars.domain.mail import RANK
from regulars.domain.profile import parse_profile

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


def test_a_complaint_about_an_older_address_is_of_the_person_and_stays_with_that_address() -> None:
    site = moved()
    site.record("email_complained", {"email": OLD, "timestamp": AT + 10})
    assert site.held(NEW) == {"spam_reported", "broadcast.sent 7"}
    site.upsert(email=OLD, customer_id="somebody else", unsubscribed=False)
    assert site.person(OLD).has("spam_reported")
    assert not site.person(OLD).has("subscribed")
    site.record("subscribed", {"email": OLD, "proof": "a form"})
    assert site.person(OLD).has("subscribed")


ENDS: list[tuple[str, dict[str, str]]] = [
    ("unsubscribed", {}),
    ("unsubscribed", {"cause": "opt_out"}),
    ("unsubscribed", {"cause": "complaint"}),
    ("email_unsubscribed", {}),
    ("email_complained", {}),
    ("Unsubscribe", {}),
]


@pytest.mark.parametrize("key", ["message_id", "log_id"])
@pytest.mark.parametrize("address", [OLD, "foreign@example.com", None])
@pytest.mark.parametrize(("event", "body"), ENDS)
def test_what_ends_consent_and_names_a_known_mail_is_of_its_customer(
    event: str, body: dict[str, str], address: str | None, key: str
) -> None:
    site = moved()
    site.record(event, {**({} if address is None else {"email": address}), key: "m", **body})
    assert not site.person(NEW).has("subscribed")
    assert len(site.work.people.by_number) == 1
    assert site.customer(NEW).email == NEW


@pytest.mark.parametrize("address", [OLD, "foreign@example.com"])
def test_a_subscription_that_ends_is_of_the_mail_s_customer(address: str) -> None:
    site = moved()
    site.record("newsletter_subscribed", {"email": NEW, "newsletter_id": "n"})
    site.record("newsletter_unsubscribed", {"email": address, "newsletter_id": "n", "message_id": "m"})
    assert site.held(NEW) == {"broadcast.sent 7", "subscribed", "newsletter.unsubscribed n"}
    assert len(site.work.people.by_number) == 1


def test_what_ends_without_a_mail_at_an_older_address_is_of_its_only_former_owner() -> None:
    site = moved()
    site.record("unsubscribed", {"email": OLD})
    assert not site.person(NEW).has("subscribed")
    assert site.record("subscribed", {"email": OLD}).verdict == "created"


@pytest.mark.parametrize("event", ["email_delivered", "email_opened", "email_clicked", "email_bounced"])
def test_what_became_of_a_known_mail_creates_nobody(event: str) -> None:
    site = moved()
    site.record(event, {"email": "foreign@example.com", "message_id": "m", "bounce_type": "hard"})
    assert len(site.work.people.by_number) == 1
    (log,) = site.work.history.logs.values()
    assert (log.address_key, log.status) == (OLD, RANK[event.removeprefix("email_")])
    assert site.held(NEW) == {"broadcast.sent 7", "subscribed"}
    assert site.record("email_sent", {"email": "foreign@example.com", "message_id": "m"}).verdict == "created"
    assert site.person("foreign@example.com").has("hard_bouncing") == (event == "email_bounced")


def test_an_event_of_another_address_or_customer_is_not_of_the_mail_s_customer() -> None:
    site = moved()
    site.upsert(email="b@example.com", unsubscribed=False)
    site.record("unsubscribed", {"email": "b@example.com", "message_id": "m"})
    assert (site.person(NEW).has("subscribed"), site.person("b@example.com").has("subscribed")) == (True, False)
    assert site.record("unsubscribed", {"customer_id": "d", "email": "d@x.example", "message_id": "m"}).person != (
        site.person(NEW)
    )
    assert site.record("purchase", {"email": "forwarded@x.example", "message_id": "m"}).verdict == "created"
    assert site.person(NEW).has("subscribed")


@pytest.mark.parametrize("event", ["unsubscribed", "newsletter_unsubscribed", "email_opened"])
@pytest.mark.parametrize("address", [OLD, "foreign@example.com"])
def test_what_ends_with_a_mail_to_somebody_deleted_creates_nobody(event: str, address: str) -> None:
    site = gone()
    body = {"email": address, "message_id": "m", "newsletter_id": "n"}
    assert site.record(event, body).verdict == "ignored"
    assert not site.work.people.by_number


@pytest.mark.parametrize("event", ["email_bounced", "email_complained"])
@pytest.mark.parametrize("told", range(3))
@pytest.mark.parametrize("back", [False, True])
def test_a_report_of_an_address_marks_it_in_every_order(event: str, told: int, back: bool) -> None:
    site = MemorySite()
    site.upsert(email=OLD, customer_id="c", unsubscribed=False)
    site.record("email_sent", {"email": OLD, "message_id": "m", "timestamp": AT})
    report = {"email": OLD, "message_id": "m", "bounce_type": "hard", "timestamp": AT + 5}
    moves: list[dict[str, Any]] = [
        {"customer_id": "c", "email": NEW},
        {"customer_id": "d", "email": OLD, "unsubscribed": False},
    ]
    for place in range(3):
        if place == told:
            site.record(event, report)
        if place < len(moves):
            site.upsert(**moves[place])
    if back:  # and the address changes hands once more
        site.upsert(customer_id="d", email="d@example.com")
        site.upsert(customer_id="e", email=OLD, unsubscribed=False)
    complains = event == "email_complained"
    assert site.held(OLD) == ({"spam_reported"} if complains else {"hard_bouncing", "subscribed"})
    assert site.held(NEW) == ({"spam_reported"} if complains else {"subscribed"})
    assert site.customer(OLD).bounced_at == (None if complains else (AT + 5) * 1000)
    assert site.customer(NEW).bounced_at is None
    site.record("bounce_cleared", {"email": OLD})
    site.record("subscribed", {"email": OLD, "proof": "a form"})
    assert site.held(OLD) == {"subscribed"}


@pytest.mark.parametrize("order", [*permutations(["bounce", "clear", "move"])])
def test_a_hard_bounce_and_its_end_meet_in_every_order(order: tuple[str, ...]) -> None:
    site = MemorySite()
    site.upsert(email=OLD, customer_id="c")
    for step in order:
        if step == "move":
            site.upsert(email=NEW, customer_id="c")
        else:
            name, at = ("email_bounced", AT) if step == "bounce" else ("bounce_cleared", AT + 1)
            site.record(name, {"email": OLD, "bounce_type": "hard", "timestamp": at})
    site.upsert(email=OLD, customer_id="c")
    assert site.held(OLD) == set()
    site.record("email_bounced", {"email": OLD, "bounce_type": "hard", "timestamp": AT + 2})
    assert site.held(OLD) == {"hard_bouncing"}


@pytest.mark.parametrize("told", ["before", "after"])
@pytest.mark.parametrize("cleared", [False, True])
def test_a_hard_bounce_survives_deletion_until_it_is_cleared(told: str, cleared: bool) -> None:
    site = MemorySite()
    report = {"email": OLD, "bounce_type": "hard", "timestamp": AT}
    site.upsert(email=OLD)
    if told == "before":
        site.record("email_bounced", report)
    site.do(DeleteCustomer(Who(email_key=OLD)))
    if told == "after":
        assert site.record("email_bounced", report).verdict == "ignored"
    if cleared:
        assert site.record("bounce_cleared", {"email": OLD}).verdict == "ignored"
    for _ in range(2):
        site.upsert(email=OLD, unsubscribed=False)
        assert site.held(OLD) == ({"subscribed"} if cleared else {"subscribed", "hard_bouncing"})
        assert site.customer(OLD).bounced_at == (AT * 1000 if not cleared else site.customer(OLD).bounced_at)
        site.do(DeleteCustomer(Who(email_key=OLD)))


@pytest.mark.parametrize("event", ["email_unsubscribed", "unsubscribed"])
def test_an_ended_consent_survives_deletion_and_only_a_new_word_gives_it_again(event: str) -> None:
    site = MemorySite()
    site.upsert(email=OLD, unsubscribed=False)
    site.record(event, {"email": OLD})
    site.do(DeleteCustomer(Who(email_key=OLD)))
    for _ in range(2):
        told = site.do(Upsert(parse_profile({"email": OLD, "unsubscribed": False}), source="import"))
        assert (told.verdict, bool(told.kept_back)) == ("created", True)
        assert site.held(OLD) == set()
        site.do(DeleteCustomer(Who(email_key=OLD)))
    site.upsert(email=OLD)
    site.do(Upsert(parse_profile({"email": OLD, "unsubscribed": False}), source="import"))
    assert site.held(OLD) == set()
    site.upsert(email=OLD, unsubscribed=False)
    assert site.held(OLD) == {"subscribed"}


@pytest.mark.parametrize("event", ["email_unsubscribed", "email_complained"])
def test_an_end_of_consent_that_is_told_after_the_deletion_is_kept_with_the_address(event: str) -> None:
    site = MemorySite()
    site.upsert(email=OLD, unsubscribed=False)
    site.do(DeleteCustomer(Who(email_key=OLD)))
    assert site.record(event, {"email": OLD}).verdict == "ignored"
    told = site.do(Upsert(parse_profile({"email": OLD, "unsubscribed": False}), source="import"))
    assert (told.verdict, bool(told.kept_back), site.person(OLD).has("subscribed")) == ("created", True, False)


@pytest.mark.parametrize(("subscribed_at", "kept_back"), [(AT - 20, True), (AT + 20, False)])
def test_deleting_the_next_owner_of_an_address_loses_no_later_end_of_consent(
    subscribed_at: int, kept_back: bool
) -> None:
    site = MemorySite()
    site.record("subscribed", {"email": OLD, "timestamp": AT - 10})
    site.record("email_unsubscribed", {"email": OLD, "timestamp": AT})
    site.do(DeleteCustomer(Who(email_key=OLD)))
    site.record("subscribed", {"email": NEW, "customer_id": "next", "timestamp": subscribed_at})
    site.upsert(email=OLD, customer_id="next")
    assert site.person(OLD).has("subscribed")
    site.do(DeleteCustomer(Who(customer_id="next")))
    told = site.do(Upsert(parse_profile({"email": OLD, "unsubscribed": False}), source="import"))
    assert (bool(told.kept_back), site.person(OLD).has("subscribed")) == (kept_back, not kept_back)


def test_a_hard_bounce_from_before_it_was_cleared_does_not_come_back_by_a_second_deletion() -> None:
    site = MemorySite()
    for event in ("email_bounced", "bounce_cleared"):
        site.upsert(email=OLD)
        site.do(DeleteCustomer(Who(email_key=OLD)))
        when = {"bounce_type": "hard", "timestamp": AT} if event == "email_bounced" else {}
        site.record(event, {"email": OLD, **when})
    site.upsert(email=OLD)
    site.do(DeleteCustomer(Who(email_key=OLD)))
    site.record("email_bounced", {"email": OLD, "bounce_type": "hard", "timestamp": AT + 1})
    site.upsert(email=OLD)
    assert site.held(OLD) == set()
