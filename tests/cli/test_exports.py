"""`regulars export`: files for people and machines, which an import and a spreadsheet can read."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from regulars.exporting.customer_table import OTHERS

from .conftest import Once, Run, write_lines

PEOPLE: list[dict[str, Any]] = [
    {"email": "anna@example.com", "customer_id": "a", "groups": ["g"], "unsubscribed": False, "data": {"plan": "=1+1"}},
    {
        "email": "bo@example.com",
        "firstname": "+Bo",
        "phone_number": "+4915112345678",
        "data": {"list": [1, "x"], "n": 5},
    },
    {"customer_id": "c", "data": {"plan": "pro", "text": 'a "b"\r\nc'}},
]
EVENTS: list[dict[str, Any]] = [
    {"event": "purchase", "email": "anna@example.com", "revenue": "9.99", "order_id": "o", "event_uuid": "1"},
    {"event": "email_sent", "email": "anna@example.com", "message_id": "m", "timestamp": "2026-01-02"},
    {"event": "hidden", "customer_id": "c"},
]


@pytest.fixture
def site(run: Run, database: dict[str, Any], once: Once) -> None:
    once("site of exports", lambda: fill(run))


def fill(run: Run) -> None:
    assert run("import", "customers", write_lines("people.ndjson", PEOPLE)).code == 0
    assert run("import", "activity", write_lines("events.ndjson", EVENTS)).code == 0


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines(keepends=True)))


@pytest.mark.usefixtures("site")
def test_customers_as_csv_are_safe_in_a_spreadsheet(run: Run) -> None:
    assert run("export", "customers", "out.csv", "--json").json["rows"] == 3
    raw = Path("out.csv").read_bytes().decode()
    assert raw.startswith("regulars_id,email,customer_id,uuid,")
    assert raw.count("\r\n") == 5  # the header, three rows, and one within a cell
    anna, bo, c = rows(raw)
    assert (anna["attributes.plan"], bo["firstname"], bo["phone_number"]) == ("'=1+1", "'+Bo", "+4915112345678")
    assert (anna["groups"], anna["subscribed"], bo["subscribed"], c["hidden"]) == ('["g"]', "true", "", "true")
    assert (bo["attributes.list"], bo["attributes.n"], c["attributes.text"]) == ('[1,"x"]', "5", 'a "b"\r\nc')
    assert anna["lifetime_revenue"] == "9.99"
    assert run("export", "customers", "excel.csv", "--excel").code == 0
    assert Path("excel.csv").read_bytes().startswith(b"\xef\xbb\xbfregulars_id,")


@pytest.mark.usefixtures("site")
def test_a_question_and_fields_choose_what_is_exported(run: Run) -> None:
    found = run(
        "export", "customers", "-", "--format", "csv", "--q", "attr.plan = pro or has phone", "--fields", "email,uuid"
    )
    assert [row["email"] for row in rows(found.out)] == ["bo@example.com"]  # c is hidden
    assert "1 rows" in found.err
    found = run("export", "customers", "-", "--format", "ndjson", "--fields", "email,attributes.plan,ties")
    first = json.loads(found.out.splitlines()[0])
    assert list(first) == ["email", "attributes.plan", "ties"]
    found = run("export", "customers", "-", "--format", "csv", "--fields", "attributes.plan,email,custom_attributes")
    header, first = list(csv.reader(found.out.splitlines()))[:2]
    assert (header[:2], header.count("attributes.plan"), header[-1]) == (["attributes.plan", "email"], 2, OTHERS)
    assert [value for name, value in zip(header, first, strict=True) if name == "attributes.plan"] == ["'=1+1"] * 2
    found = run("export", "activity", "-", "--format", "ndjson", "--q", "email = bo@example.com")
    assert (found.code, found.out) == (0, "")
    found = run("export", "customers", "-", "--format", "csv", "--fields", "email,nonsense")
    assert (found.code, "there is no field 'nonsense'; there are: regulars_id" in found.err) == (1, True)
    found = run("export", "customers", "-", "--format", "csv", "--q", "nonsense =")
    assert found.code == 1


@pytest.mark.usefixtures("database")
def test_customers_who_have_nothing_of_a_kind_have_no_rows(run: Run) -> None:
    from pyarrow.parquet import ParquetFile

    quiet = [{"email": f"{number}@example.com"} for number in range(1_500)]
    asked = [{"email": f"asked{number}@example.com", "unsubscribed": False} for number in range(2)]
    for people, expected in ((quiet, 0), (asked[:1], 1), (quiet, 1), (asked[1:], 2)):
        assert run("import", "customers", write_lines("people.ndjson", people)).code == 0
        for kind, count in (("activity", 0), ("logs", 0), ("consents", expected)):
            text = run("export", kind, "-", "--format", "csv")
            assert (text.code, len(rows(text.out)), "" in text.out.splitlines()) == (0, count, False)
            lines = run("export", kind, "-", "--format", "ndjson")
            assert (lines.code, len(lines.out.splitlines())) == (0, count)
            assert run("export", kind, f"{kind}.parquet").code == 0
            assert ParquetFile(f"{kind}.parquet").read().num_rows == count


@pytest.mark.usefixtures("site")
def test_only_an_earlier_export_is_overwritten(run: Run) -> None:
    for kind in ("customers", "activity", "logs", "consents"):
        for name in (f"{kind}.csv", f"{kind}.ndjson.gz", f"{kind}.jsonl"):
            assert run("export", kind, name).code == 0
            before = Path(name).read_bytes()
            assert run("export", kind, name).code == 0
            assert Path(name).read_bytes() == before
    Path("notes.csv").write_text("mine")
    found = run("export", "customers", "notes.csv")
    assert (found.code, "notes.csv already exists" in found.err, Path("notes.csv").read_text()) == (1, True, "mine")
    found = run("export", "customers", "regulars.db-wal", "--format", "csv")
    assert (found.code, "belongs to the database" in found.err) == (1, True)
    found = run("export", "customers", "people.txt")
    assert (found.code, "--format" in found.err) == (1, True)
    assert run("export", "customers", "no/folder.csv").code == 1
    assert not list(Path().glob("*.partial"))


@pytest.mark.usefixtures("site")
def test_an_export_imported_into_another_database_is_equal(run: Run) -> None:
    other = "sqlite:///other.db"
    run("init", "--database", other)
    assert run("check", "--against", other).code == 1
    for kind, name, into in (
        ("customers", "c.ndjson.gz", "customers"),
        ("activity", "a.ndjson", "activity"),
        ("logs", "l.ndjson", "activity"),
        ("consents", "e.ndjson", "customers"),
    ):
        assert run("export", kind, name).code == 0
        assert run("import", into, name, "--database", other).code == 0
    found = run("check", "--against", other, "--json").json
    assert found == {"equal": True, "compared": "content", "differences": []}
    assert run("check", "--database", other).code == 0
    with gzip.open("c.ndjson.gz") as file:
        assert all("regulars_id" in json.loads(line) for line in file)


@pytest.mark.usefixtures("site")
def test_everything_about_a_person(run: Run) -> None:
    found = run("export", "person", "Anna@Example.com").json
    assert found["customer"]["email"] == "anna@example.com"
    assert found["customer"]["custom_attributes"] == {"plan": "=1+1"}
    assert [event["event"] for event in found["events"]] == ["purchase", "email_sent"]
    assert [email["status"] for email in found["emails"]] == ["sent"]
    assert run("export", "person", "c").json["customer"]["customer_id"] == "c"
    missing = run("export", "person", "nobody@example.com")
    assert (missing.code, "Nothing is kept of nobody@example.com." in missing.err) == (1, True)


@pytest.mark.usefixtures("site")
def test_other_systems_get_the_columns_that_they_import(run: Run) -> None:
    def first(name: str, **options: str) -> dict[str, str]:
        assert run("export", "customers", f"{name}.csv", "--for", name).code == 0
        return next(csv.DictReader(Path(f"{name}.csv").read_text().splitlines(), **options))  # type: ignore[call-overload]

    run("import", "activity", write_lines("t.ndjson", [{"event": "tag_added", "tag_id": "VIP", "customer_id": "a"}]))
    assert first("mailchimp")["TAGS"] == '"VIP"'
    assert first("klaviyo")["Email Marketing Consent"] == "SUBSCRIBED"
    assert (first("brevo", delimiter=";")["EMAIL_BLACKLISTED"], first("shopify")["Tags"]) == ("No", "VIP")
    assert "4915112345678" in Path("brevo.csv").read_text()
    assert "+4915112345678" not in Path("brevo.csv").read_text()
    run("import", "activity", write_lines("b.ndjson", [{"event": "suppressed", "customer_id": "a"}]))
    Path("klaviyo.csv").unlink()
    assert first("klaviyo")["Email Marketing Consent"] == "UNSUBSCRIBED"
    found = run("export", "customers", "x.ndjson", "--for", "brevo")
    assert (found.code, "--for: a form for another system is CSV" in found.err) == (1, True)


@pytest.mark.usefixtures("site")
def test_what_came_later_stays_when_an_older_export_is_imported(run: Run) -> None:
    tagged = {"event": "tag_added", "tag_id": "vip", "email": "anna@example.com"}
    run("import", "activity", write_lines("t.ndjson", [tagged]))
    run("export", "customers", "old.ndjson")
    ends = [{**tagged, "event": "tag_removed"}, {"event": "unsubscribed", "email": "anna@example.com"}]
    run("import", "activity", write_lines("u.ndjson", ends))
    found = run("import", "customers", "old.ndjson", "--json").json
    assert (found["unchanged"], found["updated"], found["rejected"]) == (3, 0, 0)
    anna = run("export", "person", "anna@example.com").json["customer"]
    held = {tie["relation"]: tie["holds"] for tie in anna["ties"]}
    assert (held["tag.has"], held["subscribed"], held["group.member"]) == (False, False, True)


@pytest.mark.usefixtures("site")
def test_parquet_has_columns_of_their_types(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow.parquet import ParquetFile

    for kind in ("customers", "activity", "logs", "consents"):
        assert run("export", kind, f"{kind}.parquet").code == 0
        before = Path(f"{kind}.parquet").read_bytes()
        assert run("export", kind, f"{kind}.parquet").code == 0
        assert Path(f"{kind}.parquet").read_bytes() == before
    file = ParquetFile("customers.parquet")
    kinds = {field.name: str(field.type) for field in file.schema_arrow}
    assert (kinds["created_at"], kinds["lifetime_revenue"]) == ("timestamp[ms, tz=UTC]", "decimal128(18, 2)")
    anna, bo, _ = file.read().to_pylist()
    assert (anna["attributes.plan"], anna["groups"], anna["subscribed"]) == ("=1+1", ["g"], True)
    assert (str(anna["lifetime_revenue"]), anna["created_at"].year > 2000) == ("9.99", True)
    assert (bo["attributes.list"], bo["attributes.n"], bo["regulars_id"]) == ('[1,"x"]', "5", 4294967298)
    (sent, *_) = ParquetFile("logs.parquet").read().to_pylist()
    assert (sent["status"], sent["opens"]) == ("sent", 0)
    assert "leave .gz away" in run("export", "customers", "x.parquet.gz").err
    Path("other.parquet").write_bytes(b"PAR1 and something else PAR1")
    assert run("export", "customers", "other.parquet").code == 1
    monkeypatch.setattr("regulars.cli.exports.has_parquet", lambda: False)
    assert "pip install 'regulars[parquet]'" in run("export", "customers", "y.parquet").err
