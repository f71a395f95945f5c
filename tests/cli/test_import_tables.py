"""`regulars import customers` with tables: what is shown, stored and refused."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run, contents, tamper, write_lines
from .test_imports import figures

pytestmark = pytest.mark.usefixtures("database")

SHOPIFY = """\
Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Zip,Phone,Total Spent,Tax Exempt,Tags
'6543210987654,Anna,Berg,anna@example.com,yes,'01067,'+4930123456,120.50,no,"vip, blog"
'6543210987655,Bob,,bob@example.com,no,,,0.00,no,
'6543210987656,Cleo,Only,,no,,'+4930999999,0.00,no,vip
'6543210987657,Dora,Bad,not-an-address,no,,,0.00,no,vip
"""


def write(name: str, text: str) -> str:
    Path(name).write_text(text)
    return name


def states() -> dict[int, int]:
    """Whether each customer is subscribed, as far as it is known."""
    found: dict[int, int] = {}
    for row in sorted(contents("consents"), key=lambda row: row[3]):
        found[row[1]] = row[4]
    return found


def test_an_export_of_a_shop_comes_in_by_one_command(run: Run) -> None:
    file = write("shopify.csv", SHOPIFY)
    result = run("import", "customers", file, "--rejects", "refused.csv")
    assert result.code == 3
    assert "an export of Shopify customers with 4 records" in result.err
    assert "attribute:total_spent:number" in result.err
    rows = {row[8]: row for row in contents("customers")}
    assert len(rows) == 3
    assert states() == {1: 1}  # no is no opt-out
    assert {row[3] for row in contents("objects")} == {"vip", "blog"}
    assert figures(run, "customers", file)["unchanged"] == 3


def test_rejects_of_a_table_are_mended_and_imported(run: Run) -> None:
    run("import", "customers", write("shopify.csv", SHOPIFY), "--rejects", "refused.csv")
    text = Path("refused.csv").read_text()
    (row,) = csv.DictReader(text.splitlines())
    assert (row["Email"], row["regulars_column"], row["regulars_value"], row["regulars_line"]) == (
        "not-an-address", "Email", "not-an-address", "5",
    )  # fmt: skip
    assert "must be an email address" in row["regulars_reason"]
    write("mended.csv", text.replace("not-an-address", "dora@example.com"))
    assert figures(run, "customers", "mended.csv", "--rejects", "refused.csv") == {"lines": 1, "created": 1}
    attributes = [json.loads(value) for row in contents("customers") for value in row if str(value).startswith("{")]
    assert not any(key.startswith("regulars_") for each in attributes for key in each)


def test_a_dry_run_reports_as_the_import_does(run: Run) -> None:
    file = write("shopify.csv", SHOPIFY)
    before = contents("site_heads")
    told = run("import", "customers", file, "--dry-run", "--json").json
    assert contents("site_heads") == before
    done = run("import", "customers", file, "--json").json
    for name in ("lines", "created", "updated", "unchanged", "rejected", "kept_back", "warnings", "reasons"):
        assert told[name] == done[name], name
    assert told["created"] == 3


@pytest.mark.parametrize(
    ("kind", "line"), [("customers", {"name": "A"}), ("activity", {"event": "visit", "timestamp": 1_700_000_000})]
)
def test_a_dry_run_counts_who_is_in_several_batches_once(run: Run, kind: str, line: dict[str, Any]) -> None:
    lines = [{"email": f"{number}@x.org", **line} for number in range(2_050)]
    file = write_lines("file.ndjson", [*lines, {"email": "1@x.org", **line, "city": "Rome"}, *lines[:1]])
    told = run("import", kind, file, "--dry-run", "--json").json
    done = run("import", kind, file, "--json").json
    for name in ("lines", "created", "updated", "unchanged", "rejected"):
        assert told[name] == done[name], name
    assert told["created"] == 2_050


def test_words_that_every_line_has(run: Run) -> None:
    file = write("p.csv", "email\na@example.com\nb@example.com\n")
    run("import", "customers", file, "--tag", "spring", "--group", "g", "--list", "news", "--consent", "Yes, write me")
    assert {row[3] for row in contents("objects")} == {"spring", "g", "news"}
    evidence = [(row[4], row[7], row[8]) for row in contents("consents")]
    assert evidence == [(1, "Yes, write me", "p.csv, line 2"), (1, "Yes, write me", "p.csv, line 3")]
    assert figures(run, "customers", file, "--consent", "Yes, write me")["unchanged"] == 2


def test_what_ended_stays_ended(run: Run) -> None:
    run("import", "customers", write("e.csv", "email,unsubscribed\na@example.com,yes\nb@example.com,no\n"))
    assert states() == {1: 0}
    told = figures(run, "customers", write("p.csv", "email,subscribed\na@example.com,yes\n"))
    assert (told["unchanged"], told["kept_back"]) == (1, 1)
    assert states() == {1: 0}
    later = write("l.csv", "email,subscribed,subscribed at\na@example.com,yes,2099-01-01\n")
    assert figures(run, "customers", later)["clamped"] == 1
    assert states() == {1: 1}


def test_a_graver_end_is_taken_after_a_lesser_one(run: Run) -> None:
    run("import", "customers", write("e.csv", "email,email status\na@example.com,unsubscribed\n"))
    grave = write("c.csv", "email,email status\na@example.com,complained\n")
    assert figures(run, "customers", grave)["updated"] == 1
    assert figures(run, "customers", grave)["unchanged"] == 1
    assert [row[5] for row in contents("consents")] == ["opt_out", "complaint"]


def test_a_map_is_written_and_used(run: Run) -> None:
    file = write("p.csv", "Adresse mail,Formule\na@example.com,pro\n")
    wrote = run("import", "customers", file, "--write-map", "map.toml")
    assert wrote.code == 0
    assert contents("customers") == []
    Path("map.toml").write_text(Path("map.toml").read_text().replace("attribute:Formule", "attribute:plan"))
    assert run("import", "customers", file, "--map", "map.toml").code == 0
    assert any('"plan":"pro"' in str(value) for row in contents("customers") for value in row)


def test_fields_of_customers_who_are_there(run: Run) -> None:
    run("import", "customers", write("a.csv", "email,firstname,plan\na@example.com,Anna,\n"))
    newer = write("b.csv", "email,firstname,lastname,plan,tags\na@example.com,Other,Berg,pro,vip\n")
    assert figures(run, "customers", newer, "--existing", "skip") == {"lines": 1, "updated": 1}  # the tag
    assert figures(run, "customers", newer, "--existing", "skip") == {"lines": 1, "unchanged": 1}
    assert stored() == ("Anna", None, False)
    assert figures(run, "customers", newer, "--existing", "fill") == {"lines": 1, "updated": 1}
    assert stored() == ("Anna", "Berg", True)
    assert figures(run, "customers", newer) == {"lines": 1, "updated": 1}
    assert stored() == ("Other", "Berg", True)


def stored() -> tuple[str | None, str | None, bool]:
    """The names of the only customer, and whether it has a plan."""
    (row,) = contents("customers")
    names = ("Anna", "Other"), ("Berg",)
    first, last = (next((value for value in row if value in each), None) for each in names)
    return first, last, any('"plan":"pro"' in str(value) for value in row)


def test_a_file_cannot_control_the_terminal(run: Run) -> None:
    shown = run(
        "import", "customers", write("a.csv", "email,name,\x1b[31mx\na@example.com,\x1b]0;evil\x07,1\n\x1b[2J,x,1\n")
    )
    assert shown.code == 3
    assert "\x1b" not in shown.err
    assert "\x1b" not in shown.out
    assert "--tag: 'a,b' must be" in run("import", "customers", "a.csv", "--tag", "a,b").err
    assert "the file has no records" in run("import", "customers", write("b.csv", "")).err
    assert run("import", "undo", "99999999999999999999").code == 2


def test_a_tag_of_digits_is_a_name(run: Run) -> None:
    tagged = write("a.csv", 'email,tags\na@example.com,"2024, vip"\nb@example.com,2024\n')
    assert figures(run, "customers", tagged, "--resume") == {"lines": 2, "created": 2}
    assert figures(run, "customers", tagged) == {"lines": 2, "unchanged": 2}
    run("export", "customers", "people.ndjson")
    first = json.loads(Path("people.ndjson").read_text().splitlines()[0])
    assert {tie["id"]: tie.get("name") for tie in first["ties"]} == {2024: "2024", "vip": None}
    tamper("UPDATE objects SET number = 1000000000099 WHERE number = 2024")
    tamper("UPDATE relations SET object = 1000000000099 WHERE object = 2024")
    assert figures(run, "customers", tagged) == {"lines": 2, "unchanged": 2}


CONSENTS = "email,email status,subscribed at\na@example.com,subscribed,2026-01-02\nb@example.com,unsubscribed,\n"


@pytest.mark.parametrize(("choice", "kept"), [("all", [1, 0]), ("ends", [0]), ("none", [])])
def test_what_counts_of_consent_is_chosen(run: Run, choice: str, kept: list[int]) -> None:
    assert figures(run, "customers", write("a.csv", CONSENTS), "--consents", choice) == {"lines": 2, "created": 2}
    assert [row[4] for row in contents("consents")] == kept
    if choice == "all":
        run("export", "customers", "people.ndjson")
        run("init", "--database", "sqlite:///other.db")
        run("import", "customers", "people.ndjson", "--consents", "none", "--database", "sqlite:///other.db")
        fields = "subscribed,subscribed_at,unsubscribed_at"
        shown = run("export", "customers", "-", "--format=csv", "--fields", fields, "--database", "sqlite:///other.db")
        assert shown.out.splitlines()[1:] == [",,", ",,"]
    else:
        refused = run("import", "customers", "a.csv", "--consent", "Yes", "--consents", choice)
        assert (refused.code, "use one of them" in refused.err) == (1, True)
