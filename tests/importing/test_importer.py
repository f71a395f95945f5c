"""Files whose lines hand identifiers from one customer to another."""

import pytest

from regulars.domain.moments import now_ms

from ..cli.conftest import Run, write_lines

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
