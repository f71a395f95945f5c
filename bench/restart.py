"""A new process on a database that was there: its first answer, and its memory.

`python -m bench.restart FILE` opens the database, asks one question and prints [seconds, MB].
"""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

from bench.questions import QUESTIONS
from regulars.audience import Audience
from regulars.audience.snapshot_directory import SnapshotDirectory
from regulars.store.store import Store


def restarted(path: Path) -> tuple[float, float]:
    """(seconds to the first answer, MB in memory after it) of a new process; it leaves a snapshot if there was none."""
    found = subprocess.run(
        [sys.executable, "-m", "bench.restart", str(path)], stdout=subprocess.PIPE, text=True, check=True
    )
    seconds, megabytes = json.loads(found.stdout)
    return seconds, megabytes


def resident() -> float:
    """MB of memory that this process has now."""
    with Path("/proc/self/status").open(encoding="ascii") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


async def _restart(path: Path) -> tuple[float, float]:
    start = time.perf_counter()
    store = await Store.open(f"sqlite:///{path}")
    audience = Audience(
        store.changes, directory=SnapshotDirectory(Path(f"{path}.audience")), load_wait=3_600, index_memory=2**35
    )
    question = QUESTIONS[25]
    async with audience.ask(1, question.predicate(time.time_ns() // 1_000_000), sort=question.order) as found:
        assert found.numbers
    seconds = time.perf_counter() - start
    await asyncio.gather(*(each.reading for each in audience.loaded.values() if each.reading is not None))
    megabytes = resident()
    if not audience.restored:
        following = asyncio.create_task(audience.follow())
        while not audience.maintenance.saves:  # noqa: ASYNC110 -- a counter is what is looked at
            await asyncio.sleep(0.05)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    await audience.close()
    await store.close()
    return seconds, megabytes


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_restart(Path(sys.argv[1])))))
