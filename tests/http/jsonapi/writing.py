"""Sending JSON:API documents, and what refusals say."""

from typing import Any

from .world import Api


def resource(type_: str, /, *, site: int | None = None, id_: str | None = None, **attributes: Any) -> dict[str, Any]:
    """The document of one resource."""
    data: dict[str, Any] = {"type": type_, "attributes": attributes}
    if id_ is not None:
        data["id"] = id_
    if site is not None:
        data["relationships"] = {"site": {"data": {"type": "sites", "id": str(site)}}}
    return {"data": data}


def identifiers(type_: str, *ids: Any) -> dict[str, Any]:
    """The response of a relationship."""
    return {"data": [{"type": type_, "id": str(each)} for each in ids]}


def done(api: Api, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    """What a call answers that goes well."""
    reply = api.send(method, path, **({} if body is None else {"json": body}))
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/vnd.api+json"
    return reply.json()


def made(api: Api, type_: str, **attributes: Any) -> str:
    """The id of a new object."""
    return str(done(api, "POST", f"/v1/{type_}", resource(type_, **attributes), 201)["data"]["id"])


def refused(api: Api, method: str, path: str, body: Any = None) -> tuple[int, list[tuple[str, str]]]:
    """(status, [(where, detail)]) of a call that is refused."""
    reply = api.send(method, path, **({} if body is None else {"json": body}))
    errors = reply.json()["errors"]
    assert {error["status"] for error in errors} == {str(reply.status_code)}
    found = []
    for error in errors:
        source = error["source"] or {}
        found.append((source.get("pointer") or source.get("parameter") or "", error["detail"]))
    return reply.status_code, found
