"""What is exported and imported into an empty store is there again, on both engines, each way."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from regulars.checking import check_site
from regulars.exporting.comparing import content_differences
from regulars.exporting.export import Export, ExportKind, ExportRequest
from regulars.importing.importer import Import, Summary
from regulars.importing.lines import Line
from regulars.importing.parsing import line_parser
from regulars.store.store import Store

from ..databases import ENGINES
from ..store.running import Running
from .rich_site import fill, open_store

WAYS = [(one, other) for one in ENGINES for other in ENGINES]


async def exported(store: Store, kind: ExportKind, numbers: Sequence[int] | None = None) -> list[bytes]:
    async with store.snapshot() as connection:
        chunks = [chunk async for chunk in Export(connection, 1, ExportRequest(kind=kind), numbers).chunks()]
    return b"".join(chunks).splitlines(keepends=True)


async def imported(store: Store, kind: ExportKind, lines: Sequence[bytes]) -> Summary:
    refused: list[str] = []
    into = "activity" if kind in ("activity", "logs") else "customers"
    work = Import(
        store,
        1,
        line_parser(into, store.limits),  # type: ignore[arg-type]
        on_reject=lambda line, refusal: refused.append(f"{line.number}: {refusal.sentence} {line.raw!r}"),
    )
    found = await work.run(Line(number, raw) for number, raw in enumerate(lines, 1))
    assert refused == []
    return found


async def differences(one: Store, other: Store) -> list[str]:
    async with one.snapshot() as left, other.snapshot() as right:
        return await content_differences(left, right, [1])


@pytest.mark.parametrize(("source", "target"), WAYS)
async def test_an_export_restores_a_site(source: str, target: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with open_store(tmp_path / "one", source) as at, open_store(tmp_path / "two", target) as other:
        await fill(at)
        assert await differences(at.store, other.store) != []
        files = {kind: await exported(at.store, kind) for kind in ("customers", "activity", "logs", "consents")}
        for member in ("newsletter_consents", "consent_requests", "confirmed_at", "deleted", "aliases"):
            assert f'"{member}":'.encode() in b"".join(files["customers"]), member
        for kind, lines in files.items():
            assert lines, kind
            await imported(other.store, kind, lines)  # type: ignore[arg-type]
        await explain(at, other)
        assert await differences(at.store, other.store) == []
        heads = other.head()
        for kind, lines in files.items():
            found = await imported(other.store, kind, lines)  # type: ignore[arg-type]
            assert found.unchanged == len(lines), (kind, found)
        assert other.head() == heads
        assert (await check_site(other.store, 1)).problems == []


async def test_the_evidence_alone_restores_the_evidence(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with open_store(tmp_path / "one", "sqlite") as at, open_store(tmp_path / "two", "sqlite") as other:
        await fill(at)
        lines = await exported(at.store, "consents")
        for _ in range(2):
            await imported(other.store, "consents", lines)
            assert await evidence_of(other) == await evidence_of(at)
        assert len([line for line in await evidence_of(at) if "newsletter_consents" in line]) > 3


async def evidence_of(at: Running) -> list[str]:
    """The lines of the evidence, without that about deleted newsletters, which no import restores."""
    lines = [line for line in await exported(at.store, "consents") if b'"deleted":true' not in line]
    return sorted(re.sub(r"'newsletter': \d+, ", "", str(_bare(msgspec.json.decode(line)))) for line in lines)


async def explain(one: Running, other: Running) -> None:
    """Show the lines that differ: pytest prints them if the test fails."""
    for kind in ("customers", "activity", "logs", "consents"):
        sides = [await exported(each.store, kind) for each in (one, other)]
        left, right = (sorted(str(_bare(msgspec.json.decode(line))) for line in side) for side in sides)
        for sign, mine, theirs in (("-", left, right), ("+", right, left)):
            for line in [each for each in mine if each not in theirs][:3]:
                print(kind, sign, line[:2000])


def _bare(value: Any) -> Any:
    """A line without what a store numbers."""
    if isinstance(value, dict):
        return {name: _bare(each) for name, each in value.items() if name not in ("regulars_id", "log_id", "ref")}
    return [_bare(each) for each in value] if isinstance(value, list) else value
