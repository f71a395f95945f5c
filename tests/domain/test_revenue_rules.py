"""Revenue by currency: the figures follow from the sums, whatever the order of arrival."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.commands import CountRevenue

from .memory import NOW, MemorySite

EMAIL = "anna@example.com"
CURRENCIES = ("EUR", "JPY", "USD")
amounts = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["purchase", "refund", "conversion"]),
        "revenue": st.integers(0, 9),
        "timestamp": st.integers(NOW // 1000 - 3, NOW // 1000),
    },
    optional={
        "currency": st.sampled_from(CURRENCIES),
        "order_id": st.sampled_from(["o", "p"]),
        "product_id": st.sampled_from(["a", "b"]),
        "event_uuid": st.integers(0, 5).map(str),
    },
)


def figures(events: list[dict[str, Any]], changes: dict[int, str], *, last: str) -> tuple[int, int, int]:
    """The figures after events in this order, with the currency set to others on the way and to `last` at the end."""
    site = MemorySite()
    for place, event in enumerate(events):
        if place in changes:
            site.work.revenues.set_currency(changes[place])
        site.record(event["event"], {"email": EMAIL, **{k: v for k, v in event.items() if k != "event"}})
    site.work.revenues.set_currency(last)
    site.do(CountRevenue((site.customer(EMAIL).number,)))
    customer = site.customer(EMAIL)
    for row in site.work.revenues.of(customer.number):
        assert row.is_counted == (row.currency == last)
    return customer.net_revenue, customer.lifetime_revenue, customer.lifetime_orders


def unlike(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events of which no two have the same uuid: of those the first counts, whatever it says."""
    found, seen = [], set()
    for event in events:
        uuid = event.get("event_uuid")
        if uuid is None or uuid not in seen:
            found.append(event)
        seen.add(uuid)
    return found


@given(
    st.lists(amounts, min_size=1, max_size=8).map(unlike),
    st.dictionaries(st.integers(0, 7), st.sampled_from(CURRENCIES), max_size=3),
    st.sampled_from(CURRENCIES),
    st.randoms(),
)
def test_every_order_of_arrival_and_every_change_of_currency_ends_alike(
    events: list[dict[str, Any]], changes: dict[int, str], last: str, random: Any
) -> None:
    ordered = [event for event in events if event["event"] != "conversion" and "order_id" in event]
    shuffled = [*events, *(event for event in ordered if random.random() < 0.3)]
    random.shuffle(shuffled)
    assert figures(shuffled, changes, last=last) == figures(events, {}, last=last)


def test_the_first_currency_that_an_amount_names_is_that_of_the_site() -> None:
    site = MemorySite()
    assert site.record("purchase", {"email": EMAIL, "currency": "EUR"}).warnings == ()  # it names no amount
    assert site.record("conversion", {"email": EMAIL, "revenue": 3}).warnings == ()
    assert site.record("conversion", {"email": EMAIL, "revenue": 5, "currency": "usd"}).warnings == ()
    assert site.work.revenues.currency == "USD"
    assert site.customer(EMAIL).net_revenue == 800
    (warning,) = site.record("refund", {"email": EMAIL, "revenue": 7, "currency": "EUR"}).warnings
    assert (warning.given, site.customer(EMAIL).net_revenue) == ("EUR", 800)


def test_an_amount_without_a_currency_is_the_one_that_another_report_names() -> None:
    for first, second in (({"event_uuid": "u"}, {"currency": "EUR"}), ({"event_uuid": "u", "currency": "EUR"}, {})):
        site = MemorySite()
        for body in (first, second):
            site.record("purchase", {"email": EMAIL, "order_id": "o", "revenue": 5, **body})
        assert site.customer(EMAIL).net_revenue == 500
