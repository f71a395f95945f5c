"""Whether replies are as the OpenAPI document describes them.

With REGULARS_CHECK_REPLIES=1 that is asserted of every reply of an application in this process (`make test-all`).
"""

import os
import re
from functools import cache
from http import HTTPStatus
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from regulars.http.openapi.document import document
from regulars.http.operations import OPERATIONS
from regulars.settings import Settings

IS_CHECKED = os.environ.get("REGULARS_CHECK_REPLIES") == "1"


@cache
def described() -> dict[str, Any]:
    """The document of a server with the usual limits."""
    return document(OPERATIONS, Settings())


def problems_of(reply: httpx.Response, method: str, path: str) -> list[str]:
    """What is not as the document says. method, path: of the operation, as the document spells them."""
    made = described()
    if reply.status_code >= 500:
        return [f"{reply.status_code}"]
    answer = made["paths"][path][method]["responses"].get(str(reply.status_code))
    if answer is None:
        return [f"{reply.status_code} is not described"]
    if "$ref" in answer:
        answer = made["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    kind = reply.headers.get("content-type", "").partition(";")[0]
    content = answer.get("content", {})
    if not content:
        return []
    if kind not in content:
        return [f"{kind} is not described"]
    if not kind.endswith(("/json", "+json")):
        return []
    return [error.message for error in _validator(method, path, reply.status_code, kind).iter_errors(reply.json())]


def assert_described(request: httpx.Request, reply: httpx.Response) -> None:
    """Fail unless the reply is as the document says.

    Requests of no operation pass, failures that a test wants, and the answer to `If-None-Match`, which has no body.
    """
    if reply.status_code >= 500 or reply.status_code == HTTPStatus.NOT_MODIFIED:
        return
    for method, path, pattern in _places():
        if method == request.method.lower() and pattern.fullmatch(request.url.path):
            problems = problems_of(reply, method, path)
            assert problems == [], f"{request.method} {request.url} {problems} {reply.text[:500]}"
            return


@cache
def _places() -> list[tuple[str, str, re.Pattern[str]]]:
    """Every operation; those that name more of the path come first, as in routing."""
    places = [(method, path) for path, methods in described()["paths"].items() for method in methods]
    places.sort(key=lambda place: place[1].count("{"))
    return [(method, path, re.compile(re.sub(r"{\w+}", "[^/]+", path))) for method, path in places]


@cache
def _validator(method: str, path: str, status: int, kind: str) -> Draft202012Validator:
    made = described()
    answer = made["paths"][path][method]["responses"][str(status)]
    if "$ref" in answer:
        answer = made["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return Draft202012Validator({**answer["content"][kind]["schema"], "components": made["components"]})
