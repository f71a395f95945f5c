"""An order is the sum of its distinct lines, whatever is reported of it and in which order."""

from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.orders import Report, report_of, total

from .memory import NOW, MemorySite

EMAIL = "a@example.com"


def figures(*reports: dict[str, Any]) -> tuple[int, int, int]:
    """(orders, lifetime revenue, net revenue), the same for every order of arrival."""
    ends = set()
    for listed in permutations(reports):
        site = MemorySite()
        for body in listed:
            site.record(body.get("event", "purchase"), {"email": EMAIL, "order_id": "o", **body})
        customer = site.customer(EMAIL)
        ends.add((customer.lifetime_orders, customer.lifetime_revenue, customer.net_revenue))
    assert len(ends) == 1, ends
    return ends.pop()


def test_two_partial_refunds_with_ids_count_twice() -> None:
    refund = {"event": "refund", "revenue": "10"}
    paid = {"revenue": "100", "event_uuid": "p"}
    assert figures(paid, {**refund, "event_uuid": "r1"}, {**refund, "event_uuid": "r2"}) == (1, 10_000, 8_000)


def test_two_partial_refunds_at_different_times_count_twice() -> None:
    refund = {"event": "refund", "revenue": "10"}
    assert figures({"revenue": "100"}, {**refund, "timestamp": 1000}, {**refund, "timestamp": 2000})[2] == 8_000


def test_an_event_an_item_owns_every_product() -> None:
    items = [{"revenue": 10, "product_id": "a"}, {"revenue": 15, "product_id": "b"}]
    assert figures(*items) == (1, 2_500, 2_500)
    assert figures(*({**item, "event_uuid": str(place)} for place, item in enumerate(items))) == (1, 2_500, 2_500)
    site = MemorySite()
    for item in items:
        assert site.record("purchase", {"email": EMAIL, "order_id": "o", **item}).verdict != "unchanged"
    assert {"product.owned a", "product.owned b"} <= site.held(EMAIL)


def test_a_retry_counts_once() -> None:
    once = {"revenue": "19.90", "product_ids": ["b", "a"]}
    assert figures(once, once) == (1, 1_990, 1_990)
    assert figures(once, {**once, "product_ids": ["a", "b"]}) == (1, 1_990, 1_990)
    site = MemorySite()
    site.record("purchase", {"email": EMAIL, "order_id": "o", **once})
    before = len(site.work.history.activities)
    assert site.record("purchase", {"email": EMAIL, "order_id": "o", **once}).verdict == "unchanged"
    assert len(site.work.history.activities) == before


def test_an_amount_that_is_told_later_is_taken() -> None:
    assert figures({}, {"revenue": "40"}) == (1, 4_000, 4_000)
    assert figures({"event_uuid": "u"}, {"revenue": "40"}) == (1, 4_000, 4_000)
    assert figures({"revenue": "30", "timestamp": 2000}, {"revenue": "40", "timestamp": 1000})[1] == 3_000
    assert figures({"revenue": "30", "timestamp": 1000}, {"revenue": "40", "timestamp": 1000})[1] == 4_000
    assert figures({"revenue": "30", "timestamp": 1000}, {"revenue": "40"})[1] == 3_000  # it does not say when it was


@pytest.mark.parametrize("products", [{}, {"product_id": "a"}, {"product_ids": ["a", "b"]}])
def test_an_amount_that_is_told_later_with_the_same_id_is_taken(products: dict[str, Any]) -> None:
    first = {"event_uuid": "u", **products}
    told = {**first, "revenue": "40"}
    assert figures(first, told) == (1, 4_000, 4_000)
    assert figures(first, told, told) == (1, 4_000, 4_000)
    assert figures(first, {**told, "timestamp": 1_000}, told) == (1, 4_000, 4_000)
    assert figures(first, told, {**told, "revenue": "30"}) == (1, 4_000, 4_000), "the larger of two"
    assert figures(first, told, {**told, "event_uuid": "v"}) == (1, 8_000, 8_000)
    assert figures(first, told, {"revenue": "40", **products}) == (1, 4_000, 4_000)


def test_a_repeat_that_tells_more_is_kept_with_the_id_of_its_event() -> None:
    site = MemorySite()
    body = {"email": EMAIL, "order_id": "o", "event_uuid": "u", "product_id": "a"}
    assert site.record("purchase", body).verdict == "created"
    assert site.record("purchase", {**body, "revenue": 5}).verdict == "updated"
    assert site.record("purchase", {**body, "revenue": 5}).verdict == "unchanged"
    assert site.record("purchase", body).verdict == "unchanged"
    assert site.record("purchase", {**body, "order_id": "other", "revenue": 5}).verdict == "unchanged"
    assert len(site.work.history.activities) == 2


def test_a_report_without_an_id_is_one_with_an_id_that_says_the_same() -> None:
    with_id = {"revenue": "40", "event_uuid": "u"}
    assert figures(with_id, {"revenue": "40"}) == (1, 4_000, 4_000)
    assert figures(with_id, {**with_id, "event_uuid": "v"}, {"revenue": "40"}) == (1, 8_000, 8_000)
    assert figures(with_id, {"revenue": "40", "product_id": "a"}) == (1, 8_000, 8_000)


def test_orders_without_an_id_are_orders_of_their_own() -> None:
    site = MemorySite()
    for _ in range(2):
        site.record("purchase", {"email": EMAIL, "revenue": 5})
    assert site.customer(EMAIL).lifetime_orders == 2


reports = st.builds(
    Report,
    st.sampled_from([None, b"u", b"v"]),
    st.sampled_from([None, 1, 2]),
    st.sampled_from([None, 0, 5, 7]),
    st.sampled_from([frozenset(), frozenset({"a"}), frozenset({"a", 2})]),
    st.sampled_from([None, "EUR", "JPY"]),
)


@given(st.sampled_from(["purchase", "refund"]), st.lists(reports, max_size=6), st.randoms())
def test_the_total_depends_on_no_order_and_no_repeat(event: str, listed: list[Report], random: Any) -> None:
    of_one_id: dict[bytes, Report] = {}
    for report in listed:  # the events with one id are about one line
        if report.uuid is not None:
            same = of_one_id.setdefault(report.uuid, report)
            listed[listed.index(report)] = msgspec.structs.replace(report, products=same.products, at=same.at)
    shuffled = [*listed, *(report for report in listed if random.random() < 0.5)]
    random.shuffle(shuffled)
    assert total(event, shuffled) == total(event, listed)
    for currency, cents in total(event, listed).items():
        assert 0 < cents <= sum(report.amount or 0 for report in listed if report.currency == currency)


@pytest.mark.parametrize(
    ("detail", "amount", "products"),
    [
        (None, None, set()),
        ('{"revenue": "19.90"}', 1_990, set()),
        ('{"revenue": "", "amount": 3, "product_id": 7}', 300, {7}),
        ('{"amount": "many", "product_ids": ["a", {}, "b"], "product_id": "a"}', None, {"a", "b"}),
        ('{"product_ids": "a"}', None, set()),
    ],
)
def test_a_report_is_read_back_from_the_history(detail: str | None, amount: int | None, products: set[Any]) -> None:
    assert report_of(None, NOW, detail) == Report(None, NOW, amount, frozenset(products))
