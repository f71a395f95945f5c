"""What a kind of job is: its name, its handler, and how long and how often it may try."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from regulars.settings import Settings
from regulars.store.jobs import Job
from regulars.store.store import Store


class CancelledJobError(Exception):
    """Somebody asked to cancel the job; what it has done stays."""


class FinalError(Exception):
    """The job cannot succeed, for the reason given in one sentence: it is not tried again."""


class Context(Struct, frozen=True):
    """What handlers work with. clock: the time in ms. saved_change: the change up to which this process has a snapshot
    of a site's index, None if it has none."""

    store: Store
    settings: Settings
    clock: Callable[[], int]
    saved_change: Callable[[int], int | None]


class Work(Struct, frozen=True):
    """One run of a handler.

    tell: stores how far the job is, as (done, total) in units of its kind; total may be None. Handlers call it between
    steps of a second or so: it raises CancelledJobError when the job is to stop, and LeaseLostError when another
    process has it.
    """

    job: Job
    context: Context
    tell: Callable[[int, int | None], Awaitable[None]]


Handler = Callable[[Work], Awaitable[dict[str, Any] | None]]
"""Does the work and returns the result, which is kept as JSON. After a failure it may run again from the beginning."""


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of job. every: seconds between the runs of one that recurs. timeout: seconds that a run may take.

    attempts: how often it is begun before it counts as failed.
    """

    name: str
    meaning: str
    handler: Handler
    every: float | None = None
    timeout: float = 3_600
    attempts: int = 5
