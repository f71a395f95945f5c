"""Counting in one process: plain numbers in memory, so that counting costs a request less than a microsecond."""

from bisect import bisect_left
from collections.abc import Callable, Iterable

from msgspec import Struct

from regulars.metrics.catalogue import METRICS, Metric

Labels = tuple[str, ...]


class Histogram:
    """The number of values in each bucket, and their sum. The last bucket has no upper bound."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value, in the unit of the metric."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value


class Sample(Struct, frozen=True, array_like=True):
    """A metric's value for one set of labels. buckets: counts of a histogram's buckets, of which `value` is the sum."""

    metric: str
    labels: Labels
    value: float
    buckets: tuple[int, ...] = ()


Source = Callable[[], Iterable[tuple[Metric, Labels, float]]]
"""A function that reads values on demand: counters and gauges that another component already keeps."""


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self._histograms: dict[tuple[str, Labels], Histogram] = {}
        self._bounds = {metric.name: metric.bounds for metric in METRICS}
        self._sources: list[Source] = []

    def histogram(self, metric: Metric, *labels: str) -> Histogram:
        """The histogram for one set of labels; keep a reference if it is used often."""
        key = (metric.name, labels)
        found = self._histograms.get(key)
        if found is None:
            found = self._histograms[key] = Histogram(metric.bounds)
        return found

    def add_source(self, source: Source) -> None:
        """Register a function whose values are included in every reading."""
        self._sources.append(source)

    def samples(self) -> list[Sample]:
        """All current samples."""
        found = [
            Sample(name, labels, histogram.sum, tuple(histogram.counts))
            for (name, labels), histogram in self._histograms.items()
        ]
        for source in self._sources:
            found.extend(Sample(metric.name, labels, value) for metric, labels, value in source())
        return found
