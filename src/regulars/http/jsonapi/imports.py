"""Imports of files: an upload, the job that imports it, and the refused lines to download."""

from collections.abc import Callable, Container, Mapping
from typing import Any, BinaryIO, Final

import msgspec
from starlette.responses import FileResponse, Response

from regulars.domain.moments import iso, iso_or_none
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.job_queue import enqueue
from regulars.http.jsonapi.failures import MEDIA_TYPE, ParameterProblem
from regulars.http.jsonapi.import_parameters import AGAIN, OPTIONS, PARAMETERS, read_parameters
from regulars.http.jsonapi.job_undo import UNDO_SCHEMA, begin_undo
from regulars.http.jsonapi.stored_jobs import job_of_number, stored_files
from regulars.http.jsonapi.surface import JSONAPI, JSONAPI_ERRORS
from regulars.http.jsonapi.undoable_jobs import UndoableJobs
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Operation, Surface
from regulars.http.schema import (
    MOMENT,
    TEXT,
    WHOLE,
    YES_OR_NO,
    Schema,
    listed,
    one_of,
    or_null,
    record,
    such_as,
)
from regulars.importing.undoing import EVENTS_STAY
from regulars.jobs.file_imports import ATTEMPTS, IMPORT_FILE
from regulars.store.jobs import STATES, Job
from regulars.store.threads import off_loop
from regulars.stored_files import StoredFiles

TYPE: Final = "imports"
_WRITTEN: Final = 1 << 20
"""Bytes that are written to the file at once."""


UPLOADS: Final = Surface(
    tag=JSONAPI.tag,
    description=JSONAPI.description,
    errors=JSONAPI_ERRORS,
    media_type=MEDIA_TYPE,
    takes=("application/octet-stream", "text/csv"),
    security=JSONAPI.security,
    components=JSONAPI.components,
)
"""A body that is a file, of whatever type the client says."""


async def create(call: Call, caller: Writer) -> Response:
    """Take a file and enqueue its import."""
    site, given = read_parameters(call, caller)
    stored = stored_files(call)
    earlier = await _dry_run(call, caller)
    name = await (_received(call, stored) if earlier is None else _taken_again(call, stored, earlier))
    number = await begin_import(call, caller, site, msgspec.to_builtins(msgspec.structs.replace(given, file=name)))
    job = await job_of_number(call, number)
    assert job is not None
    return await IMPORTS.shown(call, caller, job, status=202)


async def begin_import(call: Call, caller: Writer, site: int, arguments: dict[str, Any]) -> int:
    """Enqueue the import of a stored file, which is deleted if that fails; returns the number of the job."""
    try:
        number = await enqueue(call, IMPORT_FILE, attempts=ATTEMPTS, site=site, arguments=arguments)
    except BaseException:
        await off_loop(stored_files(call).delete, arguments["file"])
        raise
    await call.record(caller.account, f"imports/{number}", "created")
    return number


async def _received(call: Call, stored: StoredFiles) -> str:
    """The name of the stored file that the body is. Raises Problem."""
    name, file = await off_loop(stored.upload)
    try:
        with file:
            if await _receive(call, file):
                return name
        raise Problem("malformed", "The body is empty; it must be the file to import.")
    except BaseException:
        await off_loop(stored.delete, name)
        raise


async def _taken_again(call: Call, stored: StoredFiles, earlier: str) -> str:
    """A name of its own for the file of a dry run. Raises Problem."""
    async for _ in call.parts(call.services.settings.upload_limit):
        raise Problem("malformed", f"With {AGAIN} the body must be empty: the file of the dry run is imported.")
    return await linked(stored, earlier)


async def linked(stored: StoredFiles, earlier: str) -> str:
    """A second name for the stored file of a dry run. Raises Problem."""
    try:
        return await off_loop(stored.link, earlier)
    except FileNotFoundError:
        raise Problem("object_not_found", "The file of this dry run is no longer kept. Send it again.") from None


