"""Exports: files that a job writes, for callers who do not want to wait for them."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from starlette.responses import FileResponse, Response

from regulars.audience.questions.json_form import write_question
from regulars.domain.faults import Fault
from regulars.domain.moments import iso, iso_or_none
from regulars.exporting.export import KINDS, ExportKind, ExportRequest
from regulars.exporting.formats import FormatName
from regulars.exporting.presets import PRESET_NAMES
from regulars.exporting.tables import BadFieldError
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.job_queue import enqueue
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.asked_question import PARAMETERS, read_asked
from regulars.http.jsonapi.bodies import refused
from regulars.http.jsonapi.documents import EMPTY, document
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.questions import as_parameters, in_body
from regulars.http.jsonapi.site_pages import no_parameters
from regulars.http.jsonapi.stored_jobs import job_of_number, job_of_path, stored_files
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, WHOLE, YES_OR_NO, listed, one_of, or_null, record
from regulars.jobs.exports import EXPORT, suffix_of
from regulars.store import jobs
from regulars.store.job_reads import list_jobs_of
from regulars.store.jobs import STATES, Job, JobError
from regulars.store.threads import off_loop
from regulars.stored_files import StoredFiles

TYPE: Final = "exports"
FORMATS: Final[tuple[FormatName, ...]] = ("ndjson", "csv")
_ATTEMPTS: Final = 3
_MOST: Final = 100
GZIP: Final = "application/gzip"
_MEMBERS: Final = ("kind", "format", "fields", "excel", "for")


async def create(call: Call, caller: Reader) -> Response:
    """Begin an export."""
    body = await studies.body_of(call, _MEMBERS)
    site = studies.site_of(body, caller)
    request = _request(body)
    with in_body():
        asked = read_asked(dict(as_parameters({name: body[name] for name in PARAMETERS if name in body})))
    stored_files(call)  # refused before a job is there
    arguments: dict[str, Any] = {"request": msgspec.to_builtins(request)}
    if asked is not None:
        arguments["question"] = write_question(asked.node)
        arguments["time_zone"] = asked.zone(caller.time_zone(site))[0]
        arguments["as_of"] = asked.as_of
    number = await enqueue(call, EXPORT, attempts=_ATTEMPTS, site=site, arguments=arguments)
    await call.record(caller.account, f"exports/{number}", "created")
    job = await job_of_number(call, number)
    assert job is not None
    return _shown(call, job, status=201)


async def index(call: Call, caller: Reader) -> Response:
    """The newest exports."""
    no_parameters(call)
    async with call.services.store.snapshot() as connection:
        found = await list_jobs_of(connection, EXPORT, caller.account, _MOST)
    home = origin(call.scope, call.services.settings.trusted_proxies)
    return document({"data": [_resource(call, job) for job in found], "links": {"self": f"{home}/v1/{TYPE}"}})


async def show(call: Call, caller: Reader) -> Response:
    """The state of an export."""
    return _shown(call, await job_of_path(call, caller, EXPORT, "export"))


async def download(call: Call, caller: Reader) -> Response:
    """The file of an export."""
    job = await job_of_path(call, caller, EXPORT, "export")
    path = _path(call, job)
    if path is None or job.state != "done" or not await off_loop(path.is_file):
        state = "has no file any more" if job.state == "done" else f"is {job.state}, so it has no file"
        raise Problem("object_not_found", f"The export {state}.")
    return FileResponse(path, media_type=GZIP, filename=path.name.partition(".")[2])


async def remove(call: Call, caller: Reader) -> Response:
    """Stop an export, if it is not done, and delete its file."""
    job = await job_of_path(call, caller, EXPORT, "export")
    with suppress(JobError):  # it has ended already
        await jobs.cancel(call.services.store.engine, job.id, now=call.services.clock())
    path = _path(call, job)
    if path is not None and job.state != "running":  # a running job deletes its own
        await off_loop(partial(path.unlink, missing_ok=True))
    return document(EMPTY)


def _request(body: Mapping[str, Any]) -> ExportRequest:
    kind, name, fields = body.get("kind", "customers"), body.get("format", "ndjson"), body.get("fields")
    excel, preset = body.get("excel", False), body.get("for")
    faults = []
    if kind not in KINDS:
        faults.append(Fault("kind", f"must be one of {', '.join(KINDS)}"))
    if name not in FORMATS:
        faults.append(Fault("format", f"must be one of {', '.join(FORMATS)}"))
    if fields is not None and not (isinstance(fields, list) and all(isinstance(each, str) for each in fields)):
        faults.append(Fault("fields", "must be a list of names"))
    if not isinstance(excel, bool):
        faults.append(Fault("excel", "must be true or false"))
    if preset is not None and preset not in PRESET_NAMES:
        faults.append(Fault("for", f"must be one of {', '.join(PRESET_NAMES)}"))
    if faults:
        raise refused(faults)
    try:
        return ExportRequest(
            kind=cast(ExportKind, kind),
            format=cast(FormatName, name),
            fields=None if fields is None else tuple(fields),
            excel=excel,
            preset=preset,
        )
    except BadFieldError as error:
        raise refused([Fault("fields" if preset is None else "for", str(error))]) from None


def _path(call: Call, job: Job) -> Path | None:
    """Where the file of an export is, if this server has a folder for files."""
    folder = call.services.settings.files
    request = msgspec.convert(job.arguments["request"], ExportRequest)
    return None if folder is None else StoredFiles(folder).path(job.id, suffix_of(request))


def _shown(call: Call, job: Job, *, status: int = 200) -> Response:
    data = _resource(call, job)
    headers = {"Location": data["links"]["self"]} if status == 201 else None
    return document({"data": data}, status=status, headers=headers)


def _resource(call: Call, job: Job) -> dict[str, Any]:
    request, result = job.arguments["request"], job.result or {}
    home = origin(call.scope, call.services.settings.trusted_proxies)
    address = f"{home}/v1/exports/{job.id}"
    attributes = {
        "kind": request["kind"],
        "format": request["format"],
        "site_id": str(job.site),
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "rows": result.get("rows"),
        "bytes": result.get("bytes"),
        "error": job.error,
        "created_at": iso(job.created_at),
        "started_at": iso_or_none(job.started_at),
        "finished_at": iso_or_none(job.finished_at),
    }
    file = f"{address}/file" if job.state == "done" else None
    return {"type": TYPE, "id": str(job.id), "attributes": attributes, "links": {"self": address, "file": file}}


_RESOURCE: Final = record(
    {
        "type": {"const": TYPE},
        "id": TEXT,
        "attributes": record(
            {
                "kind": one_of(KINDS),
                "format": one_of(FORMATS),
                "site_id": TEXT,
                "state": one_of(STATES),
                "done": WHOLE,
                **{name: or_null(WHOLE) for name in ("total", "rows", "bytes")},
                "error": or_null(TEXT),
                "created_at": TEXT,
                "started_at": or_null(TEXT),
                "finished_at": or_null(TEXT),
            }
        ),
        "links": record({"self": TEXT, "file": or_null(TEXT)}),
    }
)
_SHOWN: Final = record({"data": _RESOURCE})
_LISTED: Final = record({"data": listed(_RESOURCE), "links": record({"self": TEXT})})

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "exports.create",
        "POST",
        "/v1/exports",
        create,
        "Begin an export",
        "A job writes customers, activity, email logs or consents to a file, from one moment: of everybody, or of the "
        "customers of a question. The file is compressed with gzip and kept for a week.",
        body=studies.takes(
            {
                "kind": {**one_of(KINDS), "default": "customers"},
                "format": {**one_of(FORMATS), "default": "ndjson"},
                "fields": listed(TEXT),
                "excel": YES_OR_NO,
                "for": one_of(PRESET_NAMES),
            },
            {"kind": "customers", "format": "csv", "q": "is subscribed"},
        ),
        reply=_SHOWN,
        status=201,
    ),
    Operation(JSONAPI, "exports.index", "GET", "/v1/exports", index, "List the newest exports", reply=_LISTED),
    Operation(JSONAPI, "exports.show", "GET", "/v1/exports/{id}", show, "Get the state of an export", reply=_SHOWN),
    Operation(
        JSONAPI,
        "exports.download",
        "GET",
        "/v1/exports/{id}/file",
        download,
        "Download an export",
        "The file, once the state is `done`.",
        files={GZIP: ""},
    ),
    Operation(JSONAPI, "exports.remove", "DELETE", "/v1/exports/{id}", remove, "Stop an export and delete its file"),
)
"""The operations on exports."""
