"""Process metrics from the operating system, read through the library prometheus-client."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import ProcessCollector

from regulars import __version__
from regulars.metrics.catalogue import BUILD, CPU, FILES, MEMORY, STARTED, Metric

_SHOWN: Final = {metric.name: metric for metric in (CPU, MEMORY, FILES, STARTED)}


class ProcessFigures:
    """CPU time, memory and open files of this process, and its software version."""

    def __init__(self) -> None:
        self._collector = ProcessCollector(registry=None)

    def __call__(self) -> Iterator[tuple[Metric, tuple[str, ...], float]]:
        """The current values."""
        yield BUILD, (__version__,), 1.0
        for family in self._collector.collect():
            for sample in family.samples:
                metric = _SHOWN.get(sample.name)
                if metric is not None:
                    yield metric, (), sample.value
