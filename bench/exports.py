"""Exports: customers of a site as NDJSON and CSV, without writing the file."""

import asyncio
import gc
import time
from pathlib import Path

from bench import data
from bench.report import Figure
from regulars.exporting.export import Export, ExportRequest
from regulars.exporting.formats import FormatName
from regulars.store.store import Store

WANTED = 50_000
"""Customers a second."""


def exported(folder: Path, count: int) -> list[Figure]:
    """The rate of each format, and by how much the memory of the process grows."""
    url = data.url_of(folder / "export.db")
    site, _ = data.new_database(url)
    data.import_customers(url, site, data.customers(count))
    figures = []
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)  # as the command does
    for name in ("ndjson", "csv"):
        before = _resident()
        seconds = asyncio.run(_seconds(url, site, name))
        note = f"{count:,} customers, memory {(_resident() - before) // 1024:+,} MB"
        figures.append(Figure(f"export as {name}", count / seconds, "/s", "wanted", WANTED, 1, note=note))
    gc.set_threshold(*usual)
    return figures


async def _seconds(url: str, site: int, name: FormatName) -> float:
    store = await Store.open(url)
    try:
        async with store.snapshot() as connection:
            began = time.perf_counter()
            async for _ in Export(connection, site, ExportRequest(format=name)).chunks():
                pass
            return time.perf_counter() - began
    finally:
        await store.close()


def _resident() -> int:
    """The memory of this process (KB)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4
