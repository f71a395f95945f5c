"""Nothing is imported once the server answers: at the end of descriptors an import fails, and it takes its time."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from regulars.http.endpoint import routes
from regulars.http.operations import OPERATIONS

from ..databases import ENGINES, empty_database
from ..effort import slow
from ..running_server import Caller, Server, make_database

ADDRESS = "bücher@bücher.example"
BODIES = [
    {"email": ADDRESS, "name": "Ada", "locale": "de-AT", "birthday": "1980-02-29", "data": {"plan": "gold"}},
    {"email": "not an address", "joined_at": "soon", "locale": "??"},
    {"events": [{"event": "view", "email": "a@example.com", "timestamp": "2024-05-02T10:00:00+02:00"}]},
    {"event": "purchase", "email": "a@example.com", "revenue": "12.50", "currency": "EUR", "timestamp": 1_700_000_000},
    {"grant_type": "client_credentials", "client_id": "1", "client_secret": "x"},
    {"data": {"type": "contacts", "attributes": {"name": "Grace", "email": "grace@example.com"}}},
    [{"path": "/api/v1/groups", "method": "GET"}],
]
QUESTIONS = [
    {},
    {
        "filter[name_contains]": "é",
        "filter[has_tag_id]": "1",
        "sort": "-created_at",
        "page[after]": "",
        "include": "tags",
    },
    {"filter[nonsense]": "x"},
]


def call_everything(caller: Caller) -> None:
    """Each route with each body or question, well-formed or not: some of them come far."""
    for route in (route for operation in OPERATIONS for route in routes(operation)):
        path = route.path.replace("{site_id}", "1")
        path = re.sub(r"{[^}]*}", "4294967297" if path.startswith("/v1/") else "a@example.com", path)
        for method in route.methods or ():
            if method in ("GET", "HEAD", "DELETE"):
                for question in QUESTIONS:
                    caller.call(method, f"{path}?{urlencode(question)}")
            else:
                for body in BODIES:
                    caller.call(method, path, body)
    for label in ("application/vnd.api+json", "application/x-www-form-urlencoded", "text/nonsense"):
        caller.call("POST", "/v1/contacts", json.dumps(BODIES[5]).encode(), Content_Type=label)
    caller.call("GET", "customers/a@example.com", X_SWU_API_CLIENT="python")


@pytest.fixture(params=[each if each == ENGINES[0] else slow(each) for each in ENGINES])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    with empty_database(tmp_path, request.param) as path:
        yield path


def test_nothing_is_imported_at_first_use(database: Path) -> None:
    path = database
    key = make_database(path)
    with Server(path, fresh=True, PYTHONPROFILEIMPORTTIME="1") as server, server.caller(key) as caller:
        assert caller.call("GET", "/healthz").status == 200
        before = server.log
        assert "import time:" in before
        assert caller.call("POST", "customers", {"email": "a@example.com"}).status == 200
        call_everything(caller)
        with server.caller() as stranger:
            assert stranger.call("GET", "/v1/customers").status == 401
        late = re.findall(r"^import time: .*\| +(\S+)$", server.log[len(before) :], re.MULTILINE)
    assert late == []
