"""`regulars ask`: questions, saved audiences, reach and why from the command line."""

from pathlib import Path
from typing import Any

import pytest

from regulars.store.store import Store

from ..coroutines import run as carry_out
from ..databases import url_of
from ..store.running import audience
from .conftest import Once, Run, write_lines


@pytest.fixture
def filled(run: Run, database: dict[str, Any], once: Once) -> None:
    once("filled of asking", lambda: fill(run))


def fill(run: Run) -> None:
    people = [{"email": f"p{n}@example.com", "unsubscribed": n % 2 == 0, "groups": ["g"] * (n < 4)} for n in range(6)]
    run("import", "customers", write_lines("p.ndjson", people))
    carry_out(_saved(url_of(Path("regulars.db").absolute())))


async def _saved(url: str) -> None:
    store = await Store.open(url)
    for command in (
        audience("grouped", '{"has":"group","any_of":["g"]}'),
        audience("mailable", '{"all":[{"in":{"audience":"grouped"}},{"is":"subscribed"}]}', "grouped"),
    ):
        assert (await store.ledger.submit(1, command)).refusal is None
    await store.close()


@pytest.mark.usefixtures("filled")
def test_questions_and_audiences(run: Run) -> None:
    assert run("ask", "group:g", "--count").out == "4\n"
    assert run("ask", "in audience/mailable", "--count").out == "2\n"
    assert run("ask", "--audience", "mailable", "--json").json["total"] == 2
    assert run("ask", "email:p1", "--audience", "mailable", "--json").json["total"] == 1
    found = run("ask", "--audience", "grouped", "--reach", "--json").json
    assert (found["matched"], found["reachable"]) == (4, 2)
    assert "4 match, 2 of them" in run("ask", "--audience", "grouped", "--reach").err
    found = run("ask", "--audience", "mailable", "--why", "p0@example.com", "--json").json
    assert not found["in"]
    assert [(each["condition"], each["holds"], each["decides"]) for each in found["conditions"]] == [
        ("group:g", True, False),
        ("is subscribed", False, True),
    ]
    assert "p1@example.com matches." in run("ask", "--audience", "mailable", "--why", "p1@example.com").err


@pytest.mark.usefixtures("filled")
def test_refusals(run: Run) -> None:
    for arguments, message in (
        (("ask",), "Give a question or --audience."),
        (("ask", "--audience", "nobody"), "The audience nobody does not exist."),
        (("ask", "group:g and ("), "Expected"),
        (("ask", "group:g", "--count", "--reach"), "Use one of"),
        (("ask", "group:g", "--why", "x@example.com"), "There is no customer x@example.com."),
        (("ask", "group:g", "--why", "@"), "email"),
    ):
        found = run(*arguments)
        assert found.code == 1
        assert message in found.err