async def _dry_run(call: Call, caller: Caller) -> str | None:
    """The stored file of the dry run that `again` names; None if it names none. Raises Problem."""
    text = dict(call.query).get(AGAIN)
    if text is None:
        return None
    job = await dry_run_of(call, caller.sites, text)
    if job is None:
        raise ParameterProblem(AGAIN, f"{AGAIN} must be the id of a dry run.")
    return str(job.arguments["file"])


async def dry_run_of(call: Call, sites: Container[int | None], text: str) -> Job | None:
    """The dry run of an import into one of the sites that the text names; None if there is none."""
    number = whole_number(text, longest=15)
    job = None if number is None else await job_of_number(call, number)
    is_one = job is not None and job.kind == IMPORT_FILE and job.site in sites and job.arguments["dry_run"]
    return job if is_one else None


async def index(call: Call, caller: Reader) -> Response:
    """The newest imports."""
    return await IMPORTS.listed(call, caller)


async def show(call: Call, caller: Reader) -> Response:
    """One import."""
    return await IMPORTS.shown(call, caller, await IMPORTS.job(call, caller))


async def cancel(call: Call, caller: Writer) -> Response:
    """Ask an import to stop; what is imported stays."""
    return await IMPORTS.cancelled(call, caller)


async def undo(call: Call, caller: Writer) -> Response:
    """Begin to take back what an import did, unless that is being done."""
    job = await IMPORTS.job(call, caller)
    if job.arguments["dry_run"]:
        raise Problem("unprocessable", "The import was a dry run, which changed nothing.")
    if job.arguments["kind"] != "customers":
        raise Problem("unprocessable", f"An import of {job.arguments['kind']} cannot be undone: {EVENTS_STAY}.")
    IMPORTS.refuse_under_way(job)
    await begin_undo(call, caller, job, f"imports/{job.id}")
    return await IMPORTS.shown(call, caller, job, status=202)


async def rejects(call: Call, caller: Reader) -> Response:
    """The refused lines, as a file."""
    job = await IMPORTS.job(call, caller)
    suffix = None if job.result is None else job.result.get("rejects")
    path = None if suffix is None else stored_files(call).path(job.id, suffix)
    if path is None or not await off_loop(path.is_file):
        raise Problem("object_not_found", "This import has no refused lines, or they are no longer kept.")
    kind = "text/csv; charset=utf-8" if path.suffix == ".csv" else "application/x-ndjson"
    return FileResponse(path, media_type=kind, filename=f"import-{job.id}-{suffix}")


async def _receive(call: Call, file: BinaryIO) -> int:
    """Write the body to a file, on a thread; returns its size."""
    size, parts, held = 0, list[bytes](), 0
    async for part in call.parts(call.services.settings.upload_limit):
        parts.append(part)
        size, held = size + len(part), held + len(part)
        if held >= _WRITTEN:
            await off_loop(file.writelines, parts)
            parts, held = [], 0
    await off_loop(file.writelines, parts)
    return size


def _links(job: Job, link: str) -> dict[str, str]:
    has_rejects = job.result is not None and job.result.get("rejects")
    return {"rejects": f"{link}/rejects"} if has_rejects else {}


def _of_result(name: str) -> Callable[[Job], Any]:
    return lambda job: None if job.result is None else job.result.get(name)


ATTRIBUTES: Final[Mapping[str, Callable[[Job], Any]]] = {
    "name": lambda job: job.arguments["name"],
    "kind": lambda job: job.arguments["kind"],
    "site_id": lambda job: str(job.site),
    "dry_run": lambda job: job.arguments["dry_run"],
    "options": lambda job: {name: job.arguments[name] for name in OPTIONS if job.arguments.get(name)},
    "state": lambda job: job.state,
    "done": lambda job: job.done,
    "total": lambda job: job.total,
    "summary": _of_result("summary"),
    "tables": _of_result("tables"),
    "number": _of_result("number"),
    "error": lambda job: job.error,
    "created_at": lambda job: iso(job.created_at),
    "started_at": lambda job: iso_or_none(job.started_at),
    "finished_at": lambda job: iso_or_none(job.finished_at),
}

