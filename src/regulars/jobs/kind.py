"""Job kinds: name, handler, timeout and number of attempts."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from regulars.audience.service import Audience
from regulars.settings import Settings
from regulars.store.jobs import Job
from regulars.store.store import Store


class CancelledJobError(Exception):
    """Cancellation of the job was requested; completed work is kept."""


class FinalError(Exception):
    """The job cannot succeed and is not retried; the message gives the reason in one sentence."""


class Context(Struct, frozen=True):
    """The context for handlers. clock: returns the time in ms. saved_change: returns the last change in this process's
    snapshot of a site's index, None if it has none. audience: answers questions."""

    store: Store
    settings: Settings
    clock: Callable[[], int]
    saved_change: Callable[[int], int | None]
    audience: Audience


class Work(Struct, frozen=True):
    """One run of a handler.

    tell: records progress as (done, total), in units that depend on the kind; total may be None. Handlers call it
    about once a second. It raises CancelledJobError if the job must stop, and LeaseLostError if another process has it.
    """

    job: Job
    context: Context
    tell: Callable[[int, int | None], Awaitable[None]]


Handler = Callable[[Work], Awaitable[dict[str, Any] | None]]
"""Does the work and returns the result, which is stored as JSON. After a failure it may run again from the start."""


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of job. every: seconds between runs of a recurring job. timeout: time limit of a run in seconds.

    attempts: how often it is started before it counts as failed. again: given the result of a run, the seconds until
    the next one, None for `every`. is_alone: it may go on for long, so each process has a runner for it.
    """

    name: str
    meaning: str
    handler: Handler
    every: float | None = None
    timeout: float = 3_600
    attempts: int = 5
    again: Callable[[dict[str, Any]], float | None] | None = None
    is_alone: bool = False
