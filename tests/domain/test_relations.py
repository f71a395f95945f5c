"""Ties: which of two reports wins, whatever order they come in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.relations import (
    BY_CODE,
    BY_NAME,
    KIND_CODES,
    KINDS,
    PROFILE_RELATIONS_END,
    RELATIONS,
    ReportKind,
    Tie,
    merge_report,
)

relations = st.sampled_from(RELATIONS)
reports = st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=6)


@given(relations, reports.flatmap(lambda listed: st.tuples(st.just(listed), st.permutations(listed))))
def test_timed_reports_settle_the_same_in_any_order(relation, orders) -> None:  # type: ignore[no-untyped-def]
    ends = []
    for order in orders:
        tie = None
        for holds, at in order:
            tie = merge_report(tie, relation, holds, at, ReportKind.BACKDATED) or tie
        ends.append(tie)
    assert ends[0] == ends[1]
    latest = max(at for _, at in orders[0])
    said = {holds for holds, at in orders[0] if at == latest}
    assert ends[0] == Tie(said.pop() if len(said) == 1 else relation.restrictive, latest)


@given(
    relations,
    st.booleans(),
    st.integers(0, 4),
    st.booleans(),
    st.integers(0, 4),
    st.sampled_from([ReportKind.IMMEDIATE, ReportKind.ASSERTED]),
)
def test_the_callers_word_of_this_moment_always_wins(relation, held, at, holds, now, report) -> None:  # type: ignore[no-untyped-def]
    before = Tie(held, at, "key")
    after = merge_report(before, relation, holds, now, report)
    if held == holds:
        assert after == (Tie(held, now, "key") if report is ReportKind.IMMEDIATE and now > at else None)
    else:
        assert after is not None
        assert (after.holds, after.label) == (holds, "key")
        assert after.at > at
        assert after.at >= now


def test_a_report_that_says_nothing_new_changes_nothing() -> None:
    tag = BY_NAME["tag.has"]
    assert merge_report(Tie(True, 5), tag, True, 5, ReportKind.BACKDATED) is None
    assert merge_report(Tie(True, 5), tag, False, 4, ReportKind.BACKDATED) is None
    assert merge_report(Tie(True, 5), tag, True, 6, ReportKind.BACKDATED) == Tie(True, 6)


@pytest.mark.parametrize(
    "pair",
    [
        ("newsletter.subscribed", "newsletter.unsubscribed"),
        ("product.owned", "product.previously_owned"),
        ("assessment.passed", "assessment.failed"),
    ],
)
def test_opposites_never_both_hold_or_both_lapse_at_equal_times(pair: tuple[str, str]) -> None:
    assert [BY_NAME[name].restrictive for name in pair] == [False, True]


def test_codes_are_the_stored_ones() -> None:
    codes = [relation.code for relation in RELATIONS]
    assert all(low < high for low, high in pairwise(codes))
    assert len(BY_NAME) == len(BY_CODE) == len(RELATIONS)
    stored = {
        1: "hidden",
        5: "subscribed",
        8: "group.member",
        16: "tag.has",
        32: "broadcast.sent",
        37: "broadcast.dropped",
    }
    assert {code: BY_CODE[code].name for code in stored} == stored
    assert [KIND_CODES[kind] for kind in KINDS] == list(range(1, len(KINDS) + 1))
    assert KINDS[:4] == ("group", "tag", "offer", "product")


def test_the_picture_of_a_customer_is_its_flags_groups_and_newsletters() -> None:
    shown = {relation.kind for relation in RELATIONS if relation.code < PROFILE_RELATIONS_END}
    assert shown == {None, "group", "newsletter"}
    assert all(relation.kind for relation in RELATIONS if relation.code >= PROFILE_RELATIONS_END)
