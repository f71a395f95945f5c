"""Files of many formats as lines: what each is understood as, and the bodies that it gives."""

import gzip
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest

from regulars.importing.columns.mapping import MappingError, Wishes, parse_map, parse_toml, write_toml
from regulars.importing.describing import sentences
from regulars.importing.inputs import Asked, Input, OptionError, open_input
from regulars.importing.lines import Line
from regulars.importing.reading.opening import UnreadableFileError

PEOPLE = [{"email": "a@example.com"}, {"email": "b@example.com"}]


def read(path: Path, **asked: Any) -> tuple[Input, list[Line]]:
    with open_input(str(path), asked=Asked(**asked)) as source:
        first, again = list(source), list(source)
        assert [line[:2] for line in first] == [line[:2] for line in again]
        return source, first


def bodies(path: Path, **asked: Any) -> list[dict[str, Any]]:
    return [json.loads(line.raw) for line in read(path, **asked)[1] if line.record is None or not line.record.refusal]


def refusals(path: Path, **asked: Any) -> dict[int, str]:
    found = (line.record for line in read(path, **asked)[1] if line.record is not None)
    return {record.line: record.refusal.sentence for record in found if record.refusal is not None}


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        '{"email": "a@example.com"}\n{"email": "b@example.com"}\n',
        '\ufeff{"email": "a@example.com"}\r\n\r\n{"email": "b@example.com"}',
        '[{"email": "a@example.com"}, {"email": "b@example.com"}]',
        '[\n{"email": "a@example.com"},\n{"email": "b@example.com"}\n]\n',
        '{\n  "email": "a@example.com"\n}\n{\n  "email": "b@example.com"\n}\n',
        "email\na@example.com\nb@example.com\n",
        "email,\na@example.com,\nb@example.com,\n",
        '"E-Mail"\r\n"a@example.com"\r\n\r\n"b@example.com"',
        "a@example.com\nb@example.com\n",
        "sep=;\nemail;\na@example.com;\nb@example.com;\n",
        "Members of June\nemail,city\na@example.com,\nb@example.com,\n",
        "email\ta\na@example.com\t\nb@example.com\t\n",
        "email|a\ra@example.com|\rb@example.com|\r",
        "email,a\na@example.com,\nemail,a\nb@example.com,\n",
    ],
)
def test_two_people_in_any_form(tmp_path: Path, content: str) -> None:
    encodings = ["utf-8"] if content.startswith("\ufeff") else ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]
    for encoding in encodings:
        data = content.encode(encoding)
        assert bodies(write(tmp_path / "people", data)) == PEOPLE, encoding
        assert bodies(write(tmp_path / "people.gz", gzip.compress(data))) == PEOPLE, encoding
        with zipfile.ZipFile(tmp_path / "people.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("people.csv", data)
            archive.writestr("__MACOSX/._people.csv", b"x")
        assert bodies(tmp_path / "people.zip") == PEOPLE, encoding


def test_a_cell_is_kept_to_the_letter(tmp_path: Path) -> None:
    text = 'email,zip,id,note,plan\na@example.com,01067,1e5,"two\nlines, and ""quotes""",007\n'
    (body,) = bodies(write(tmp_path / "p.csv", text))
    note = 'two\nlines, and "quotes"'
    assert body == {"email": "a@example.com", "data": {"zip": "01067", "id": "1e5", "note": note, "plan": "007"}}


def test_what_programs_put_around_a_value_is_taken_off(tmp_path: Path) -> None:
    text = 'email,zip,phone,name,a,b\n\u200ba@example.com\u00a0,\'01067,"=""+4930123456""",NULL,\'tis,\\N\n'
    (body,) = bodies(write(tmp_path / "p.csv", text))
    assert body == {"email": "a@example.com", "phone_number": "+4930123456", "data": {"zip": "01067", "a": "'tis"}}
    (body,) = bodies(write(tmp_path / "p.csv", text), wishes=Wishes(nulls=frozenset({"'tis"})))
    assert (body["name"], body["data"]["b"], "a" in body["data"]) == ("NULL", "\\N", False)


def test_what_breaks_the_rules_costs_one_record(tmp_path: Path) -> None:
    text = (
        "name,email\n"
        '"never closed,a@example.com\n'
        "Bob,b@example.com\n"
        "Cleo,c@example.com,more\n"
        "Dora\n"
        'Eve "E",e@example.com\n'
        '"Fay" F,f@example.com\n'
        "Gil,g@example.com\n"
    )
    path = write(tmp_path / "p.csv", text)
    assert [body["name"] for body in bodies(path)] == ["Bob", 'Eve "E"', "Gil"]
    told = refusals(path)
    assert sorted(told) == [2, 4, 5, 7]
    assert "never closed" in told[2]
    assert "3 cells and the header 2" in told[4]
    assert "1 cells and the header 2" in told[5]


def test_a_cell_of_a_megabyte_is_refused_alone(tmp_path: Path) -> None:
    text = f"name,email\n{'x' * (1 << 20)}y,a@example.com\nBob,b@example.com\n"
    path = write(tmp_path / "p.csv", text)
    assert bodies(path) == [{"name": "Bob", "email": "b@example.com"}]
    assert list(refusals(path)) == [2]


def test_a_text_of_windows_is_recognized_and_words_are_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", "email;vorname\na@example.com;Jürgen\n".encode("cp1252"))
    source, _ = read(path)
    (part,) = source.parts
    assert part.encoding is not None
    assert (part.encoding.name, part.encoding.changed) == ("cp1252", ("Jürgen",))
    assert bodies(path) == [{"email": "a@example.com", "firstname": "Jürgen"}]
    greek = write(tmp_path / "g.csv", "email;name\na@example.com;Γιώργος\n".encode("iso8859-7"))
    assert bodies(greek, encoding="iso8859-7")[0]["name"] == "Γιώργος"
    with pytest.raises(UnreadableFileError, match="no encoding"):
        read(greek, encoding="klingon")


def test_lines_of_another_encoding_are_refused(tmp_path: Path) -> None:
    lines = [f"p{n}@example.com,Jürgen".encode() for n in range(5)]
    path = write(tmp_path / "p.csv", b"\n".join([b"email,name", *lines, "x@example.com,Jürgen".encode("cp1252")]))
    assert len(bodies(path)) == 5
    assert "encoding" in refusals(path)[7]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("p.gz", gzip.compress(b"email\na@example.com\n")[:-9], "gzip"),
        ("p.zip", b"PK\x03\x04rest", "ZIP"),
        ("p.zip", b"PK\x05\x06" + b"\0" * 18, "empty ZIP"),
        ("p.png", b"\x89PNG\r\n\x1a\n", "image"),
        ("p.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "cannot be read as a spreadsheet"),
        ("p.csv", b"name,city\nAnna,Rome\n", "no column has the address"),
        ("p.csv", b"email,joined\na@example.com,03/04/2020\n", "2020-04-03 or 2020-03-04"),
        ("p.json", b'[{"email": "a@example.com"}', "within the array"),
        ("p.gz", gzip.compress(b"\0" * (80 << 20)), "more than 200 times its size"),
        ("p.gz", gzip.compress(gzip.compress(b"email\na@example.com\n")), "compressed twice"),
        ("p.tgz", gzip.compress(b"p.csv".ljust(257, b"\0") + b"ustar" + b"\0" * 300), "tar archive"),
        ("p.bin", random.Random(1).randbytes(5000), "no text"),
        ("p.csv", b"\n".join([b"x" * 100_000] * 3), "100|x{60}"),
    ],
    ids=(
        "cut-gzip",
        "zip",
        "empty-zip",
        "image",
        "xls",
        "no-address",
        "dates",
        "cut-array",
        "bomb",
        "gzip-twice",
        "tar",
        "random",
        "long-name",
    ),
)
def test_what_cannot_be_read_says_what_it_is(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    with pytest.raises((UnreadableFileError, MappingError), match=told):
        read(write(tmp_path / name, content))


def test_a_stated_encoding_that_is_wrong_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", "email\na@example.com\n")
    with pytest.raises(UnreadableFileError, match="not in the encoding utf-16"):
        read(path, encoding="utf-16")
    assert bodies(write(tmp_path / "q.csv", "sep=\nemail\na@example.com\n")) == [{"email": "a@example.com"}]
    assert bodies(write(tmp_path / "r.csv", b"\xef\xbb\xbf")) == []


@pytest.mark.parametrize(
    "shared", [{"tags": ["a,b"]}, {"tags": [""]}, {"groups": ["\0"]}, {"newsletters": ["x" * 500]}]
)
def test_words_that_no_line_could_have_are_refused_at_once(shared: dict[str, list[str]]) -> None:
    with pytest.raises(OptionError, match="number or key"):
        Asked(shared=shared)
    with pytest.raises(OptionError, match="characters"):
        Asked(wording=" ")


def test_of_columns_for_one_field_the_fuller_is_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", "email,E-Mail,phone\n,a@example.com,1\nx@example.com,b@example.com,2\n")
    source, _ = read(path)
    mapping = source.parts[0].mapping
    assert mapping is not None
    assert [str(column.target) for column in mapping.columns] == ["attribute:email", "email", "phone"]
    assert "could be email too" in (mapping.columns[0].note or "")


def test_a_stated_map_wins_and_can_be_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", 'A,B,"C,D",Email\na@example.com,pro,7,x@example.com\n')
    stated = parse_map("A=email,B=attribute:plan,C,,D=attribute:seats:number,Email=ignore")
    expected = [{"email": "a@example.com", "data": {"plan": "pro", "seats": 7}}]
    assert bodies(path, targets=stated) == expected
    source, _ = read(path, targets=stated)
    mapping = source.parts[0].mapping
    assert mapping is not None
    assert bodies(path, targets=parse_toml(write_toml(mapping))) == expected


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ("A=emial", "did you mean email"),
        ("A", "COLUMN=FIELD"),
        ("X=email", "no column 'X'"),
        ("A=email,B=email", "two columns"),
    ],
)
def test_a_map_that_cannot_be_used_says_why(tmp_path: Path, stated: str, told: str) -> None:
    path = write(tmp_path / "p.csv", "A,B\na@example.com,b\n")
    with pytest.raises(MappingError, match=told):
        read(path, targets=parse_map(stated))


