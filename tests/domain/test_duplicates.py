"""Which customers may be the same, by a comparison of all with all."""

from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.duplicates import MOST_ALIKE, Pair, keys_of, pairs_of, reasons_of

SAME: tuple[tuple[str, str, set[str]], ...] = (
    ("a.nna+shop@gmail.com", "anna@googlemail.com", {"address"}),
    ("anna+x@example.com", "anna@example.com", {"address"}),
    ("anna@gmial.com", "an.na@gmail.com", {"typo"}),
    ("a.nna@example.com", "anna@example.com", set()),
    ("anna@example.com", "anna@example.org", set()),
)


def alike(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> set[str]:
    found = {reason for reason, _ in keys_of(*one) & keys_of(*other)}
    return found - {"typo"} if "address" in found else found


def test_addresses_that_are_meant_to_be_the_same() -> None:
    for one, other, reasons in SAME:
        assert alike((one, None, None, None, None), (other, None, None, None, None)) == reasons, (one, other)


def test_names_phones_and_cities() -> None:
    anna = (None, "Anna  Meier", "+4930123", None, "Köln")
    assert alike(anna, (None, "ANNA MEIER", None, "+4930123", "köln")) == {"phone", "name_and_city"}
    assert alike((None, "Anna", None, None, "Köln"), (None, "Anna", None, None, "Köln")) == set()


_values = st.tuples(
    st.sampled_from([None, "anna@gmail.com", "a.nna@gmail.com", "anna@gmial.com", "bo@example.com"]),
    st.sampled_from([None, "Anna Meier", "anna meier", "Bo Li"]),
    st.sampled_from([None, "+491", "+492"]),
    st.sampled_from([None, "+491"]),
    st.sampled_from([None, "Rom", "ROM"]),
)


@given(st.lists(_values, max_size=14))
def test_pairs_are_those_that_a_comparison_of_all_finds(people: list[tuple[str | None, ...]]) -> None:
    values: dict[tuple[str, str], list[int]] = {}
    for number, person in enumerate(people, 1):
        for key in keys_of(*person):
            values.setdefault(key, []).append(number)
    common = {key for key, numbers in values.items() if len(numbers) > MOST_ALIKE}
    expected = {}
    for first, one in enumerate(people, 1):
        for second, other in enumerate(people, 1):
            shared = {reason for reason, value in keys_of(*one) & keys_of(*other) if (reason, value) not in common}
            if first < second and shared:
                expected[first, second] = shared - {"typo"} if "address" in shared else shared
    found = pairs_of([(reason, numbers) for (reason, _), numbers in values.items()], 1_000)
    assert {(pair.first, pair.second): set(pair.reasons) for pair in found} == expected
    assert [pair.score for pair in found] == sorted((pair.score for pair in found), reverse=True)
    assert all(reasons_of(pair.codes) == pair.reasons for pair in found)


def test_several_reasons_make_it_likelier() -> None:
    assert Pair(1, 2, ("phone", "name_and_city")).score > Pair(1, 2, ("phone",)).score
