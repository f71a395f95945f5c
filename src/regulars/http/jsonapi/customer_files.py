"""Customers as a file: the list of customers with `Accept: text/csv` or `application/x-ndjson`.

The file has all who match, from one snapshot. It is read and sent in slices, so memory does not grow with it.
"""

import asyncio
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, cast

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from regulars.audience.filters import catalogue
from regulars.audience.matching_numbers import matching_numbers
from regulars.exporting.customer_table import FIELDS as CUSTOMER_FIELDS
from regulars.exporting.export import Export, ExportRequest
from regulars.exporting.formats import MEDIA_TYPES, FormatName
from regulars.exporting.tables import BadFieldError
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi.asked_customers import AskedCustomers
from regulars.http.jsonapi.expansion import within_time
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.negotiation import weighted
from regulars.http.jsonapi.query import FLAGS, QuerySpec
from regulars.http.keyring import Caller
from regulars.http.schema import TEXT, Schema
from regulars.store.following import StoreSnapshot

FIELDS: Final = "fields"
EXCEL: Final = "excel"
TOTAL: Final = "x-total-count"
"""The header with the number of customers in the file."""

FILES: Final = QuerySpec(fields={}, filters=catalogue.BY_NAME, asked=True)
"""The parameters of a file, beside FIELDS and EXCEL."""

MOST_SECONDS: Final = 600.0
"""How long a file may take: its snapshot keeps the database's write-ahead log from being reset."""

MOST_AT_ONCE: Final = 4
"""Files that a process sends at the same time."""

_NDJSON: Final[FormatName] = "ndjson"
_ACCEPTED: Final[Mapping[str, FormatName | None]] = {
    "text/csv": "csv",
    "application/x-ndjson": _NDJSON,
    "application/ndjson": _NDJSON,
    "application/jsonl": _NDJSON,
    "application/vnd.api+json": None,
    "application/json": None,
    "*/*": None,
}
"""The media types that a caller may accept, with the format of the file; None: the JSON:API document."""

MEDIA: Final[Mapping[str, str]] = {
    "text/csv": "regulars_id,email,name\r\n4294967297,anna@example.com,Anna\r\n",
    "application/x-ndjson": '{"regulars_id":4294967297,"email":"anna@example.com","name":"Anna"}\n',
}
"""The media types of files with an example, for the document."""

_running = [0]


@lru_cache(maxsize=256)
def _format_of(accept: str) -> FormatName | None:
    """The format that an Accept header prefers."""
    known = [(weight, -place, kind) for place, (kind, weight) in enumerate(weighted(accept)) if kind in _ACCEPTED]
    return _ACCEPTED[max(known)[2]] if known else None


def file_format(call: Call) -> FormatName | None:
    """The format of the file that a call asks for, None if it asks for a document."""
    accept = Headers(scope=call.scope).get("accept")
    return None if accept is None else _format_of(accept)


def answer(call: Call, caller: Caller, name: FormatName, noun: str) -> Response:
    """The file with the customers that the call asks for. noun: what they are called. Raises Problem."""
    request = _request(call, name)
    raw: bytes = call.scope["query_string"]
    chosen = AskedCustomers(call, caller, FILES.of(call), raw)
    return _FileResponse(call, chosen, request, f"{noun}.{name}")


def _request(call: Call, name: FormatName) -> ExportRequest:
    fields: tuple[str, ...] | None = None
    excel = False
    for parameter, value in call.query:
        if parameter == FIELDS:
            fields = tuple(field.strip() for field in value.split(",") if field.strip())
        elif parameter == EXCEL:
            if value.lower() not in FLAGS:
                raise ParameterProblem(EXCEL, f"{EXCEL} must be true or false.")
            excel = FLAGS[value.lower()]
        elif parameter.startswith(("page[", f"{FIELDS}[")):
            raise ParameterProblem(parameter, f"A file has all who match. Leave out {parameter}; {FIELDS} is a list.")
    try:
        return ExportRequest(format=name, fields=fields, excel=excel)
    except BadFieldError as error:
        raise ParameterProblem(FIELDS, f"{error}.".capitalize()) from None


class _FileResponse(Response):
    """Answers the question when it is sent, as the snapshot lasts until the last row."""

    def __init__(self, call: Call, chosen: AskedCustomers, request: ExportRequest, name: str) -> None:
        super().__init__(media_type=MEDIA_TYPES[request.format])
        del self.headers["content-length"]
        self.headers["content-disposition"] = f'attachment; filename="{name}"'
        self.headers["vary"] = "Accept"
        self._call = call
        self._chosen = chosen
        self._request = request
        self._has_started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file. A client that disconnects ends it. Raises Problem before the first byte."""
        if _running[0] >= MOST_AT_ONCE:
            raise Problem("busy", f"{MOST_AT_ONCE} files are being sent already. Try again in a minute.")
        _running[0] += 1
        try:
            async with self._call.until_disconnect():
                await self._send(send)
        except Problem:
            if not self._has_started:
                raise  # else the client has left, and nobody is there to be told
        finally:
            _running[0] -= 1

    async def _send(self, send: Send) -> None:
        call, chosen = self._call, self._chosen
        if chosen.site is None:
            await self._start(send, 0)
            await send({"type": "http.response.body", "body": b""})
            return
        began = time.perf_counter()
        asking = call.services.audience.study(
            chosen.site, lambda: [chosen.audience()], matching_numbers, prepare=chosen.prepare
        )
        with within_time(() if chosen.asked is None else (chosen.asked,)):
            async with asking as answer:
                connection = cast(StoreSnapshot, answer.snapshot).connection
                export = Export(connection, chosen.site, self._request, answer.value)
                async with asyncio.timeout(MOST_SECONDS):
                    async for chunk in export.chunks():
                        if not self._has_started:
                            await self._start(send, answer.total)
                        if chunk:
                            await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    await send({"type": "http.response.body", "body": b""})
        call.services.observation.question(time.perf_counter() - began, chosen.site, export.rows, lambda: "a file")

    async def _start(self, send: Send, total: int) -> None:
        self._has_started = True
        self.headers[TOTAL] = str(total)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})


PARAMETERS: Final[Mapping[str, Schema]] = {
    FIELDS: {**TEXT, "description": f"Of a file: the fields, separated by commas. {', '.join(CUSTOMER_FIELDS)}."},
    EXCEL: {
        "type": "boolean",
        "description": "Of a CSV file: begin with a byte order mark, by which Excel recognises UTF-8.",
    },
}
"""The parameters of files, for the document."""