def test_a_column_with_the_name_of_consent_and_other_words_is_an_attribute(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", "email,newsletter\na@example.com,weekly\n")
    assert bodies(path) == [{"email": "a@example.com", "data": {"newsletter": "weekly"}}]


def said(path: Path, **asked: Any) -> str:
    return " ".join(sentences(read(path, **asked)[0].parts[0]))


@pytest.mark.parametrize(
    ("content", "is_told"),
    [
        ("email,status\na@example.com,subscribed\nb@example.com,Unsubscribed\n", True),
        ("email,status\na@example.com,bounced\nb@example.com,\n", True),
        ("email,status\na@example.com,active\nb@example.com,no\n", False),
        ("email,status\na@example.com,unsubscribed\nb@example.com,gold\n", False),
        ("email,status,email status\na@example.com,unsubscribed,unsubscribed\n", False),
    ],
)
def test_a_column_that_may_be_about_consent_is_told(tmp_path: Path, content: str, is_told: bool) -> None:
    path = write(tmp_path / "p.csv", content)
    assert ('--map "status=consent_status"' in said(path)) is is_told
    assert "status" in bodies(path)[0]["data"]
    assert "status" not in bodies(path, targets=parse_map("status=consent_status"))[0].get("data", {})


def test_dates_in_both_orders_are_told_apart_only_if_each_value_tells_its_own(tmp_path: Path) -> None:
    both = "email,joined_at\na@example.com,13/01/2026\nb@example.com,01/14/2026\n"
    assert [each["joined_at"][:10] for each in bodies(write(tmp_path / "p.csv", both))] == ["2026-01-13", "2026-01-14"]
    path = write(tmp_path / "q.csv", f"{both}c@example.com,03/04/2026\n")
    with pytest.raises(MappingError, match="some values have the day first and some the month: say --date-order"):
        read(path)
    assert bodies(path, wishes=Wishes(order="mdy"))[2]["joined_at"][:10] == "2026-03-04"


def test_what_cannot_be_read_says_that_nothing_was_imported(tmp_path: Path) -> None:
    whole = gzip.compress(b"email\n" + b"".join(b"u%d@example.com\n" % number for number in range(20_000)))
    for name, content in (("p.csv.gz", whole[: len(whole) // 2]), ("p.png", b"\x89PNG\r\n\x1a\n\0\0")):
        with pytest.raises(UnreadableFileError, match=r"; nothing was imported$"):
            read(write(tmp_path / name, content))


def test_macros_are_told_of(tmp_path: Path) -> None:
    path = workbook(tmp_path / "p.xlsm", {"People": [["Email"], ["a@example.com"]]})
    assert "macros" not in said(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"code")
    assert "macros, which are not run" in said(path)
    assert bodies(path) == [{"email": "a@example.com"}]


def test_a_workbook_is_read_as_text(tmp_path: Path) -> None:
    path = workbook(tmp_path / "p.xlsx", {"People": [["Email", "Zip", "Joined"], ["a@example.com", "01067", 46000]]})
    assert bodies(path) == [
        {"email": "a@example.com", "joined_at": "2025-12-09T00:00:00+00:00", "data": {"zip": "01067"}}
    ]
    several = workbook(
        tmp_path / "q.xlsx", {"One": [["Email"], ["a@example.com"]], "Two": [["E-Mail"], ["b@example.com"]]}
    )
    with pytest.raises(UnreadableFileError, match="--sheet, of 'One', 'Two'"):
        read(several)
    assert bodies(several, sheet="Two") == [{"email": "b@example.com"}]


def test_a_workbook_in_an_archive_is_read(tmp_path: Path) -> None:
    inner = workbook(tmp_path / "p.xlsx", {"People": [["Email"], ["a@example.com"]]})
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.write(inner, "lists/p.xlsx")
        archive.writestr("lists/q.csv", "email\nb@example.com\n")
    assert bodies(tmp_path / "p.zip") == [{"email": "a@example.com"}, {"email": "b@example.com"}]
    with zipfile.ZipFile(tmp_path / "q.zip", "w") as archive:
        archive.writestr("p.xlsx", b"PK\x03\x04 and no more")
    with pytest.raises(UnreadableFileError, match="damaged or truncated"):
        read(tmp_path / "q.zip")


def workbook(path: Path, sheets: dict[str, list[list[str | int]]]) -> Path:
    """A small XLSX file."""
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    with zipfile.ZipFile(path, "w") as archive:
        parts = "".join(
            f'<Override PartName="/xl/worksheets/sheet{place}.xml" ContentType="{kinds}.worksheet+xml"/>'
            for place in range(1, len(sheets) + 1)
        )
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>{parts}</Types>',
        )
        relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        archive.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        names = "".join(
            f'<sheet name="{name}" sheetId="{place}" r:id="rId{place}"/>' for place, name in enumerate(sheets, 1)
        )
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>{names}</sheets></workbook>'
        )
        links = "".join(
            f'<Relationship Id="rId{place}" Type="{relations}/worksheet" Target="worksheets/sheet{place}.xml"/>'
            for place in range(1, len(sheets) + 1)
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{links}</Relationships>',
        )
        for place, rows in enumerate(sheets.values(), 1):
            body = "".join(
                "<row>"
                + "".join(
                    f'<c t="inlineStr"><is><t>{cell}</t></is></c>' if isinstance(cell, str) else f"<c><v>{cell}</v></c>"
                    for cell in row
                )
                + "</row>"
                for row in rows
            )
            archive.writestr(
                f"xl/worksheets/sheet{place}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>',
            )
    return path
