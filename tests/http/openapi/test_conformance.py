"""Random calls of every operation in the document: none ends in a 5xx, and each reply is one that is described.

Schemathesis makes the calls from the document alone, such as it allows and such as it does not. REGULARS_CALLS says how
many of each operation.
"""

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from ...described import described, problems_of
from ...in_process import Client, InProcess

CALLS = int(os.environ.get("REGULARS_CALLS", "1"))
MADE = described()
OPERATIONS: list[Any] = [
    result.ok() for result in schemathesis.openapi.from_dict(MADE).get_all_operations() if isinstance(result, Ok)
]
ANNA = "anna@example.com"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with InProcess(tmp_path_factory.mktemp("conformance") / "regulars.db") as running:
        yield running


@pytest.fixture(scope="module")
def caller(app: InProcess) -> Client:
    """A caller of a site in which somebody is tied to an object of every kind."""
    client = app.client()
    assert client.post("customers", {"email": ANNA, "groups": ["vip"], "customer_id": "c1"}).status_code == 200
    bought = {"event": "purchase", "email": ANNA, "revenue": 5, "offer_id": "course", "product_ids": ["book"]}
    assert client.post("event", bought).status_code == 200
    seeds = {"name": "Our own addresses", "is_seed_list": True}
    assert client.post("/api/v1/custom_user_lists/create", seeds).status_code == 200
    return client


def known(path: str) -> dict[str, str]:
    """The parts of a path that name what is there."""
    is_customer = path.startswith(("/v1/customers", "/v1/contacts/"))
    return {"who": ANNA, "group": "vip", "id": str(2**32 + 1) if is_customer else "1"}


def sent(case: Any, client: Client) -> httpx.Request:
    """The call as schemathesis means it, with a key that may do it."""
    made = case.as_transport_kwargs(base_url="http://regulars.example")
    parts = {name: made[name] for name in ("method", "url", "params", "json", "data", "files") if name in made}
    prepared = requests.Request(**parts).prepare()
    kind = made["headers"].get("Content-Type") or prepared.headers.get("Content-Type")
    headers = {**client.headers, **({} if kind is None else {"Content-Type": str(kind)})}
    body: Any = prepared.body
    return httpx.Request(prepared.method or "", prepared.url or "", headers=headers, content=body)


def test_every_operation_is_called() -> None:
    every = {(method, path) for path, methods in MADE["paths"].items() for method in methods}
    assert {(each.method, each.path) for each in OPERATIONS} == every


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method.upper()} {each.path}")
def test_replies_are_as_described(operation: Any, caller: Client) -> None:
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))

    @settings(max_examples=CALLS, deadline=None, suppress_health_check=list(HealthCheck))
    @given(cases, st.booleans())
    def call(case: Any, is_known: bool) -> None:
        if is_known:
            here = known(operation.path)
            case.path_parameters = {name: here.get(name, value) for name, value in (case.path_parameters or {}).items()}
        request = sent(case, caller)
        reply = caller.app.request(request)
        problems = problems_of(reply, operation.method, operation.path)
        assert problems == [], f"{request.method} {request.url} {request.content[:500]!r} {reply.text[:500]}"

    call()
