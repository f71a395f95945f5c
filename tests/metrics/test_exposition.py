"""What Prometheus reads is what was counted, in every process."""

import os
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from regulars.metrics import exposition, sharing
from regulars.metrics.catalogue import (
    INDEX_CUSTOMERS,
    INDEX_LOADS,
    LEDGER_QUEUE,
    METRICS,
    REQUESTS,
    Metric,
)
from regulars.metrics.counting import Metrics, Sample
from regulars.metrics.process import ProcessFigures


def shown(samples: list[Sample]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every line of the exposition, as Prometheus's own parser reads it."""
    text = exposition.expose(sharing.merge(samples)).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def counted(*seconds: float) -> Metrics:
    metrics = Metrics()
    for value in seconds:
        metrics.histogram(REQUESTS, "GET", "/v1/customers", "200").observe(value)
    return metrics


def test_a_histogram_is_cumulative_and_has_its_sum() -> None:
    found = shown(counted(0.0005, 0.001, 0.3, 99.0).samples())
    labels = (("method", "GET"), ("route", "/v1/customers"), ("status", "200"))
    name = REQUESTS.name
    below = {dict(key[1])["le"]: value for key, value in found.items() if key[0] == f"{name}_bucket"}
    assert (below["0.001"], below["0.25"], below["0.5"], below["10.0"], below["+Inf"]) == (2, 2, 3, 3, 4)
    assert found[f"{name}_count", labels] == 4
    assert found[f"{name}_sum", labels] == pytest.approx(99.3015)


def test_processes_add_up_and_the_dead_leave_their_counters(tmp_path: Path) -> None:
    mine = counted(0.1)
    mine.add_source(lambda: [(LEDGER_QUEUE, (), 2), (INDEX_CUSTOMERS, ("1",), 10), (INDEX_LOADS, ("store",), 1)])
    other = [
        *counted(0.2, 0.3).samples(),
        Sample(LEDGER_QUEUE.name, (), 3),
        Sample(INDEX_CUSTOMERS.name, ("1",), 12),
        Sample(INDEX_LOADS.name, ("store",), 4),
    ]
    alive, dead = tmp_path / f"{os.getppid()}.metrics", tmp_path / "4194303.metrics"
    for path in (alive, dead):
        sharing.write(tmp_path, other)
        (tmp_path / f"{os.getpid()}.metrics").rename(path)
    (tmp_path / "4194302.metrics").write_bytes(b"half a fi")
    sharing.write(tmp_path, mine.samples())

    found = shown([*mine.samples(), *sharing.read_others(tmp_path)])

    count = (f"{REQUESTS.name}_count", (("method", "GET"), ("route", "/v1/customers"), ("status", "200")))
    assert found[count] == 1 + 2 + 2
    assert found[INDEX_LOADS.name, (("source", "store"),)] == 1 + 4 + 4
    assert found[LEDGER_QUEUE.name, ()] == 2 + 3
    assert found[INDEX_CUSTOMERS.name, (("site", "1"),)] == 12


def test_this_process_is_measured() -> None:
    metrics = Metrics()
    metrics.add_source(ProcessFigures())
    found = shown(metrics.samples())
    assert found["process_resident_memory_bytes", ()] > 1_000_000
    assert found["process_cpu_seconds_total", ()] > 0
    assert [value for (name, _), value in found.items() if name == "regulars_build_info"] == [1]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_the_conventions(metric: Metric) -> None:
    name, kind = metric.name, metric.kind
    assert re.fullmatch(r"(regulars|process)_[a-z_]+", name)
    assert name.endswith("_total") == (kind == "counter")
    assert bool(metric.bounds) == (kind == "histogram")
    assert list(metric.bounds) == sorted(metric.bounds)
