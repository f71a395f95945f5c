"""Lines that speak of the same customer are found and gathered."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.importing.grouping import LARGEST_GROUP, group_by_customer, repeated_customers
from regulars.importing.lines import Line

from ..cli.conftest import Run, contents, write_lines


def lines_of(*bodies: Any) -> list[Line]:
    return [Line(number, json.dumps(body).encode()) for number, body in enumerate(bodies, 1)]


async def found_in(*bodies: Any) -> dict[int, int]:
    return await repeated_customers(lines_of(*bodies))


async def test_lines_that_share_an_identifier_belong_together_whatever_its_spelling() -> None:
    assert await found_in({"email": "a@x.org"}, {"email": "b@x.org"}) == {}
    assert await found_in({"email": " A@X.org"}, {"customer_id": "1"}, {"email": "a@x.org"}) == {1: 3, 3: 3}
    assert await found_in({"customer_id": 1}, {"customer_id": "1 "}) == {1: 2, 2: 2}
    assert await found_in({"email": "1"}, {"customer_id": "1"}) == {}


async def test_what_belongs_together_through_others_belongs_together() -> None:
    assert await found_in(
        {"email": "a@x.org"},
        {"customer_id": "1"},
        {"email": "z@x.org"},
        {"uuid": "u", "customer_id": "1"},
        {"email": "a@x.org", "uuid": "u"},
    ) == {1: 5, 2: 5, 4: 5, 5: 5}


async def test_lines_that_no_parser_takes_are_passed_over() -> None:
    broken = [Line(1, b"{"), Line(2, b"[1]"), Line(3, b"\xff"), Line(4, b'{"email": null}'), Line(5, b'{"email": " "}')]
    assert await repeated_customers(broken) == {}


async def test_a_customer_of_very_many_lines_is_left_where_it_stands() -> None:
    assert len(await found_in(*[{"email": "a@x.org"}] * LARGEST_GROUP)) == LARGEST_GROUP
    assert await found_in(*[{"email": "a@x.org"}] * (LARGEST_GROUP + 1)) == {}


names = st.sampled_from(["1", "2", "3", "4", "5", "6"])
bodies = st.dictionaries(st.sampled_from(["email", "customer_id", "uuid"]), names, max_size=3)


@given(st.lists(bodies, max_size=12))
async def test_groups_are_those_of_a_search_line_by_line(given_bodies: list[dict[str, str]]) -> None:
    def related(start: int) -> set[int]:
        known, fresh = {start}, {start}
        while fresh:
            fresh = {
                other
                for one in fresh
                for other, body in enumerate(given_bodies)
                if given_bodies[one].items() & body.items()
            } - known
            known |= fresh
        return known

    expected = {place + 1: max(found) + 1 for place in range(len(given_bodies)) if len(found := related(place)) > 1}
    lines = lines_of(*given_bodies)
    last = await repeated_customers(lines)
    assert last == expected
    groups = list(group_by_customer(lines, last))
    assert sorted(line for group in groups for line in group) == lines
    assert [group[-1].number for group in groups] == sorted(group[-1].number for group in groups)
    for each in groups:
        assert [line.number for line in each] == sorted(line.number for line in each)
        assert {last.get(line.number) for line in each} == {last.get(each[0].number)}


def test_lines_held_for_an_end_that_does_not_come_are_not_lost() -> None:
    lines = lines_of({"email": "a"}, {"email": "b"})
    assert list(group_by_customer(lines, {1: 9})) == [[lines[1]], [lines[0]]]


@pytest.mark.usefixtures("database")
def test_a_repeat_of_a_file_that_contradicts_itself_changes_nothing(run: Run) -> None:
    tables = ("customers", "changes", "relations", "consents", "objects")
    file = write_lines(
        "p.ndjson",
        [
            {"email": "a@x.org", "customer_id": "1", "city": "Rome", "unsubscribed": True, "groups": ["g1"]},
            {"email": "b@x.org", "firstname": "Berta"},
            {"email": "a@x.org", "city": "Oslo", "unsubscribed": False, "subscription_groups": [
                {"id": "n", "subscribed": True}]},
            {"email": "a@x.org", "unsubscribed": "wrong"},
            {"customer_id": "1", "email": "new@x.org", "subscription_groups": [{"id": "n", "subscribed": False}]},
            {"email": "b@x.org", "firstname": "Bea"},
        ],
    )  # fmt: skip
    first = run("import", "customers", file, "--json").json
    assert (first["created"], first["updated"], first["rejected"]) == (2, 3, 1)
    before = [contents(table) for table in tables]
    again = run("import", "customers", file, "--rejects", "refused", "--json").json
    assert (again["lines"], again["unchanged"], again["rejected"]) == (6, 5, 1)
    listed = [json.loads(line) for line in Path("refused").read_text().splitlines()]
    assert sorted((each["line"], each["code"]) for each in listed) == [(3, "kept_back"), (4, "invalid")]
    assert [contents(table) for table in tables] == before
    other = write_lines("q.ndjson", [{"email": "b@x.org", "firstname": "Bo"}])
    assert run("import", "customers", other, "--json").json["updated"] == 1
    assert run("import", "customers", file, "--json").json["updated"] == 2, "what others changed is written again"
