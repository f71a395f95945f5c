"""The catalogue of metrics: one row each, from which exposition, docs and tests are derived.

Names and units follow the Prometheus conventions: base units, `_total` for counters. No label ever contains an
address, a key or other text from a caller.
"""

from typing import Final, Literal

from msgspec import Struct

Kind = Literal["counter", "gauge", "histogram"]
Merge = Literal["sum", "max"]

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


class Metric(Struct, frozen=True):
    """One metric. merge: how to combine a gauge's values from several processes; counters and histograms are summed.

    bounds: upper bounds of a histogram's buckets, in the unit given by the name's suffix.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    merge: Merge = "sum"
    bounds: tuple[float, ...] = ()


REQUESTS: Final = Metric(
    "regulars_http_request_duration_seconds",
    "histogram",
    ("method", "route", "status"),
    "Time from the headers of a request to the end of its response.",
    bounds=SECONDS,
)
QUESTIONS: Final = Metric(
    "regulars_question_duration_seconds",
    "histogram",
    (),
    "Time to answer a query about customers: index, total and rows of the page.",
    bounds=(0.00025, 0.0005, *SECONDS),
)
COMMIT_SECONDS: Final = Metric(
    "regulars_ledger_commit_duration_seconds",
    "histogram",
    (),
    "Duration of a write transaction, from its lock to its commit on disk.",
    bounds=SECONDS,
)
BATCH_SIZE: Final = Metric(
    "regulars_ledger_batch_size", "histogram", (), "Commands per write transaction.", bounds=SIZES
)
LEDGER_QUEUE: Final = Metric("regulars_ledger_queue", "gauge", (), "Commands waiting for a write transaction.")
INDEX_LOADS: Final = Metric(
    "regulars_index_loads_total", "counter", ("source",), "Indexes loaded, from a snapshot or from the database."
)
INDEX_REBUILDS: Final = Metric(
    "regulars_index_rebuilds_total", "counter", (), "Indexes that could not be updated and were reloaded."
)
INDEX_CHANGES: Final = Metric("regulars_index_changes_applied_total", "counter", (), "Changes applied to indexes.")
INDEX_BYTES: Final = Metric("regulars_index_bytes", "gauge", ("site",), "Memory used by a loaded index, in bytes.")
INDEX_CUSTOMERS: Final = Metric(
    "regulars_index_customers", "gauge", ("site",), "Customers in a loaded index.", merge="max"
)
INDEX_LAG: Final = Metric(
    "regulars_index_lag_changes",
    "gauge",
    ("site",),
    "How many changes a loaded index was behind the database when it was last updated.",
    merge="max",
)
LOOP_LAG: Final = Metric(
    "regulars_event_loop_lag_seconds",
    "gauge",
    (),
    "The longest event loop delay in the last minute.",
    merge="max",
)
IN_PROGRESS: Final = Metric("regulars_http_requests_in_progress", "gauge", (), "Requests in progress.")
STALLS: Final = Metric(
    "regulars_event_loop_stalls_total",
    "counter",
    (),
    "How often the event loop was blocked for more than 250 ms.",
)
JOBS: Final = Metric("regulars_jobs", "gauge", ("state",), "Background jobs by state.", merge="max")
BUILD: Final = Metric(
    "regulars_build_info", "gauge", ("version",), "The running version. The value is always 1.", merge="max"
)
CPU: Final = Metric("process_cpu_seconds_total", "counter", (), "CPU time used by all server processes.")
MEMORY: Final = Metric("process_resident_memory_bytes", "gauge", (), "Resident memory of all server processes.")
FILES: Final = Metric("process_open_fds", "gauge", (), "Open files and connections of all server processes.")
STARTED: Final = Metric(
    "process_start_time_seconds",
    "gauge",
    (),
    "Start time of the newest server process, in Unix seconds.",
    merge="max",
)

METRICS: Final[tuple[Metric, ...]] = (
    REQUESTS, QUESTIONS, COMMIT_SECONDS, BATCH_SIZE, LEDGER_QUEUE, INDEX_LOADS, INDEX_REBUILDS, INDEX_CHANGES,
    INDEX_BYTES, INDEX_CUSTOMERS, INDEX_LAG, LOOP_LAG, STALLS, IN_PROGRESS, JOBS, BUILD, CPU, MEMORY, FILES, STARTED,
)  # fmt: skip
"""All metrics, in order of exposition."""
