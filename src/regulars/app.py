"""The application: starts the store, the audience and the HTTP surfaces, and shuts them down in order."""

import asyncio
import contextlib
import gc
import sys
from collections.abc import AsyncIterator
from typing import Final

import structlog
from starlette.types import Receive, Scope, Send

from regulars.audience.attribute_survey import AttributeSurveys
from regulars.audience.service import Audience
from regulars.audience.snapshot_directory import SnapshotDirectory
from regulars.domain import libraries
from regulars.domain.limits import Limits
from regulars.domain.moments import now_ms
from regulars.http.access_log import AccessLog
from regulars.http.body_memory import BodyMemory
from regulars.http.gate import Gate
from regulars.http.keyring import Keyring
from regulars.http.observation import Observation, observe_audience, observe_ledger, observe_loop
from regulars.http.operations import served
from regulars.http.sealed_tokens import Sealer
from regulars.http.services import Services
from regulars.http.signed_links import SignedLinks
from regulars.jobs.kind import Context
from regulars.jobs.kinds import KINDS
from regulars.jobs.runner import Runner
from regulars.logs import configure_logging, unavailable
from regulars.metrics.service import MetricsService
from regulars.metrics.sharing import folder_of_this_server
from regulars.rate_counters import RateCounters
from regulars.server.protocol_errors import REFUSED
from regulars.settings import Settings
from regulars.stalls import StallWatch
from regulars.store import control
from regulars.store.engine import ReplacedError, UnavailableError
from regulars.store.store import Store

_WATCH_SECONDS: Final = 0.5
_FLUSH_SECONDS: Final = 60
_TURN: Final = 0.0005
"""Seconds that a thread may run while another one waits for the interpreter.

A request lets the interpreter go for each row that it reads, and gets it back a turn later while an import or the index
is at work on another thread.
"""
_log = structlog.get_logger("regulars.app")


class Application:
    """The ASGI application of one process. gate: what answers requests, with the services from startup on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.gate = Gate(served(settings))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, report a malformed one, or serve the process's lifespan."""
        if scope["type"] == "http":
            await self.gate(scope, receive, send)
        elif scope["type"] == REFUSED:
            await self.gate.refuse(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with contextlib.AsyncExitStack() as stack:
            try:
                self.gate.services = await stack.enter_async_context(services(self._settings))
            except Exception as error:
                _log.error("the server cannot start", reason=str(error))
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


@contextlib.asynccontextmanager
async def services(settings: Settings) -> AsyncIterator[Services]:
    """Open everything that a server needs, keep it running, and close it in order, after all acknowledged writes."""
    store = await Store.open(
        settings.database,
        connections=settings.database_connections,
        capacity=settings.queue_capacity,
        limits=Limits(email=settings.email_limit, attributes=settings.attributes_limit),
        must_exist=True,  # a worker that is replaced must not begin an empty one where somebody deleted it
        has_outbox=settings.has_outbox,
    )
    await store.engine.warm()
    directory = None if settings.snapshots is None else SnapshotDirectory(settings.snapshots)
    audience = Audience(
        store.changes, index_memory=settings.index_memory, directory=directory, on_follow_error=_not_followed
    )
    surveys = AttributeSurveys(store.changes)
    keyring = Keyring(store, now_ms)
    async with store.snapshot() as connection:
        secret = await control.secret(connection)
    cursors, links = Sealer(secret, "cursor"), SignedLinks(secret)
    rates = RateCounters.open()
    libraries.load_all()  # before anybody waits for them
    settle_garbage_collection()
    stalls = StallWatch()
    context = Context(store, settings, now_ms, lambda site: _saved_change(directory, site), audience)
    metrics = MetricsService(folder_of_this_server())
    observation = Observation(
        metrics.here,
        AccessLog(settings.log_format) if settings.access_log == "on" else None,
        slow_ms=settings.slow_question_ms,
    )
    observe_ledger(metrics.here, store.ledger)
    observe_audience(metrics.here, audience)
    observe_loop(metrics.here, stalls)
    runners = [Runner(context, [kind for kind in KINDS if not kind.is_alone])]
    runners += (Runner(context, [kind]) for kind in KINDS if kind.is_alone)

    def wake_jobs() -> None:
        for runner in runners:
            runner.wake()

    tasks = [
        asyncio.create_task(metrics.publish()),
        asyncio.create_task(stalls.watch()),
        asyncio.create_task(audience.follow()),
        asyncio.create_task(_watch_files(store)),
        asyncio.create_task(_flush_now_and_then(keyring)),
        *(asyncio.create_task(runner.run()) for runner in runners),
    ]
    try:
        yield Services(
            settings=settings,
            store=store,
            audience=audience,
            surveys=surveys,
            keyring=keyring,
            bodies=BodyMemory(settings.bodies_memory),
            cursors=cursors,
            links=links,
            rates=rates,
            stalls=stalls,
            metrics=metrics,
            observation=observation,
            wake_jobs=wake_jobs,
        )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(UnavailableError):
            await keyring.flush()
        observation.close()
        rates.close()
        await surveys.close()
        await audience.close()
        await store.close()


def settle_garbage_collection() -> None:
    """Make the garbage collector run rarely, and never over objects that stay for good.

    Requests leave few cycles, but dozens of them under way at a time are enough to start collection after collection
    through every module's objects: a tenth of a busy server's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()  # ServerConfig.load turned it off


def _saved_change(directory: SnapshotDirectory | None, site: int) -> int | None:
    """The change of this process's snapshot of a site, from which an index continues."""
    saved = None if directory is None else directory.head(site)
    return None if saved is None else saved.number


def _not_followed(site: int, error: Exception) -> None:
    if isinstance(error, ReplacedError):
        return  # the store has logged it
    if isinstance(error, UnavailableError):
        unavailable.warning("a site could not be followed", site=site, reason=str(error))
    else:
        _log.exception("a site could not be followed; the next query catches up", site=site)


async def _watch_files(store: Store) -> None:
    """Check the database files also while there are no requests; problems are logged."""
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        with contextlib.suppress(UnavailableError):
            store.engine.check_files()


async def _flush_now_and_then(keyring: Keyring) -> None:
    while True:
        await asyncio.sleep(_FLUSH_SECONDS)
        try:
            await keyring.flush()
        except UnavailableError as error:
            unavailable.warning("the last use of keys could not be stored", reason=str(error))
        except Exception:
            _log.exception("the last use of keys could not be stored")


def create_app(settings: Settings) -> Application:
    """The application for these settings; nothing is opened before its lifespan begins."""
    return Application(settings)


def create_app_from_environment() -> Application:
    """The application for the settings in the environment (REGULARS_*), in a process that logs as they say."""
    settings = Settings.from_environment()
    configure_logging(settings.log_level, settings.log_format)
    sys.setswitchinterval(_TURN)
    return create_app(settings)
