"""What holds for every call: prefixes, labels of bodies, request ids, methods and paths that are not there."""

import re

import pytest

from regulars.http.endpoint import routes
from regulars.http.operations import OPERATIONS
from tests.http.checks import done, refused
from tests.in_process import Client, InProcess


def test_the_old_prefix_leads_to_the_same_calls(api: Client) -> None:
    done(api.post("/api/v1_0/customers", {"email": "old+prefix@example.com"}))
    new = done(api.get("/api/v1/customers/old+prefix@example.com"))
    assert done(api.get("/api/v1_0/customers/old%2Bprefix@example.com")) == new


@pytest.mark.parametrize(
    "label",
    [
        None,
        "application/json",
        "application/json;charset=UTF-8",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "nonsense",
    ],
)
def test_a_json_body_is_read_whatever_its_label(api: Client, label: str | None) -> None:
    headers = {} if label is None else {"Content-Type": label}
    reply = api.post("customers", content=b'{"email": "label@example.com"}', headers=headers)
    assert done(reply)["customer"]["email"] == "label@example.com"


def test_a_chunked_body_is_read_to_its_end(api: Client) -> None:
    pieces = [b'{"email": "chu', b"", b'nked@example.com", "data": {"long": "', b"x" * 30_000, b'"}}']
    assert done(api.post("customers", content=pieces))["customer"]["email"] == "chunked@example.com"


def test_a_get_may_have_a_body(api: Client) -> None:
    done(api.post("customers", {"email": "body@example.com"}))
    done(api.send("GET", "customers/body@example.com", {"ignored": True}))
    done(api.get("customers/body@example.com", content=b"{not json"))


@pytest.mark.parametrize("given", ["abc", "A-z_0.9", "x" * 64])
def test_a_request_id_is_given_back(api: Client, given: str) -> None:
    for path in ("groups", "customers/nobody@example.com", "/nowhere"):
        assert api.get(path, headers={"X-Request-Id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "two words", "ü", "<script>"])
def test_another_request_id_is_replaced(api: Client, given: str) -> None:
    got = api.get("groups", headers={"X-Request-Id": given}).headers["x-request-id"]
    assert got != given
    assert re.fullmatch("[A-Za-z0-9._-]{1,64}", got)


def test_request_ids_differ(api: Client) -> None:
    assert len({api.get(path).headers["x-request-id"] for path in ("groups", "groups", "/nowhere")}) == 3


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/v1", "/api/v1/", "/api/v2/customers", "/api/v1/nothing", "/api/v1/customers/a/b/c", "/x"],
)
def test_an_unknown_path_names_the_page_that_lists_what_there_is(api: Client, path: str) -> None:
    assert "docs/compatibility.md" in refused(api.get(path), "not_found")["error"]


@pytest.mark.parametrize(
    "path", ["snippets", "templates", "send", "customers/a/conversions", "drip_campaigns/1/customers", "customers/"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_vendor_s_call_that_is_not_here_is_told_so_in_the_caller_s_dialect(
    api: Client, swu: Client, method: str, path: str
) -> None:
    reply = api.send(method, path, {})
    assert reply.status_code == 404
    told = swu.send(method, path, {})
    assert told.status_code == reply.status_code
    assert told.text.strip()
    assert told.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "customers", {"GET", "POST", "HEAD"}),
        ("PATCH", "customers/a@example.com", {"GET", "DELETE", "HEAD"}),
        ("GET", "event", {"POST"}),
        ("DELETE", "batch", {"POST"}),
        ("OPTIONS", "customers", {"GET", "POST", "HEAD"}),
        ("TRACE", "groups", {"GET", "POST", "HEAD"}),
        ("BREW", "groups", {"GET", "POST", "HEAD"}),
    ],
)
def test_a_method_that_a_path_does_not_have(api: Client, method: str, path: str, allowed: set[str]) -> None:
    reply = api.send(method, path)
    refused(reply, "method_not_allowed")
    assert set(re.split(", *", reply.headers["allow"])) == allowed


def test_head_is_get_without_a_body(api: Client) -> None:
    got, head = api.get("groups"), api.send("HEAD", "groups")
    assert (head.status_code, head.headers["content-type"]) == (200, "application/json")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert api.send("HEAD", "customers/nobody@example.com").status_code == 404


def test_health_needs_no_key(app: InProcess) -> None:
    reply = Client(app, {}).get("/healthz")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


def test_no_route_hides_another() -> None:
    """Every route is the first to match its own path: what is tried in order is reached in order."""
    every = [route for operation in OPERATIONS for route in routes(operation)]
    for place, route in enumerate(every):
        path = re.sub(r"{\w+(:\w+)?}", "x", route.path)
        first = next(other for other in every if other.path_regex.match(path) and route.methods == other.methods)
        assert first is every[place]


@pytest.mark.parametrize("path", ["/nosuch", "/api/v1/nosuch", "/docs/nosuch", "/api/v2/nosuch", "/api/v3/customers"])
def test_a_key_of_a_dialect_is_told_unknown_paths_in_it(app: InProcess, path: str) -> None:
    reply = app.client(dialect="sendwithus").get(path)
    assert reply.status_code == 404
    if not path.startswith("/docs/"):  # a page
        assert reply.headers["content-type"].startswith("text/plain")
        assert "/docs" in reply.text
    assert app.client().get(path).status_code == 404
    wrong = Client(app, {}).get(path)
    assert wrong.status_code == (401 if path in ("/api/v1/nosuch", "/api/v2/nosuch") else 404)
