"""Identifiers that are handed from one customer to another, in one file or bulk call."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.activity import parse_activity
from regulars.domain.commands import Reassign, RecordActivity, Upsert, UpsertGroup, is_taken, later_of
from regulars.domain.outcome import Outcome
from regulars.domain.profile import parse_profile

from .memory import MemorySite

Body = dict[str, Any]


def upsert_of(body: Body) -> Upsert:
    return Upsert(parse_profile(body))


def groups_of(bodies: list[Body]) -> list[list[Body]]:
    """The bodies that share an identifier, together where the last of them stands."""
    groups: list[list[Body]] = []
    for body in bodies:
        joined = [group for group in groups if any(one.items() & body.items() & keys_of(one) for one in group)]
        for group in joined:
            groups.remove(group)
        groups.append(sorted([*(one for group in joined for one in group), body], key=lambda one: one["place"]))
    return groups


def keys_of(body: Body) -> set[tuple[str, Any]]:
    return {(name, body[name]) for name in ("email", "customer_id") if name in body}


def taken_in(site: MemorySite, bodies: list[Body]) -> list[Outcome]:
    """What an import does: groups, and then those that were refused together, until nothing more comes of it."""
    groups = groups_of([{**body, "place": place} for place, body in enumerate(bodies)])
    upserts = [tuple(upsert_of({k: v for k, v in body.items() if k != "place"}) for body in group) for group in groups]
    outcomes = [site.do(UpsertGroup(group)).parts for group in upserts]
    while waiting := [place for place, parts in enumerate(outcomes) if any(map(is_taken, parts))]:
        before = sum(map(is_taken, (part for place in waiting for part in outcomes[place])))
        parts = iter(site.do(Reassign(tuple(upserts[place] for place in waiting))).parts)
        for place in waiting:
            outcomes[place] = tuple(later_of(first, next(parts)) for first in outcomes[place])
        if sum(map(is_taken, (part for place in waiting for part in outcomes[place]))) == before:
            break
    return [part for parts in outcomes for part in parts]


def verdicts(outcomes: list[Outcome]) -> list[str]:
    return ["refused" if one.refusal is not None else one.verdict for one in outcomes]


def state_of(site: MemorySite) -> dict[int, tuple[str | None, str | None, str | None]]:
    return {
        number: (person.customer.email, person.customer.customer_id, person.customer.firstname)
        for number, person in site.work.people.by_number.items()
    }


def a_site(*names: str) -> MemorySite:
    site = MemorySite()
    for name in names:
        site.upsert(customer_id=name, email=f"{name}@x.org")
    return site


def test_a_line_takes_the_address_that_a_later_one_frees() -> None:
    site = a_site("a", "b")
    file = [{"customer_id": "b", "email": "a@x.org"}, {"customer_id": "a", "email": "c@x.org"}]
    assert verdicts(taken_in(site, file)) == ["updated", "updated"]
    assert verdicts(taken_in(site, file)) == ["unchanged", "unchanged"]


def test_customers_swap_their_addresses_or_hand_them_round() -> None:
    for ring in (["a", "b"], ["a", "b", "c", "d"]):
        site = a_site(*ring)
        site.customer("a@x.org").bounced_at = 1
        others = ring[1:] + ring[:1]
        file = [{"customer_id": one, "email": f"{other}@x.org"} for one, other in zip(ring, others, strict=True)]
        assert verdicts(taken_in(site, file)) == ["updated"] * len(ring)
        assert [site.customer(f"{other}@x.org").customer_id for other in others] == ring
        bounced = [one.customer.email for one in site.work.people.by_number.values() if one.customer.bounced_at]
        assert bounced == ["a@x.org"]  # a bounce belongs to the address
        assert verdicts(taken_in(site, file)) == ["unchanged"] * len(ring)


def test_identify_events_swap_as_of_their_time() -> None:
    site = a_site("a", "b")
    at = site.work.now + 1_000
    for time, verdict in ((at - 5_000, "refused"), (at, "updated")):  # one that is too late moves nobody
        events = [
            parse_activity(
                {"event": "identify", "customer_id": who, "email": f"{email}@x.org", "timestamp": time / 1000},
                now=at,
            )
            for who, email in ("ab", "ba")
        ]
        parts = site.do(Reassign(tuple((RecordActivity(event),) for event in events))).parts
        assert verdicts(list(parts)) == [verdict] * 2
    assert site.customer("b@x.org").customer_id == "a"


def test_a_refusal_of_another_kind_leaves_the_others_where_they_are() -> None:
    site = a_site("a", "b")
    before = state_of(site)
    large = {"customer_id": "a", "email": "b@x.org", "data": {str(n): "x" * 1000 for n in range(100)}}
    assert verdicts(taken_in(site, [large, {"customer_id": "b", "email": "a@x.org"}])) == ["refused", "refused"]
    assert state_of(site) == before


def test_two_who_want_one_address_do_not_both_get_it() -> None:
    site = a_site("a", "b", "c")
    file = [
        {"customer_id": "b", "email": "a@x.org"},
        {"customer_id": "c", "email": "a@x.org"},
        {"customer_id": "a", "email": "free@x.org"},
    ]
    assert sorted(verdicts(taken_in(site, file))) == ["refused", "updated", "updated"]
    assert sorted(verdicts(taken_in(site, file))) == ["refused", "unchanged", "unchanged"]


ids = st.sampled_from(["a", "b", "c", "d"])
addresses = st.sampled_from(["a@x.org", "b@x.org", "c@x.org", "d@x.org", "new@x.org"])


@given(
    st.lists(ids, unique=True, min_size=1),
    st.dictionaries(ids, addresses, min_size=1),
    st.data(),
)
def test_a_file_that_gives_each_customer_one_address_ends_alike_in_any_order(
    known: list[str], wanted: dict[str, str], data: st.DataObject
) -> None:
    taken: dict[str, str] = {}
    for one, address in wanted.items():
        if one in known and address not in taken.values():
            taken[one] = address
    # Somebody outside the file keeps an address: that line stays refused, whatever the order.
    file = data.draw(st.permutations([{"customer_id": one, "email": address} for one, address in taken.items()]))
    site, other = a_site(*known), a_site(*known)
    first = verdicts(taken_in(site, list(file)))
    taken_in(other, list(reversed(file)))
    assert state_of(site) == state_of(other)
    after = state_of(site)
    again = verdicts(taken_in(site, list(file)))
    assert state_of(site) == after
    assert again.count("refused") == first.count("refused")
    assert set(again) <= {"unchanged", "refused"}


@given(
    st.lists(st.builds(lambda one, address, name: {"customer_id": one, "email": address, "firstname": name},
                       ids, addresses, st.sampled_from("xyz")), max_size=6, unique_by=lambda line: line["customer_id"]),
)  # fmt: skip
def test_a_repeat_of_a_file_that_names_each_known_customer_once_changes_nothing(file: list[Body]) -> None:
    site = a_site("a", "b", "c", "d")
    taken_in(site, file)
    after = state_of(site)
    again = verdicts(taken_in(site, file))
    assert state_of(site) == after
    assert set(again) <= {"unchanged", "refused"}
