"""Imports of files: an upload, the job that imports it, and the refused lines to download."""

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfoNotFoundError

import msgspec
from starlette.responses import FileResponse, Response

from regulars.domain.existing_fields import EXISTING
from regulars.domain.moments import iso, iso_or_none
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.failures import MEDIA_TYPE, ParameterProblem
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.stored_jobs import job_of_number, job_of_path, stored_files
from regulars.http.jsonapi.surface import JSONAPI, JSONAPI_ERRORS
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
from regulars.importing.columns.dates import ORDERS
from regulars.importing.columns.mapping import MappingError
from regulars.jobs.file_imports import ATTEMPTS, IMPORT_FILE, ImportArguments
from regulars.store import jobs
from regulars.store.job_reads import list_jobs_of
from regulars.store.jobs import STATES, Job
from regulars.store.threads import off_loop

TYPE: Final = "imports"
SITE: Final = "site_id"
_LONGEST: Final = 255
_LONGEST_PARAMETER: Final = 64 * 1024
_WRITTEN: Final = 1 << 20
"""Bytes that are written to the file at once."""

_MOST: Final = 100
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}

PARAMETERS: Final[Mapping[str, Schema]] = {
    "name": {**TEXT, "description": "What the file is called; some exporters say more in its name."},
    "kind": {**one_of(("customers", "activity")), "description": "What the file has; customers by default."},
    SITE: {**TEXT, "description": "The site; that of the key by default."},
    "dry_run": {**YES_OR_NO, "description": "Report what the import would do, without changing anything."},
    "strict": {**YES_OR_NO, "description": "Refuse lines with an invalid optional field."},
    "create": {**YES_OR_NO, "description": "Of activity: also create customers known only by customer_id."},
    "existing": {
        **one_of(EXISTING),
        "description": "The fields of customers who are there: overwrite, fill the empty ones, or skip them all.",
    },
    "map": {**TEXT, "description": "What columns fill, such as `E-Mail=email,Plan=attribute:plan`."},
    "tags": {**TEXT, "description": "Tags for everybody in the file, separated by commas."},
    "groups": {**TEXT, "description": "Groups for everybody in the file."},
    "newsletters": {**TEXT, "description": "Newsletters for everybody in the file."},
    "consent": {**TEXT, "description": "The wording that everybody in the file agreed to."},
    "event": {**TEXT, "description": "Of activity: the event of a table that has no column for it."},
    "date_order": {**one_of(ORDERS), "description": "The order of day and month in dates such as 3/4/2026."},
    "time_zone": {**TEXT, "description": "The time zone of times without one; UTC by default."},
    "null": {**TEXT, "description": "Cells that mean no value, separated by commas."},
    "encoding": {**TEXT, "description": "The encoding of the text, if it is not recognised."},
    "separator": {**TEXT, "description": "What separates cells: a comma, a semicolon, a bar, or `tab`."},
    "sheet": {**TEXT, "description": "The sheet of a spreadsheet."},
}
"""The parameters of an import."""

_LISTS: Final = frozenset({"tags", "groups", "newsletters", "null"})
_YES_OR_NO: Final = frozenset({"dry_run", "strict", "create"})

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
    site, given = _parameters(call, caller)
    stored = stored_files(call)
    name, file = await off_loop(stored.upload)
    try:
        with file:
            size = await _receive(call, file)
        if not size:
            raise Problem("malformed", "The body is empty; it must be the file to import.")
        arguments = msgspec.structs.replace(given, file=name)
        number = await jobs.enqueue(
            call.services.store.engine,
            IMPORT_FILE,
            now=call.services.clock(),
            attempts=ATTEMPTS,
            site=site,
            arguments=msgspec.to_builtins(arguments),
        )
    except BaseException:
        await off_loop(stored.delete, name)
        raise
    job = await job_of_number(call, number)
    assert job is not None
    return _shown(call, job, status=202)


async def index(call: Call, caller: Reader) -> Response:
    """The newest imports."""
    _no_parameters(call)
    async with call.services.store.snapshot() as connection:
        found = await list_jobs_of(connection, IMPORT_FILE, caller.account, _MOST)
    home = _home(call)
    return document({"data": [_resource(job, home) for job in found], "links": {"self": f"{home}/v1/{TYPE}"}})


async def show(call: Call, caller: Reader) -> Response:
    """One import."""
    _no_parameters(call)
    return _shown(call, await _job(call, caller))


