"""Consent follows from its evidence alone, in whatever order that arrives."""

from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.consent import API, CAUSES, EVENT, IMPORT, UNDATED, Consent, Moments

GRANTS = st.builds(
    lambda at, source, wording, proof: Consent(1, at, True, None, source, wording, proof),
    st.integers(0, 4),
    st.sampled_from([API, EVENT, IMPORT, UNDATED, "another system"]),
    st.sampled_from([None, "Yes"]),
    st.sampled_from([None, "a form"]),
)
ENDS = st.builds(
    lambda at, cause: Consent(1, at, False, cause, EVENT), st.integers(0, 4), st.sampled_from([*CAUSES, None])
)


def lifts(grant: Consent, end: Consent) -> bool:
    """The rule for one grant and one end, said once more in other words."""
    if grant.source == UNDATED or grant.at <= end.at:
        return False
    match end.cause:
        case "manual" | "bounce":
            return True
        case "complaint":
            return grant.source != API and grant.proof is not None
        case _:
            return grant.source != API or grant.proof is not None or grant.wording is not None


def hold(evidence: list[Consent]) -> bool:
    """Somebody granted it, and every end was lifted."""
    grants = [each for each in evidence if each.granted]
    return bool(grants) and all(any(lifts(grant, end) for grant in grants) for end in evidence if not end.granted)


def moments_of(evidence: list[Consent]) -> Moments:
    """What the evidence comes to in this order of arrival."""
    moments = Moments()
    for each in evidence:
        moments.note(each)
    return moments


@given(st.lists(GRANTS | ENDS, max_size=7).flatmap(lambda listed: st.tuples(st.just(listed), st.permutations(listed))))
def test_consent_holds_when_every_end_was_lifted_whatever_arrived_first(
    orders: tuple[list[Consent], list[Consent]],
) -> None:
    moments = [moments_of(order) for order in orders]
    assert moments[0] == moments[1]
    assert moments[0].hold == hold(orders[0])


@given(st.lists(GRANTS | ENDS, max_size=5), GRANTS | ENDS)
def test_evidence_that_moves_no_moment_says_nothing_new(evidence: list[Consent], more: Consent) -> None:
    before = moments_of(evidence)
    after = before.after(more)
    assert (after != before) == before.copy().note(more)
    assert not after.note(more)


@given(st.lists(GRANTS | ENDS, min_size=1, max_size=5))
def test_why_there_is_no_consent_is_told_when_there_was_an_end(evidence: list[Consent]) -> None:
    moments = moments_of(evidence)
    if moments.standing_end is not None:
        assert moments.why_not().startswith("The consent was ended")
    assert moments.since <= (moments.latest or 0)
