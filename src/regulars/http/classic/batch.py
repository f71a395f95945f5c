"""POST /batch: several calls of the classic surface in one, each with its own response."""

import asyncio
import re
from typing import Any, Final
from urllib.parse import quote

import msgspec
from starlette.responses import Response
from starlette.types import Message, Scope

from regulars.domain.faults import Fault
from regulars.http import rate_limits
from regulars.http.call import JSON, Call, json_response
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Caller
from regulars.http.operation import Operation
from regulars.http.schema import ANY, TEXT, WHOLE, listed, one_of, record, such_as

BATCH_LIMIT: Final = 100
BATCH_BYTES: Final = 32 * 1024 * 1024
"""Bytes of the replies to the calls of one batch; what would exceed them is asked for in another batch."""
_LARGE: Final = 65_536
"""Bytes from which a reply is sent in a piece of its own: to encode them all at once would hold the event loop."""
PREFIX: Final = "/api/v1/"
METHODS: Final = ("GET", "POST", "PUT", "DELETE")
_PREFIXES: Final = re.compile(r"/?api/v1(_0)?/|/")
_DROPPED: Final = frozenset({b"content-length", b"content-type", b"transfer-encoding", b"x-request-id"})
_SAFE: Final = "/%+@:~!$&'()*,;="


async def batch(call: Call, caller: Caller) -> Response:
    """Execute up to 100 calls in order. The batch itself returns 200 even if calls fail."""
    items = await call.json()
    if not isinstance(items, list):
        raise Problem("malformed", "The body must be a list of {path, method, body}.")
    if len(items) > BATCH_LIMIT:
        raise Problem("too_many", f"You can send up to {BATCH_LIMIT} items in a batch.")
    faults = [fault for place, item in enumerate(items) if (fault := _fault(place, item)) is not None]
    if faults:
        raise Problem("invalid", f"{faults[0].field} {faults[0].detail}.", faults=faults)
    rate_limits.count_items(call.scope, caller, len(items))
    replies: list[dict[str, Any] | msgspec.Raw] = []
    left = BATCH_BYTES
    for item in items:
        reply, size = await _carry_out(call, item, left)
        replies.append(reply if size < _LARGE else msgspec.Raw(msgspec.json.encode(reply)))
        left -= size
        await asyncio.sleep(0)  # others get their turn: a call may end without having waited for anything
    return json_response(replies)


def _fault(place: int, item: Any) -> Fault | None:
    if not isinstance(item, dict):
        return Fault(str(place), "must be an object with path, method and body")
    if not isinstance(item.get("path"), str) or not item["path"].strip("/"):
        return Fault(f"{place}.path", "must be the path of a call")
    if not isinstance(item.get("method"), str) or not item["method"]:
        return Fault(f"{place}.method", f"must be one of {', '.join(METHODS)}")
    return None


async def _carry_out(call: Call, item: dict[str, Any], most: int) -> tuple[dict[str, Any], int]:
    """One call's response and its size in bytes. most: the maximum size; only reading calls are refused for it."""
    path, _, query = item["path"].partition("?")
    path = PREFIX + quote(_PREFIXES.sub("", path, count=1) if _PREFIXES.match(path) else path, safe=_SAFE)
    reply: dict[str, Any] = {"path": item["path"], "method": item["method"]}
    if path.rstrip("/") == PREFIX + "batch":
        return {**reply, "status_code": 400, "body": "A batch cannot contain a batch."}, 0
    if item["method"].upper() not in METHODS:
        return {**reply, "status_code": 405, "body": f"The method must be one of {', '.join(METHODS)}."}, 0
    body = b"" if item.get("body") is None else msgspec.json.encode(item["body"])
    method = item["method"].upper()
    if method == "GET" and most <= 0:
        return {**reply, "status_code": 413, "body": _TOO_LARGE}, 0
    try:
        status, is_json, raw = await _call(call, method, path, query, body, most if method == "GET" else None)
    except _ReplyTooLargeError:
        return {**reply, "status_code": 413, "body": _TOO_LARGE}, most  # the work for what was left has been done
    return {**reply, "status_code": status, "body": _content(status, raw) if is_json else raw.decode()}, len(raw)


def _content(status: int, raw: bytes) -> Any:
    """The body of a response as part of a JSON document; that of a success is passed on without parsing it."""
    if status < 400:
        return msgspec.Raw(raw)
    content = msgspec.json.decode(raw)
    return content["error"] if isinstance(content, dict) else content


class _ReplyTooLargeError(Exception):
    """The reply to a call of the batch is larger than what is left of BATCH_BYTES."""


_TOO_LARGE: Final = (
    f"The replies to a batch may have at most {BATCH_BYTES} bytes in total. Make this call in another batch."
)


async def _call(
    call: Call, method: str, path: str, query: str, body: bytes, most: int | None
) -> tuple[int, bool, bytes]:
    """One call through the whole server, with the batch's credentials. Returns status, whether it is JSON, and body.

    most: bytes of the largest reply. Raises _ReplyTooLargeError.
    """
    parent = call.scope
    scope: Scope = {
        "type": "http",
        "asgi": parent["asgi"],
        "http_version": parent["http_version"],
        "scheme": parent["scheme"],
        "server": parent.get("server"),
        "client": parent.get("client"),
        "batch": parent,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": quote(query, safe=_SAFE + "?[]").encode(),
        "headers": [(name, value) for name, value in parent["headers"] if name not in _DROPPED],
    }
    status, is_json = 500, False
    parts: list[bytes] = []
    size = 0

    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if not messages:
            await asyncio.Future()  # whoever waits for the client to leave is cancelled when the reply is complete
        return messages.pop()

    async def send(message: Message) -> None:
        nonlocal status, is_json, size
        if message["type"] == "http.response.start":
            status = message["status"]
            is_json = (b"content-type", JSON.encode()) in message["headers"]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if most is not None and size > most:
                raise _ReplyTooLargeError

    await parent["app"](scope, receive, send)
    return status, is_json, b"".join(parts)


_ITEM: Final = record(
    {"path": such_as(TEXT, "groups"), "method": one_of(METHODS), "body": ANY}, required=("path", "method")
)
_ITEM_REPLY: Final = record(
    {
        "path": such_as(TEXT, "groups"),
        "method": such_as(TEXT, "GET"),
        "status_code": such_as(WHOLE, 200),
        "body": such_as(ANY, {"success": True, "status": "OK", "groups": []}),
    }
)

OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "batch.batch",
        "POST",
        "/api/v1/batch",
        batch,
        f"Make up to {BATCH_LIMIT} calls in one",
        "The calls run in order, and each has its own status and body in the reply. The batch itself returns 200 even "
        "if calls fail.",
        body=listed(_ITEM, BATCH_LIMIT),
        reply=listed(_ITEM_REPLY),
    ),
)
"""The operation itself."""