async def cancel(call: Call, caller: Writer) -> Response:
    """Ask an import to stop; what is imported stays."""
    _no_parameters(call)
    job = await _job(call, caller)
    try:
        await jobs.cancel(call.services.store.engine, job.id, now=call.services.clock())
    except jobs.JobError as error:
        raise Problem("unprocessable", f"The import cannot be cancelled: {error}.") from None
    return _shown(call, await _job(call, caller))


async def rejects(call: Call, caller: Reader) -> Response:
    """The refused lines, as a file."""
    _no_parameters(call)
    job = await _job(call, caller)
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


def _parameters(call: Call, caller: Caller) -> tuple[int, ImportArguments]:
    """The site and what is asked for. Raises Problem."""
    values: dict[str, Any] = {}
    site = caller.site
    for parameter, text in call.query:
        if parameter not in PARAMETERS:
            raise ParameterProblem(parameter, f"There is no parameter {parameter}; allowed: {', '.join(PARAMETERS)}.")
        if len(text) > _LONGEST_PARAMETER:
            raise ParameterProblem(parameter, f"{parameter} may have at most {_LONGEST_PARAMETER} characters.")
        if parameter == SITE:
            site = whole_number(text, longest=16) or 0
            if site not in caller.sites:
                raise ParameterProblem(SITE, "site_id must be a site of the account.")
        elif parameter in _YES_OR_NO:
            if text.lower() not in _FLAGS:
                raise ParameterProblem(parameter, f"{parameter} must be true or false.")
            values[parameter] = _FLAGS[text.lower()]
        elif parameter in _LISTS:
            values[parameter] = tuple(word for each in text.split(",") if (word := each.strip()))
        elif parameter == "separator":
            values[parameter] = "\t" if text == "tab" else text
        else:
            values[parameter] = text
    values["name"] = values.get("name", "upload")[-_LONGEST:].replace("\0", "")
    try:
        given = msgspec.convert({**values, "file": ""}, ImportArguments)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`") if "$." in str(error) else "kind"
        raise ParameterProblem(field, f"{field} has a value that is not allowed; see the documentation.") from None
    try:
        given.asked()
    except MappingError as error:
        raise ParameterProblem("map", f"map: {error}.") from None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ParameterProblem("time_zone", "time_zone must be a name such as Europe/Berlin.") from None
    return site, given


def _no_parameters(call: Call) -> None:
    for parameter, _ in call.query:
        raise ParameterProblem(parameter, f"There is no parameter {parameter}; this call has none.")


async def _job(call: Call, caller: Caller) -> Job:
    return await job_of_path(call, caller, IMPORT_FILE, "import")


def _shown(call: Call, job: Job, *, status: int = 200) -> Response:
    home = _home(call)
    shown = _resource(job, home)
    headers = {"location": shown["links"]["self"]} if status == 202 else None
    return document({"data": shown, "links": {"self": shown["links"]["self"]}}, status=status, headers=headers)


def _home(call: Call) -> str:
    return origin(call.scope, call.services.settings.trusted_proxies)


def _resource(job: Job, home: str) -> dict[str, Any]:
    link = f"{home}/v1/{TYPE}/{job.id}"
    links = {"self": link}
    if job.result is not None and job.result.get("rejects"):
        links["rejects"] = f"{link}/rejects"
    return {
        "id": str(job.id),
        "type": TYPE,
        "attributes": {name: value(job) for name, value in ATTRIBUTES.items()},
        "links": links,
    }


def _of_result(name: str) -> Callable[[Job], Any]:
    return lambda job: None if job.result is None else job.result.get(name)


ATTRIBUTES: Final[Mapping[str, Callable[[Job], Any]]] = {
    "name": lambda job: job.arguments["name"],
    "kind": lambda job: job.arguments["kind"],
    "site_id": lambda job: str(job.site),
    "dry_run": lambda job: job.arguments["dry_run"],
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
"""What is shown of an import. done, total: bytes of the file. number: by which it can be undone, None for a dry run."""

_SCHEMAS: Final[Mapping[str, Schema]] = {
    "name": such_as(TEXT, "people.csv"),
    "kind": one_of(("customers", "activity")),
    "site_id": such_as(TEXT, "1"),
    "dry_run": such_as(YES_OR_NO, False),
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
        "attributes": record({name: _SCHEMAS[name] for name in ATTRIBUTES}),
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
        "background job imports it. Columns are recognised as by `regulars import`.",
        parameters=PARAMETERS,
        body=_FILE,
        reply=_ONE,
        status=202,
        errors=(422,),
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
        "`tables` what was recognised. `regulars import undo` takes its `number`.",
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
        errors=(422,),
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
