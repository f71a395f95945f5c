"""Imports of tables: customers from CSV beside NDJSON, how long a table is recognised, and a spreadsheet."""

import asyncio
import csv
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from bench import data
from bench.report import Figure
from regulars.cli import sample
from regulars.importing.grouping import repeated_customers
from regulars.importing.importer import Import
from regulars.importing.inputs import open_input
from regulars.importing.parsing import line_parser
from regulars.store.store import Store

HEADER = ("Email", "Customer ID", "First name", "Last name", "Language", "City", "State", "Country", "Zip", "Plan")
SHEET_ROWS = 100_000


def imported(folder: Path, count: int) -> list[Figure]:
    """The same customers from both formats; recognising as many records; a spreadsheet of SHEET_ROWS at most."""
    lines, table, sheet = folder / "people.ndjson", folder / "people.csv", folder / "people.xlsx"
    with lines.open("wb") as file:
        file.writelines(line.raw + b"\n" for line in data.customers(count))
    with table.open("w", newline="", encoding="utf-8") as text:
        writer = csv.writer(text)
        writer.writerow(HEADER)
        writer.writerows(rows(count))
    ndjson, _ = _import(folder, lines)
    from_csv, recognised = _import(folder, table)
    few = min(count, SHEET_ROWS)
    write_sheet(sheet, few)
    from_sheet, _ = _import(folder, sheet)
    limit, note = 2 * count / 1e6, f"{count:,} customers"
    sheet_limit, sheet_note = 60 * few / SHEET_ROWS, f"{few:,} rows"
    return [
        Figure("import of a CSV file", count / from_csv, "/s", "of NDJSON", count / ndjson, 0.8, note=note),
        Figure("recognising a CSV file", recognised, "s", "2 s a million", limit, 1, at_least=False, note=note),
        Figure(
            *("import of a spreadsheet", from_sheet, "s", f"60 s for {SHEET_ROWS:,} rows", sheet_limit, 1),
            at_least=False,
            note=sheet_note,
        ),
    ]


def rows(count: int) -> Iterator[list[str]]:
    """Rows of a table of customers."""
    now = time.time_ns() // 1_000_000
    for number in range(1, count + 1):
        body = sample.customer(number, now=now)
        names = ("email", "customer_id", "firstname", "lastname", "locale")
        yield [
            *(body[name] for name in names),
            *(body["data"][name] for name in ("city", "state", "country", "zip", "plan")),
        ]


def _import(folder: Path, file: Path) -> tuple[float, float]:
    """Seconds of a whole import as the command does it, and those until the table was recognised."""
    url = data.url_of(folder / f"import-{file.suffix[1:]}.db")
    site, _ = data.new_database(url)

    async def run() -> tuple[float, float]:
        store = await Store.open(url, largest_batch=2000)
        try:
            began = time.perf_counter()
            with open_input(str(file)) as source:
                recognised = time.perf_counter() - began
                repeated = await repeated_customers(source)
                await Import(store, site, line_parser("customers", store.limits), repeated=repeated).run(source)
            return time.perf_counter() - began, recognised
        finally:
            await store.close()

    return asyncio.run(run())


def write_sheet(path: Path, count: int) -> None:
    """A spreadsheet with texts in its cells."""
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    types = (("/xl/workbook.xml", f"{kinds}.sheet.main+xml"), ("/xl/sheet.xml", f"{kinds}.worksheet+xml"))
    overrides = "".join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in types)
    relations = "application/vnd.openxmlformats-package.relationships+xml"
    default = f'<Default Extension="rels" ContentType="{relations}"/>'

    def related(kind: str, target: str) -> str:
        relation = f'<Relationship Id="rId1" Type="{office}/{kind}" Target="{target}"/>'
        return f'<Relationships xmlns="{package}/relationships">{relation}</Relationships>'

    sheets = '<sheets><sheet name="People" sheetId="1" r:id="rId1"/></sheets>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">{default}{overrides}</Types>',
        "_rels/.rels": related("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}">{sheets}</workbook>',
        "xl/_rels/workbook.xml.rels": related("worksheet", "sheet.xml"),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        with archive.open("xl/sheet.xml", "w") as file:
            file.write(f'<worksheet xmlns="{main}"><sheetData>'.encode())
            for row in (HEADER, *rows(count)):
                cells = "".join(f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' for cell in row)
                file.write(f"<row>{cells}</row>".encode())
            file.write(b"</sheetData></worksheet>")
