"""What is read for an export of customers."""

from pathlib import Path

import pytest

from regulars.exporting.attribute_columns import attribute_columns
from regulars.exporting.customer_columns import COLUMNS
from regulars.exporting.customer_table import ATTRIBUTES, FIELDS, CustomerTable
from regulars.exporting.export import Export, ExportRequest, table_of
from regulars.exporting.formats import Csv, Ndjson
from regulars.exporting.presets import PRESET_NAMES, PRESETS
from regulars.exporting.reading import read_people
from regulars.store.export_reads import ALL_PARTS

from ..databases import ENGINES
from .rich_site import fill, open_store

REQUESTS = [
    ExportRequest(format="csv"),
    ExportRequest(format="ndjson"),
    *(ExportRequest(format="csv", fields=(name,)) for name in FIELDS),
    *(ExportRequest(format="ndjson", fields=("email", name)) for name in FIELDS),
    *(ExportRequest(format="csv", preset=name) for name in PRESET_NAMES),
]


def has_columns(request: ExportRequest) -> bool:
    """Whether each attribute has a column."""
    is_named = request.fields is None or ATTRIBUTES in request.fields
    return request.format == "csv" and request.preset is None and is_named


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_an_export_leaves_unread_is_not_in_it(engine: str, tmp_path: Path) -> None:
    async with open_store(tmp_path, engine) as at:
        await fill(at)
        async with at.store.snapshot() as connection:
            everything = [each async for people in read_people(connection, 1) for each in people]
            assert any(tie.relation.startswith("broadcast.") for each in everything for tie in each.ties)
            attributes = await attribute_columns(connection, 1, None)
            shown = set()
            for request in REQUESTS:
                export = Export(connection, 1, request)
                found = b"".join([chunk async for chunk in export.chunks()])
                table = table_of(request, attributes if has_columns(request) else ())
                if request.format == "ndjson":
                    expected = Ndjson(table).slice(everything)
                else:
                    preset = PRESETS.get(request.preset) if request.preset else None
                    written = Csv(table, delimiter=preset.delimiter if preset else ",")
                    expected = written.head() + written.slice(everything)
                assert found == expected, request
                if request.fields is not None and len(set(expected.splitlines())) > 2:
                    shown.add(request.fields[-1])
            made_of_others = {each.name for each in COLUMNS if each.relation is not None or each.form == "evidence"}
            assert len(shown & made_of_others) > len(made_of_others) / 2


def test_only_lines_need_everything() -> None:
    table = CustomerTable()
    assert table.parts(as_lines=True) == ALL_PARTS
    assert table.parts(as_lines=False) == {"ties", "consents"}
    assert CustomerTable(["email", "name", "attributes.plan"]).parts(as_lines=True) == frozenset()
    assert CustomerTable(["ties"]).parts(as_lines=False) == {"ties", "mail_ties"}
