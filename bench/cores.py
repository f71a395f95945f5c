"""Cores that are never idle, so that what is measured has the same machine whatever else it leaves unused."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

_LOOP: Final = "import os\nos.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True:\n    pass"


@contextlib.contextmanager
def busy_cores() -> Iterator[None]:
    """A loop on each core, which runs only while nothing else wants to, until the block ends."""
    loops = [subprocess.Popen([sys.executable, "-c", _LOOP]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
