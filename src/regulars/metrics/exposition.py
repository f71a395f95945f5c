"""Exposition: renders samples in the Prometheus text format."""

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from regulars.metrics.catalogue import METRICS, Metric
from regulars.metrics.counting import Sample

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def expose(samples: Iterable[Sample]) -> bytes:
    """Render samples, one per metric and set of labels, with the help text of each metric."""
    registry = CollectorRegistry()
    registry.register(_Samples(samples))
    return generate_latest(registry)


class _Samples(Collector):
    def __init__(self, samples: Iterable[Sample]) -> None:
        self._by_metric: dict[str, list[Sample]] = {}
        for sample in samples:
            self._by_metric.setdefault(sample.metric, []).append(sample)

    def collect(self) -> Iterator[Family]:
        for metric in METRICS:
            yield _family(metric, sorted(self._by_metric.get(metric.name, ()), key=lambda sample: sample.labels))

    def describe(self) -> list[Family]:
        return []


def _family(metric: Metric, samples: list[Sample]) -> Family:
    if metric.kind == "histogram":
        histograms = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        bounds = [*map(str, metric.bounds), "+Inf"]
        for sample in samples:
            buckets = list(zip(bounds, map(float, accumulate(sample.buckets)), strict=True))
            histograms.add_metric(sample.labels, buckets, sample.value)
        return histograms
    if metric.kind == "counter":
        counters = CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        for sample in samples:
            counters.add_metric(sample.labels, sample.value)
        return counters
    gauges = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for sample in samples:
        gauges.add_metric(sample.labels, sample.value)
    return gauges
