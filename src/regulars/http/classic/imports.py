"""Blueshift's call that starts an import which is set up: here, that of a file which was rehearsed."""

from typing import Final

from starlette.responses import Response

from regulars.domain.faults import Fault
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.jsonapi.imports import begin_import, dry_run_of, linked
from regulars.http.jsonapi.stored_jobs import stored_files
from regulars.http.keyring import Writer
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, record, such_as


async def trigger(call: Call, caller: Writer) -> Response:
    """Import the file of a dry run into the key's default site, with the same options."""
    given = (await call.json_object()).get("uuid")
    if not isinstance(given, str) or not given.strip():
        fault = Fault("uuid", "must be the id of a dry run")
        raise Problem("invalid", f"{fault.field} {fault.detail}.", faults=[fault])
    job = await dry_run_of(call, (caller.site,), given.strip())
    if job is None:
        raise Problem("object_not_found", "No dry run of an import has this uuid.")
    name = await linked(stored_files(call), str(job.arguments["file"]))
    number = await begin_import(call, caller, caller.site, {**job.arguments, "file": name, "dry_run": False})
    return json_response({**DONE, "import_id": str(number)})


OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "imports.trigger",
        "POST",
        "/api/v1/customer_attributes/trigger_import",
        trigger,
        "Start an import that is set up",
        "`uuid` is the id of a dry run (`POST /v1/imports` with `dry_run`), whose file is kept for a week. Its file is "
        "imported with its options. `GET /v1/imports/{import_id}` tells how far it is.",
        body=record({"uuid": such_as(TEXT, "17")}),
        reply=schemas.done(import_id=such_as(TEXT, "18")),
        errors=(404,),
    ),
)
"""The operations on imports."""
