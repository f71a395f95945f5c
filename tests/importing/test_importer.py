"""Files whose lines hand identifiers from one customer to another."""

import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.domain.moments import now_ms
from regulars.importing import pacing
from regulars.importing.grouping import repeated_customers
from regulars.importing.importer import Import
from regulars.importing.lines import Line
from regulars.importing.parsing import line_parser
from regulars.store.store import Store

from ..cli.conftest import Run, write_lines
from ..effort import EXAMPLES
from ..store.running import running

pytestmark = pytest.mark.usefixtures("database")


def test_a_file_in_which_addresses_are_freed_and_swapped_is_taken_in_one_run(run: Run) -> None:
    start = [{"customer_id": one, "email": f"{one}@x.org"} for one in "abcdef"]
    assert run("import", "customers", write_lines("start.ndjson", start), "--json").json["created"] == 6
    file = write_lines(
        "file.ndjson",
        [
            {"customer_id": "b", "email": "a@x.org", "city": "Rome"},
            {"customer_id": "c", "email": "d@x.org"},
            {"customer_id": "b", "city": "Oslo"},
            {"customer_id": "a", "email": "free@x.org"},
            {"customer_id": "d", "email": "c@x.org"},
            {"customer_id": "new", "email": "new@x.org", "uuid": "7a5f0f3e-0000-4000-8000-000000000000"},
            {"email": "f@x.org", "customer_id": "e"},
        ],
    )
    first = run("import", "customers", file, "--json", "--rejects", "refused").json
    assert [first[name] for name in ("lines", "created", "updated", "rejected")] == [7, 1, 5, 1]
    again = run("import", "customers", file, "--json").json
    assert [again[name] for name in ("lines", "unchanged", "rejected")] == [7, 6, 1]


def test_an_address_may_stand_beside_a_name_or_in_a_link(run: Run) -> None:
    lines = [{"email": "Anna <a@x.org>"}, {"email": "mailto:b@x.org"}, {"email": "a@x.org", "city": "Rome"}]
    found = run("import", "customers", write_lines("file.ndjson", lines), "--json").json
    assert (found["created"], found["updated"], found["rejected"]) == (2, 1, 0)
    events = [{"event": "visit", "email": "Anna <a@x.org>"}]
    assert run("import", "activity", write_lines("events.ndjson", events), "--json").json["updated"] == 1


@pytest.mark.parametrize("ahead", [None, 60])
def test_identify_events_swap_addresses_and_take_what_is_freed(run: Run, ahead: int | None) -> None:
    start = [{"customer_id": one, "email": f"{one}@x.org"} for one in "abcd"]
    run("import", "customers", write_lines("start.ndjson", start), "--json")
    time = {} if ahead is None else {"timestamp": int(now_ms() / 1000) + ahead}
    moves = [("a", "b"), ("c", "d"), ("b", "a"), ("d", "free")]
    lines = [{"event": "identify", "customer_id": who, "email": f"{email}@x.org", **time} for who, email in moves]
    file = write_lines("file.ndjson", lines)
    first = run("import", "activity", file, "--json").json
    assert (first["updated"], first["rejected"]) == (4, 0)
    again = run("import", "activity", file, "--json").json
    assert (again["unchanged"], again["rejected"]) == (4, 0)
    back = write_lines("back.ndjson", [{**line, "n": 2} for line in start])
    assert run("import", "customers", back, "--json").json["updated"] == 4


def test_an_identify_event_that_a_later_one_overtakes_stays_refused(run: Run) -> None:
    run("import", "customers", write_lines("start.ndjson", [{"email": "b@x.org"}, {"customer_id": "a"}]), "--json")
    lines = [{"event": "identify", "customer_id": "a", "email": f"{email}@x.org"} for email in ("b", "last")]
    found = run("import", "activity", write_lines("file.ndjson", lines), "--json").json
    assert (found["updated"], found["rejected"]) == (1, 1)


def test_an_event_may_come_before_the_line_that_names_its_customer(run: Run) -> None:
    lines = [
        {"event": "visit", "customer_id": "c", "timestamp": "2026-01-01"},
        {"event": "visit", "customer_id": "nobody", "timestamp": "2026-01-01"},
        {"event": "identify", "customer_id": "c", "email": "c@x.org", "timestamp": "2026-01-02"},
        {"event": "visit", "customer_id": "c", "timestamp": "2026-01-03"},
    ]
    file = write_lines("file.ndjson", lines)
    found = run("import", "activity", file, "--json", "--rejects", "refused").json
    assert [found[name] for name in ("created", "updated", "rejected")] == [1, 2, 1]
    again = run("import", "activity", file, "--json").json
    assert [again[name] for name in ("unchanged", "rejected")] == [3, 1]


_WHO = st.sampled_from("abcd")
_LINE = st.fixed_dictionaries(
    {}, optional={"customer_id": _WHO, "email": _WHO.map("{}@x.org".format), "city": st.sampled_from(["Rome", "Oslo"])}
).filter(lambda line: "email" in line or "customer_id" in line)


@given(start=st.lists(_LINE, max_size=4), lines=st.lists(_LINE, min_size=1, max_size=7))
@settings(deadline=None, max_examples=EXAMPLES)
async def test_a_dry_run_counts_as_the_import_does(start: list[dict[str, str]], lines: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pacing, "LARGEST_CHUNK", 2)  # many batches
        async with running(Path(folder), engine="sqlite") as at:
            await imported(at.store, start)
            told = await imported(at.store, lines, dry_run=True)
            assert told == await imported(at.store, lines)


async def imported(store: Store, lines: list[dict[str, str]], *, dry_run: bool = False) -> dict[str, Any]:
    """What an import says of its lines."""
    raw = [Line(place, msgspec.json.encode(line)) for place, line in enumerate(lines, 1)]
    refused: list[int] = []
    summary = await Import(
        store,
        1,
        line_parser("customers", store.limits),
        dry_run=dry_run,
        repeated=await repeated_customers(raw),
        on_reject=lambda line, _: refused.append(line.number),
    ).run(raw)
    names = ("lines", "created", "updated", "unchanged", "rejected", "kept_back", "ignored", "reasons")
    return {name: getattr(summary, name) for name in names} | {"refused": sorted(refused)}
