"""Logs, in processes of their own: which lines are written, where, and that no value of a variable is among them."""

import os
import subprocess
import sys
import time
from typing import Final

import pytest

from regulars import rate_counters
from regulars.logs import LEVELS, LossyStream

PROGRAM: Final = """
import logging, sys, structlog
from regulars.logs import configure_logging
ours, theirs = structlog.get_logger("ours"), logging.getLogger("theirs")
configure_logging(sys.argv[1])
for level in ("debug", "info", "warning", "error"):
    getattr(ours, level)(f"ours {level}", key="value")
    getattr(theirs, level)("theirs %s", level)
def fail(secret):
    raise ValueError("said")
for log in (ours, theirs):
    try:
        fail("rg_" + "s" * 20)
    except ValueError:
        log.exception("failed")
"""


@pytest.mark.parametrize("level", LEVELS)
def test_lines_from_a_level_on_go_to_standard_error_without_the_values_of_variables(level: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, level], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    names = [*LEVELS]
    for each in names:
        is_told = names.index(each) >= names.index(level)
        assert (f"ours {each}" in done.stderr, f"theirs {each}" in done.stderr) == (is_told, is_told)
    assert done.stderr.count("ValueError: said") == 2
    assert "s" * 20 not in done.stderr


def test_a_stream_that_cannot_be_written_drops_lines() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        stream = LossyStream(full)
        assert stream.write("x" * 100_000) == 100_000
        stream.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


_WORKER: Final = """
import sys
from regulars.logs import configure_logging, unavailable
configure_logging()
for _ in range(5):
    unavailable.warning("away")
"""


def test_all_workers_together_log_one_line_a_second() -> None:
    with rate_counters.shared_file():
        workers = [
            subprocess.Popen([sys.executable, "-c", _WORKER], stderr=subprocess.PIPE, text=True) for _ in range(3)
        ]
        began = time.monotonic()
        lines = sum(worker.communicate()[1].count("away") for worker in workers)
        assert 1 <= lines <= 1 + time.monotonic() - began
