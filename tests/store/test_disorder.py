"""Disorder through a real database: any order of arrival and any cut into batches ends in the same rows."""

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.domain.commands import Command, DeleteCustomer, DeleteObject, LinkProducts, Relate, SaveObject
from regulars.domain.identity import Who
from regulars.domain.mail import Log
from regulars.domain.relations import BY_CODE, KIND_CODES
from regulars.store import reads

from ..databases import query
from ..domain.disorder import PEOPLE, figures, histories, mail_state
from ..effort import examples
from .chain import assert_replay_gives_the_tables
from .running import Running, activity, running, stored_customers, stored_ties, upsert


async def commit(at: Running, site: int, batches: list[list[Command]]) -> None:
    for batch in batches:
        await at.store.ledger.submit_all(site, batch)


def cut(commands: list[Command], places: list[int]) -> list[list[Command]]:
    """The commands in batches that end at these places."""
    ends = [0, *sorted({place for place in places if place < len(commands)}), len(commands)]
    return [commands[start:end] for start, end in pairwise(ends)]


def end_of(path: Path, site: int, *, whole: bool = False) -> dict[str, Any]:
    """The site's end state by address, without what arrival decides (`whole`: with all but times of writing)."""
    people = stored_customers(path, site)
    keys = {
        row[:2]: row[2] or row[1]
        for row in query(path, "SELECT kind, number, key FROM objects WHERE site_id = ?", site)
    }
    state: dict[str, Any] = {"objects": sorted(map(str, keys.values())) if whole else None}
    for number, customer in people.items():
        ties = {}
        for (owner, relation, item), tie in stored_ties(path, site).items():
            if owner == number and (tie.holds or whole):
                kind = kind_of(relation)
                ties[relation, item if kind is None else str(keys[kind, item])] = (tie.holds, tie.at)
        fields = ", ".join(Log.__struct_fields__)
        logs = query(path, f"SELECT {fields} FROM logs WHERE site_id = ? AND customer = ?", site, number)
        consents = query(
            path, "SELECT at, granted, cause FROM consents WHERE site_id = ? AND customer = ?", site, number
        )
        newsletters = query(
            path,
            "SELECT newsletter, at, granted, cause, source FROM newsletter_consents WHERE site_id = ? AND customer = ?",
            *(site, number),
        )
        history = query(
            path, "SELECT name, at, order_id, uuid FROM activities WHERE site_id = ? AND customer = ?", site, number
        )
        state[f"{customer.email} {customer.customer_id}"] = (
            {**figures(customer), "attributes": customer.attributes if whole else None},
            ties,
            sorted((mail_state(Log(*row)) for row in logs), key=repr),
            sorted(consents, key=repr),
            sorted(((keys[_NEWSLETTER, row[0]], *row[1:]) for row in newsletters), key=repr),
            sorted((row if whole else row[:3] for row in history), key=repr),
        )
    return state


_NEWSLETTER = KIND_CODES["newsletter"]


def kind_of(relation: int) -> int | None:
    """The stored code of the kind of object that a relation ties to."""
    kind = BY_CODE[relation].kind
    return None if kind is None else KIND_CODES[kind]


cuts = st.lists(st.integers(0, 8), max_size=4)


@settings(max_examples=examples(6, 100), deadline=None)
@given(histories(5).flatmap(lambda listed: st.tuples(st.just(listed), st.permutations(listed))), cuts)
async def test_every_order_of_arrival_ends_in_the_same_rows(
    orders: tuple[list[dict[str, Any]], list[dict[str, Any]]], places: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), sites=2) as at:
            for site, order in enumerate(orders, 1):
                await commit(at, site, cut([activity(**body) for body in order], places))
                assert_replay_gives_the_tables(at.path, site)
            assert end_of(at.path, 1) == end_of(at.path, 2)
            async with at.store.snapshot() as connection:
                for email in PEOPLE:
                    person = await reads.find_person(connection, 1, Who(email_key=email))
                    assert person is None or person.customer.email == email


people = st.sampled_from(["a@example.com", "b@example.com"])
ids = st.sampled_from(["1", "2"])
who = people.map(lambda email: Who(email_key=email)) | ids.map(lambda each: Who(customer_id=each))
named = st.one_of(
    st.fixed_dictionaries({"email": people}),
    st.fixed_dictionaries({"customer_id": ids}),
    st.fixed_dictionaries({"email": people, "customer_id": ids}),
)
references = st.sampled_from([1, "t"])
changes = st.sampled_from(("add", "remove", "replace"))
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(lambda n, plan, groups: upsert(**n, plan=plan, groups=groups), named, st.integers(0, 2), st.lists(ids)),
    st.builds(
        lambda n, event, at, uuid, order: activity(
            event, **n, timestamp=at, event_uuid=uuid, order_id=order, tag_id="t", broadcast_id="b", revenue=1
        ),
        named,
        st.sampled_from(
            ["tag_added", "tag_removed", "purchase", "email_opened", "subscribed", "unsubscribed", "identify"]
        ),
        st.integers(1, 3),
        st.sampled_from([None, "u", "v"]),
        st.sampled_from([None, "o"]),
    ),
    st.builds(DeleteCustomer, who),
    st.builds(DeleteObject, st.sampled_from(["tag", "group", "offer", "product"]), references),
    st.builds(Relate, who, st.just("tag.has"), st.just(("t",)), changes),
    st.builds(
        Relate,
        who,
        st.sampled_from(["offer.granted", "product.owned"]),
        st.lists(references, max_size=2, unique=True).map(tuple),
        changes,
    ),
    st.builds(
        LinkProducts,
        references,
        st.lists(references, max_size=2, unique=True).map(tuple),
        changes,
    ),
    st.builds(
        lambda n, event, at, offer: activity(event, **n, timestamp=at, offer_id=offer, product_id=offer),
        named,
        st.sampled_from(["offer_granted", "offer_revoked", "product_granted", "product_removed"]),
        st.integers(1, 3),
        st.sampled_from(["1", "t"]),
    ),
    st.builds(lambda kind: SaveObject(kind=kind, key="t"), st.sampled_from(["offer", "product"])),
)


@settings(max_examples=examples(20, 400), deadline=None)
@given(st.lists(commands, min_size=1, max_size=9), cuts)
async def test_how_commands_fall_into_batches_is_invisible(listed: list[Command], places: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), sites=2, clock_stands=True) as at:
            await commit(at, 1, cut(listed, places))
            await commit(at, 2, [[command] for command in listed])
            assert at.store.ledger.commits >= len(listed)
            for site in (1, 2):
                assert_replay_gives_the_tables(at.path, site)
            assert end_of(at.path, 1, whole=True) == end_of(at.path, 2, whole=True)
