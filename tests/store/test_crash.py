"""What was answered survives kill -9: the ledger is killed again and again on one file, and nothing is lost."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..effort import slow
from .crash_helper import Acknowledged, assert_kept
from .running import running

ROOT = Path(__file__).parents[2]


def live(path: Path, life: int, seconds: float) -> list[str]:
    """Run the writer for a while, kill it, and return what it had acknowledged."""
    command = [sys.executable, "-m", "tests.store.crash_writer", str(path), str(life)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        printed = child.stdout.read().decode()
    assert child.returncode == -signal.SIGKILL
    assert not printed or printed.endswith("\n")
    return printed.splitlines()


@pytest.mark.xdist_group("crash")
async def test_the_helper_sees_what_is_lost(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        await at.upsert(email="stay1-1@example.com", value=7, groups=["g"])
        kept = Acknowledged()
        kept.take(["put stay1-1@example.com 7"])
        assert_kept(at.path, kept)
        for lost in (
            "put stay1-1@example.com 8",
            "put stay1-2@example.com 1",
            "visit stay1-1@example.com 06743da2-9589-4c01-afda-e3d85e487fa7",
            "buy stay1-1@example.com 300",
        ):
            known = Acknowledged()
            known.take([lost])
            with pytest.raises(AssertionError):
                assert_kept(at.path, known)
        await at.upsert(email="stay1-1@example.com", value=8)
        assert_kept(at.path, kept)


async def prepare(folder: Path) -> Path:
    async with running(folder):
        pass
    return folder / "test.db"


@pytest.mark.xdist_group("crash")
@pytest.mark.parametrize("lives", [3, slow(50)])
async def test_an_acknowledged_write_survives_the_kill_of_its_writer(lives: int, tmp_path: Path) -> None:
    path = await prepare(tmp_path)
    chance = random.Random()
    acknowledged = Acknowledged()
    for life in range(1, lives + 1):
        acknowledged.take(live(path, life, chance.uniform(0.05, 0.3)))
        if life % 10 == 0 or life == lives:
            assert_kept(path, acknowledged)
    assert acknowledged.count > lives * 10, "the writer was killed before it could write anything worth the test"
