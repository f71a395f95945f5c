"""Undoing an import on each engine."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from regulars.exporting.export import Export, ExportRequest
from regulars.importing.importer import Import
from regulars.importing.lines import Line
from regulars.importing.parsing import line_parser
from regulars.importing.recording import Recording
from regulars.importing.undoing import Undo
from regulars.store.store import Store

from ..databases import ENGINES
from ..exporting.rich_site import open_store


async def imported(store: Store, bodies: list[dict[str, Any]]) -> Recording:
    recording = await Recording.begin(store, 1, kind="customers", file="people", origin="a test")
    lines = [Line(number, msgspec.json.encode(body)) for number, body in enumerate(bodies, 1)]
    await Import(store, 1, line_parser("customers", store.limits), recording=recording, repeated={}).run(lines)
    return recording


async def addresses(store: Store) -> dict[str, str]:
    async with store.snapshot() as connection:
        chunks = [chunk async for chunk in Export(connection, 1, ExportRequest()).chunks()]
    found = map(msgspec.json.decode, b"".join(chunks).splitlines())
    return {each["customer_id"]: each["email"] for each in found}


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_ring_of_addresses_is_undone(engine: str, tmp_path: Path) -> None:
    async with open_store(tmp_path, engine) as at:
        await imported(at.store, [{"customer_id": each, "email": f"{each}@x.org"} for each in "abcd"])
        before = await addresses(at.store)
        ring = [{"customer_id": one, "email": f"{other}@x.org"} for one, other in zip("abc", "bca", strict=True)]
        moved = {"customer_id": "d", "email": "new@x.org"}
        recording = await imported(at.store, [*ring, moved])
        assert (await addresses(at.store))["a"] == "b@x.org"
        summary = await Undo(at.store, 1, recording.record).run()
        assert (summary.restored, summary.skipped, summary.examples) == (4, 0, [])
        assert await addresses(at.store) == before
