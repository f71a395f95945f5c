"""Sharing: each server process writes its metrics to a shared folder; the process that is queried aggregates them.

The counters of a process that has ended are kept, since counters must never decrease; its gauges are dropped.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from regulars.metrics.catalogue import METRICS
from regulars.metrics.counting import Sample

FOLDER_VARIABLE: Final = "_REGULARS_METRICS_FOLDER"
"""The environment variable through which the parent process passes the shared folder to its workers."""

_SUFFIX: Final = ".metrics"
_KINDS: Final = {metric.name: metric for metric in METRICS}
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Sample]).decode


@contextmanager
def shared_folder() -> Iterator[None]:
    """Let processes started within the block share metrics."""
    with tempfile.TemporaryDirectory(prefix="regulars-metrics-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER_VARIABLE]


def folder_of_this_server() -> Path | None:
    """The shared folder of this server's processes; None for a single process."""
    folder = os.environ.get(FOLDER_VARIABLE)
    return None if folder is None else Path(folder)


def write(folder: Path, samples: Sequence[Sample]) -> None:
    """Write this process's metrics atomically. Raises OSError."""
    mine = folder / f"{os.getpid()}{_SUFFIX}"
    new = mine.with_suffix(".new")
    new.write_bytes(_encode(samples))
    new.replace(mine)


def read_others(folder: Path) -> Iterator[Sample]:
    """The latest metrics of the other processes: all metrics of live ones, only counters of those that have ended."""
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        process = int(path.stem)
        if process == os.getpid():
            continue
        alive = _is_alive(process)
        with suppress(OSError, msgspec.DecodeError):
            yield from (
                sample
                for sample in _decode(path.read_bytes())
                if alive or (sample.metric in _KINDS and _KINDS[sample.metric].kind != "gauge")
            )


def merge(samples: Iterable[Sample]) -> list[Sample]:
    """Merge samples into one per metric and set of labels."""
    merged: dict[tuple[str, tuple[str, ...]], Sample] = {}
    for sample in samples:
        key = (sample.metric, sample.labels)
        other = merged.get(key)
        merged[key] = sample if other is None else _merged(sample, other)
    return list(merged.values())


def _merged(one: Sample, other: Sample) -> Sample:
    join = max if _KINDS[one.metric].merge == "max" else float.__add__
    buckets = tuple(a + b for a, b in zip(one.buckets, other.buckets, strict=True))
    return Sample(one.metric, one.labels, join(float(one.value), float(other.value)), buckets)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