IMPORTS: Final = UndoableJobs(IMPORT_FILE, TYPE, "import", ATTRIBUTES, _links)
"""What is shown of an import. done, total: bytes of the file. number: by which it can be undone, None for a dry run."""

_SCHEMAS: Final[Mapping[str, Schema]] = {
    "name": such_as(TEXT, "people.csv"),
    "kind": one_of(("customers", "activity")),
    "site_id": such_as(TEXT, "1"),
    "dry_run": such_as(YES_OR_NO, False),
    "options": {"type": "object", "examples": [{"existing": "fill", "tags": ["spring"]}]},
    "state": one_of(STATES),
    "done": such_as(WHOLE, 10485760),
    "total": such_as(or_null(WHOLE), 10485760),
    "summary": or_null({"type": "object", "examples": [{"lines": 3, "created": 2, "rejected": 1}]}),
    "tables": or_null({"type": "array", "items": {"type": "object"}}),
    "number": such_as(or_null(WHOLE), 7),
    "error": or_null(TEXT),
    **dict.fromkeys(("created_at", "started_at", "finished_at"), or_null(MOMENT)),
}
_RESOURCE: Final[Schema] = record(
    {
        "id": TEXT,
        "type": one_of((TYPE,)),
        "attributes": record({**{name: _SCHEMAS[name] for name in ATTRIBUTES}, "undo": or_null(UNDO_SCHEMA)}),
        "links": record({"self": TEXT, "rejects": TEXT}, required=("self",)),
    }
)
_ONE: Final[Schema] = record({"data": _RESOURCE, "links": record({"self": TEXT})})
_MANY: Final[Schema] = record({"data": listed(_RESOURCE), "links": record({"self": TEXT})})
_FILE: Final[Schema] = {"type": "string", "format": "binary", "examples": ["email,firstname\nanna@example.com,Anna\n"]}

OPERATIONS: Final = (
    Operation(
        UPLOADS,
        "imports.create",
        "POST",
        "/v1/imports",
        create,
        "Import a file",
        "The body is the file: a table, a spreadsheet or JSON, also compressed; its Content-Type does not matter. A "
        "background job imports it. Columns are recognised as by `regulars import`. The file of a dry run is kept for "
        "a week, and `again` imports it.",
        parameters=PARAMETERS,
        body=_FILE,
        reply=_ONE,
        status=202,
    ),
    Operation(JSONAPI, "imports.index", "GET", "/v1/imports", index, "List the newest imports", reply=_MANY),
    Operation(
        JSONAPI,
        "imports.show",
        "GET",
        "/v1/imports/{id}",
        show,
        "Get an import",
        "`state` is waiting, running, done, failed or cancelled. When it is done, `summary` has the figures, and "
        "`tables` what was recognised. `undo` is the newest undo of it, null if there was none.",
        reply=_ONE,
    ),
    Operation(
        JSONAPI,
        "imports.cancel",
        "POST",
        "/v1/imports/{id}/cancel",
        cancel,
        "Cancel an import",
        "What is imported stays.",
        reply=_ONE,
    ),
    Operation(
        JSONAPI,
        "imports.undo",
        "POST",
        "/v1/imports/{id}/undo",
        undo,
        "Undo an import",
        "A background job deletes the customers that the import created, and gives those that it changed what they had "
        "before, as `regulars import undo` does. Customers who were changed since, or are active, stay as they are; "
        "`undo.summary` has their number by reason. It can be repeated.",
        reply=_ONE,
        status=202,
    ),
    Operation(
        UPLOADS,
        "imports.rejects",
        "GET",
        "/v1/imports/{id}/rejects",
        rejects,
        "Download the refused lines of an import",
        "In the form of the file, with the reason. Correct them and import them.",
    ),
)
"""The operations on imports."""
