"""One event, checked: its name, its time, its money, and all its faults at once."""

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.activity import AHEAD, Activity, parse_activity, uuid_of
from regulars.domain.events import EVENTS, REFERENCE_FIELDS
from regulars.domain.faults import REFUSALS, RefusedError
from regulars.domain.limits import Limits

NOW = 1_800_000_000_000


def read(**body: Any) -> Activity:
    return parse_activity({"event": "visit", "email": "a@b.co", **body}, now=NOW)


def refusal(**body: Any) -> tuple[str, set[str]]:
    with pytest.raises(RefusedError) as refused:
        parse_activity(body, now=NOW)
    return refused.value.code, {fault.field for fault in refused.value.faults}


@pytest.mark.parametrize("name", ["visit", "x" * 64, "Größe", "a-b_c", "5a", "order:placed"])
def test_names(name: str) -> None:
    assert read(event=name).name == name


@pytest.mark.parametrize(
    "name", [None, "", "x" * 65, "a.b", "a b", "a\tb", "a\u00a0b", "12", "-5", 5, True, "a\0", "\ud800"]
)
def test_other_names_are_refused(name: object) -> None:
    assert refusal(event=name, email="a@b.co") == ("invalid", {"event"})


def test_all_faults_are_listed_at_once() -> None:
    body = {"event": "a b", "email": "nope", "timestamp": "soon", "event_uuid": [], "x": object()}
    assert refusal(**body) == ("invalid", {"event", "email", "timestamp", "event_uuid", ""})
    body = {
        "event": "purchase",
        "email": "a@b.co",
        "revenue": "free",
        "product_ids": [0],
        "coupon": "a,b",
        "offer_id": {},
    }
    assert refusal(**body) == ("invalid", {"revenue", "product_ids.0", "coupon", "offer_id"})
    assert refusal(event="identify", email="a@b.co", groups=1, timestamp=[]) == ("invalid", {"groups", "timestamp"})
    assert refusal(event="visit", timestamp="soon") == ("user_identifier_missing", {"email", "timestamp"})


@pytest.mark.parametrize(("name", "event"), EVENTS.items())
def test_required_fields_are_required(name: str, event: Any) -> None:
    for missing in (None, ""):
        if event.requires:
            code, fields = refusal(event=name, email="a@b.co", **dict.fromkeys(event.requires, missing))
            assert (code, fields) == ("invalid", set(event.requires))
    given_fields = dict.fromkeys(event.requires, 1)
    assert read(event=name, **given_fields).kind is event


def test_a_time_may_be_five_minutes_ahead() -> None:
    seconds = NOW // 1000
    assert read().at is None
    assert read(timestamp=seconds - 5).at == NOW - 5000
    assert read(timestamp=seconds + AHEAD // 1000).at == NOW + AHEAD
    ahead = seconds + AHEAD // 1000 + 1
    assert refusal(event="visit", email="a@b.co", timestamp=ahead) == ("invalid", {"timestamp"})
    assert parse_activity({"event": "visit", "email": "a@b.co", "timestamp": ahead}, now=NOW, clamp=True).at == NOW


@pytest.mark.parametrize("amount", ["NaN", float("nan"), 1e300, 10**12 + 1, -1, "-0.01", True, [], "1e400"])
def test_money_out_of_bounds_is_refused(amount: object) -> None:
    for name, field in (("purchase", "revenue"), ("refund", "revenue"), ("conversion", "amount")):
        assert refusal(event=name, email="a@b.co", **{field: amount}) == ("invalid", {field})


def test_revenue_may_be_called_amount_and_outranks_it() -> None:
    assert read(event="refund", amount="19.99").amount == 1999
    assert read(event="purchase", revenue=1, amount=2).amount == 100
    assert read(event="purchase").amount == 0


def test_an_event_uuid_is_a_uuid_or_any_text() -> None:
    text = "06743da2-9589-4c01-afda-e3d85e487fa7"
    assert read(event_uuid=text).uuid == read(event_uuid=text.upper()).uuid == uuid.UUID(text).bytes
    assert read(event_uuid=5).uuid == read(event_uuid="5").uuid == uuid_of("5")
    assert read(event_uuid="").uuid is None
    assert len({uuid_of(str(n)) for n in range(100)} | {uuid_of("x" * 36)}) == 101
    assert refusal(event="visit", email="a@b.co", event_uuid="x" * 1025) == ("invalid", {"event_uuid"})


def test_words_with_a_few_values_are_checked() -> None:
    for name, field, value in (
        ("email_bounced", "bounce_type", "medium"),
        ("unsubscribed", "cause", "whim"),
        ("assessment_completed", "passed", "yes"),
    ):
        assert refusal(event=name, email="a@b.co", assessment_id=1, **{field: value}) == ("invalid", {field})
    assert read(event="email_bounced").conditions == ()
    assert read(event="unsubscribed").cause == "manual"


def test_what_is_kept_is_what_was_sent_beside_who_and_when() -> None:
    assert read(timestamp=5, event_uuid="u", cart=[{"sku": "x"}]).detail == '{"cart":[{"sku":"x"}]}'
    assert read(customer_id="c").detail is None
    with pytest.raises(RefusedError, match="invalid"):
        parse_activity({"event": "visit", "email": "a@b.co", "x": "y" * 50}, now=NOW, limits=Limits(event_detail=50))


def test_an_identify_is_checked_as_an_upsert() -> None:
    activity = read(event="identify", firstname="Anna", plan="gold", timestamp=5, event_uuid="u")
    assert activity.profile is not None
    assert (activity.profile.fields, activity.profile.attributes) == ({"firstname": "Anna"}, {"plan": "gold"})


anything = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
)
fields = st.sampled_from(
    [
        *REFERENCE_FIELDS,
        *("email", "customer_id", "uuid", "timestamp", "event_uuid", "revenue", "amount", "product_ids", "order_id"),
        *("log_id", "message", "bounce_type", "cause", "passed", "wording", "proof", "other", "groups", "data"),
    ]
)


@given(st.sampled_from([*EVENTS, "other"]) | st.text(max_size=3), st.dictionaries(fields, anything, max_size=6))
def test_any_event_is_read_or_refused(name: str, body: dict[str, Any]) -> None:
    try:
        activity = parse_activity({"event": name, **body}, now=NOW)
    except RefusedError as refused:
        assert refused.code in REFUSALS
        assert refused.faults
    else:
        assert activity.name == name
        assert activity.amount >= 0
        assert activity.at is None or activity.at <= NOW


def test_an_order_id_is_the_same_composed_and_decomposed() -> None:
    composed, decomposed = (
        parse_activity({"event": "purchase", "email": "a@b.co", "order_id": order}, now=NOW).order_id
        for order in ("Caf\u00e9-1", "Cafe\u0301-1")
    )
    assert composed == decomposed == "Caf\u00e9-1"
