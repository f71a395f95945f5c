"""Jobs whose work can be taken back, as imports and bulk actions are: listed, shown and cancelled alike."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct
from starlette.responses import Response

from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.job_undo import UNDER_WAY, UNDO, undo_of, undos
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.site_pages import no_parameters
from regulars.http.jsonapi.stored_jobs import job_of_path
from regulars.http.keyring import Caller
from regulars.store import jobs
from regulars.store.job_reads import list_jobs_of
from regulars.store.jobs import Job

_MOST: Final = 100
"""The newest jobs of a kind that are listed."""


class UndoableJobs(Struct, frozen=True):
    """One kind of such jobs. type: of the resources, and their path below /v1. noun: for refusals.

    attributes: what is shown of a job, by name. links: beside `self`, of a job and its own link.
    """

    kind: str
    type: str
    noun: str
    attributes: Mapping[str, Callable[[Job], Any]]
    links: Callable[[Job, str], dict[str, str]] = lambda job, link: {}

    async def job(self, call: Call, caller: Caller) -> Job:
        """The job that the path names. Raises Problem if it does not exist, and for any parameter."""
        no_parameters(call)
        return await job_of_path(call, caller, self.kind, self.noun)

    def refuse_under_way(self, job: Job) -> None:
        """Raise Problem for a job that cannot be undone yet."""
        if job.state in UNDER_WAY:
            raise Problem("unprocessable", f"The {self.noun} is {job.state}. Cancel it first, or wait for its end.")

    async def listed(self, call: Call, caller: Caller) -> Response:
        """The newest jobs."""
        no_parameters(call)
        async with call.services.store.snapshot() as connection:
            found = await list_jobs_of(connection, self.kind, caller.account, _MOST)
            undone = await undos(connection, caller)
        home = _home(call)
        shown = [self._resource(job, undone.get(job.id), home) for job in found]
        return document({"data": shown, "links": {"self": f"{home}/v1/{self.type}"}})

    async def shown(self, call: Call, caller: Caller, job: Job, *, status: int = 200) -> Response:
        """One job, with its undo."""
        shown = self._resource(job, await undo_of(call, caller, job), _home(call))
        link = shown["links"]["self"]
        headers = {"location": link} if status == 202 else None
        return document({"data": shown, "links": {"self": link}}, status=status, headers=headers)

    async def cancelled(self, call: Call, caller: Caller) -> Response:
        """Ask the job that the path names to stop. Raises Problem if it has ended."""
        job = await self.job(call, caller)
        try:
            await jobs.cancel(call.services.store.engine, job.id, now=call.services.clock())
        except jobs.JobError as error:
            raise Problem("unprocessable", f"The {self.noun} cannot be cancelled: {error}.") from None
        await call.record(caller.account, f"{self.type}/{job.id}", "updated")
        return await self.shown(call, caller, await self.job(call, caller))

    def _resource(self, job: Job, undone: Job | None, home: str) -> dict[str, Any]:
        link = f"{home}/v1/{self.type}/{job.id}"
        return {
            "id": str(job.id),
            "type": self.type,
            "attributes": {
                **{name: value(job) for name, value in self.attributes.items()},
                "undo": None if undone is None else {name: value(undone) for name, value in UNDO.items()},
            },
            "links": {"self": link, **self.links(job, link)},
        }


def _home(call: Call) -> str:
    return origin(call.scope, call.services.settings.trusted_proxies)
