"""Every declared operation is served as its declaration says: who may call it, and how its errors look."""

import re
from collections.abc import Iterator

import pytest
from starlette.responses import Response

from regulars.http.call import Call
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.gate import Gate
from regulars.http.jsonapi.surface import JSONAPI, OAUTH
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Operation, Surface
from regulars.http.operations import OPERATIONS, served
from regulars.http.pages.admin_surface import ADMIN
from regulars.http.pages.surface import PAGE
from regulars.settings import Settings
from tests.in_process import Client, InProcess

CALLED = [(each, path) for each in OPERATIONS for path in each.paths]


@pytest.fixture(scope="module")
def anybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with InProcess(tmp_path_factory.mktemp("operations") / "regulars.db") as app:
        yield Client(app, {})


def media_type(reply: object) -> str:
    return str(getattr(reply, "headers")["content-type"]).partition(";")[0]  # noqa: B009


def test_a_key_is_needed_where_the_handler_wants_a_caller(anybody: Client, subtests: pytest.Subtests) -> None:
    for operation, path in CALLED:
        with subtests.test(f"{operation.method} {path}"):
            reply = anybody.send(operation.method, re.sub(r"{\w+}", "1", path))
            if operation.caller is None:
                assert reply.status_code != 401 or operation.surface is OAUTH
            elif operation.surface is ADMIN and not path.endswith(".json"):
                assert (reply.status_code, reply.headers["location"].partition("?")[0]) == (303, "/admin/login")
            else:
                assert reply.status_code == 401
                assert media_type(reply) in operation.surface.errors.bodies


def test_names_and_places_are_each_operation_s_own() -> None:
    places = [(each.method, path) for each in OPERATIONS for path in each.paths]
    assert len(places) == len(set(places))
    names = [(each.surface.tag, each.name) for each in OPERATIONS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("caller", "scope"), [(Caller, None), (Reader, "read"), (Writer, "write")])
def test_the_signature_says_who_may_call(caller: type[Caller], scope: str | None) -> None:
    async def handler(call: Call, caller: Caller) -> Response:
        return Response()

    handler.__annotations__["caller"] = caller
    declared = Operation(CLASSIC, "x", "GET", "/x", handler, "X")
    assert (declared.caller, declared.scope) == (caller, scope)


async def _fail(call: Call) -> Response:
    raise Problem("invalid", "<b>This</b> is wrong.")


@pytest.mark.parametrize(
    ("surface", "kind"),
    [
        (CLASSIC, "application/json"),
        (JSONAPI, "application/vnd.api+json"),
        (OAUTH, "application/json"),
        (PAGE, "text/html"),
        (ADMIN, "text/html"),
    ],
    ids=["classic", "jsonapi", "oauth", "page", "admin"],
)
@pytest.mark.parametrize("path", ["/v1/x", "/api/v1/x", "/x"])
def test_an_error_looks_as_the_operation_has_it_wherever_it_is(
    anybody: Client, surface: Surface, kind: str, path: str
) -> None:
    gate = Gate([Operation(surface, "x", "POST", path, _fail, "X")])
    application = anybody.app.application
    usual, application.gate = application.gate, gate
    try:
        gate.services = usual.services
        caller = anybody.having(Sec_Fetch_Site="same-origin")
        failed, misused = caller.send("POST", path), caller.send("GET", path)
    finally:
        application.gate = usual
    assert (failed.status_code, media_type(failed)) == (400, kind)
    assert (misused.status_code, misused.headers["allow"], media_type(misused)) == (405, "POST", kind)
    if surface in (PAGE, ADMIN):
        assert "<b>This" not in failed.text
        assert "&lt;b&gt;This" in failed.text


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("/nowhere", "application/json", 404),
        ("/api/v1/nowhere/at/all", "application/json", 401),
        ("/v1/nowhere/at/all", "application/vnd.api+json", 401),
        ("/v1/oauth/nowhere", "application/json", 404),
        ("/docs/nowhere", "text/html", 404),
        ("/admin/nowhere", "text/html", 404),
    ],
)
def test_an_unknown_path_is_answered_as_its_neighbours(anybody: Client, path: str, kind: str, status: int) -> None:
    reply = anybody.get(path)
    assert (reply.status_code, media_type(reply)) == (status, kind)


def test_pages_that_are_switched_off_are_not_served() -> None:
    names = {each.surface.errors.name for each in served(Settings(public_pages="off"))}
    assert "public" not in names
    assert "admin" in names
    assert "public" in {each.surface.errors.name for each in served(Settings(admin="off"))}
