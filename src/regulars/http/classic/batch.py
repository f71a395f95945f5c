"""POST /batch: many calls of the classic surface in one, each with its own reply."""

import re
from typing import Any, Final
from urllib.parse import quote

import msgspec
from starlette.responses import Response
from starlette.types import Message, Scope

from regulars.domain.faults import Fault
from regulars.http.call import Call, json_response
from regulars.http.errors import Problem
from regulars.http.keyring import Caller

BATCH_LIMIT: Final = 100
PREFIX: Final = "/api/v1/"
METHODS: Final = ("GET", "POST", "PUT", "DELETE")
_PREFIXES: Final = re.compile(r"/?api/v1(_0)?/|/")
_DROPPED: Final = frozenset({b"content-length", b"content-type", b"transfer-encoding", b"x-request-id"})
_SAFE: Final = "/%+@:~!$&'()*,;="


async def batch(call: Call, caller: Caller) -> Response:
    """POST /batch: carry out up to 100 calls in order; the call itself is 200 whatever becomes of them."""
    items = await call.json()
    if not isinstance(items, list):
        raise Problem("malformed", "The body must be a list of {path, method, body}.")
    if len(items) > BATCH_LIMIT:
        raise Problem("too_many", f"You can send up to {BATCH_LIMIT} items in a batch.")
    faults = [fault for place, item in enumerate(items) if (fault := _fault(place, item)) is not None]
    if faults:
        raise Problem("invalid", f"{faults[0].field} {faults[0].detail}.", faults=faults)
    return json_response([await _carry_out(call, item) for item in items])


def _fault(place: int, item: Any) -> Fault | None:
    if not isinstance(item, dict):
        return Fault(str(place), "must be an object with path, method and body")
    if not isinstance(item.get("path"), str) or not item["path"].strip("/"):
        return Fault(f"{place}.path", "must be the path of a call")
    if not isinstance(item.get("method"), str) or not item["method"]:
        return Fault(f"{place}.method", f"must be one of {', '.join(METHODS)}")
    return None


async def _carry_out(call: Call, item: dict[str, Any]) -> dict[str, Any]:
    path, _, query = item["path"].partition("?")
    path = PREFIX + quote(_PREFIXES.sub("", path, count=1) if _PREFIXES.match(path) else path, safe=_SAFE)
    reply: dict[str, Any] = {"path": item["path"], "method": item["method"]}
    if path.rstrip("/") == PREFIX + "batch":
        return {**reply, "status_code": 400, "body": "A batch cannot contain a batch."}
    if item["method"].upper() not in METHODS:
        return {**reply, "status_code": 405, "body": f"The method must be one of {', '.join(METHODS)}."}
    body = b"" if item.get("body") is None else msgspec.json.encode(item["body"])
    status, raw = await _call(call, item["method"].upper(), path, query, body)
    try:
        content = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        content = raw.decode()
    if status >= 400 and isinstance(content, dict):
        content = content["error"]
    return {**reply, "status_code": status, "body": content}


async def _call(call: Call, method: str, path: str, query: str, body: bytes) -> tuple[int, bytes]:
    """One call through the whole server, with the batch's own credentials."""
    parent = call.scope
    scope: Scope = {
        "type": "http",
        "asgi": parent["asgi"],
        "http_version": parent["http_version"],
        "scheme": parent["scheme"],
        "server": parent.get("server"),
        "client": parent.get("client"),
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": quote(query, safe=_SAFE + "?[]").encode(),
        "headers": [(name, value) for name, value in parent["headers"] if name not in _DROPPED],
    }
    status = 500
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await parent["app"](scope, receive, send)
    return status, b"".join(parts)
