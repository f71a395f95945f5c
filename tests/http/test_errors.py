"""The error contract: every code has its status, renders in every dialect, and can be met, or it is said why not."""

import json
from typing import Any

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response

from regulars.audience.questions.faults import CODES as QUESTION_CODES
from regulars.domain.commands import Command, Upsert
from regulars.domain.faults import REFUSALS, Fault
from regulars.domain.origin import Origin
from regulars.domain.outcome import Outcome
from regulars.domain.working import ties
from regulars.http.classic import failures as classic
from regulars.http.errors import ERRORS, Problem
from regulars.http.jsonapi import failures as jsonapi
from regulars.store.engine import OutcomeUnknownError, UnavailableError
from regulars.store.ledger import Ledger, QueueFullError
from tests.in_process import Client, InProcess

FAULTS = (Fault("email", "must be an email address"), Fault("data.plan", "must be text"))
UNREACHED = {
    **{
        code: "/v1/oauth only: tests/http/jsonapi"
        for code, kind in ERRORS.items()
        if kind.meaning.startswith("OAuth: ")
    },
    **dict.fromkeys(QUESTION_CODES, "questions only: tests/audience/questions, tests/http/jsonapi/test_questions.py"),
    "merge_not_kept": "only after the time that merges are kept: tests/store/test_merges.py",
    "erased": "/v1 only: tests/http/jsonapi/test_erasures.py",
    "invalid_parameter": "/v1 only: tests/http/jsonapi",
    "cross_site": "/admin only: tests/http/pages/test_signing_in.py",
    "insecure_connection": "/admin only: tests/http/pages/test_signing_in.py",
    "not_acceptable": "/v1 only: tests/http/jsonapi",
    "media_type": "/v1 only: tests/http/jsonapi",
    "head_too_large": "only of a server with sockets: tests/test_bad_requests.py",
    "timeout": "only of a server with sockets: tests/wire",
    "http_version": "only of a server with sockets: tests/wire",
    "loading": "only of a large site that was not asked before: tests/audience/test_service.py",
    **dict.fromkeys(
        ("audience_circle", "audience_in_use", "changed_meanwhile", "not_a_list"),
        "/v1 only: tests/http/jsonapi/test_audiences.py",
    ),
}
"""Codes that no call of the classic surface can give."""


def request(path: str, **headers: str) -> Request:
    listed = [(name.lower().replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return Request({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": listed})


def problems() -> list[Problem]:
    return [Problem(code, "Something is wrong.", faults=faults) for code in ERRORS for faults in ((), FAULTS)]


def test_every_refusal_of_the_domain_has_a_status() -> None:
    assert REFUSALS.keys() <= ERRORS.keys()
    assert all(400 <= kind.status <= 599 and kind.meaning.endswith(".") for kind in ERRORS.values())


@pytest.mark.parametrize("problem", problems(), ids=lambda problem: f"{problem.code}-{len(problem.faults)}")
class TestEveryCodeInEveryDialect:
    def test_json(self, problem: Problem) -> None:
        response = classic.render(problem, request("/api/v1/customers"))
        assert (response.status_code, response.headers["content-type"]) == (problem.status, "application/json")
        assert json.loads(bytes(response.body)) == {
            "success": False,
            "status": problem.reason,
            "error": "Something is wrong.",
            "message": "Something is wrong.",
            "code": problem.code,
            "errors": [{"field": fault.field, "detail": fault.detail} for fault in problem.faults],
        }
        assert ("www-authenticate" in response.headers) == (problem.code in ("not_authenticated", "key_unknown"))

    def test_plain_text_to_sendwithus_callers(self, problem: Problem) -> None:
        response = classic.render(problem, request("/api/v1/customers", X_SWU_API_CLIENT="node-1"))
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert response.body == b"Something is wrong."
        known = 403 if problem.status == 401 else problem.status
        assert response.status_code == (400 if problem.code == "object_not_found" else known)
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(bytes(response.body))

    def test_json_api(self, problem: Problem) -> None:
        response: Response = jsonapi.render(problem, request("/v1/customers"))
        assert (response.status_code, response.headers["content-type"]) == (problem.status, "application/vnd.api+json")
        errors: list[dict[str, Any]] = json.loads(bytes(response.body))["errors"]
        assert len(errors) == max(1, len(problem.faults))
        for error in errors:
            assert error.keys() >= {"status", "code", "title", "detail", "source"}
            assert (error["status"], error["code"]) == (str(problem.status), problem.code)
            assert error["title"] == problem.reason
        challenged = problem.code in ("not_authenticated", "key_unknown")
        assert "www-authenticate" in response.headers or not challenged


def test_text_is_never_empty_and_always_a_sentence() -> None:
    assert classic.sentence(Problem("invalid", "  ")) == "Bad Request."
    assert classic.sentence(Problem("invalid", "no full stop")) == "no full stop."


def meet(app: InProcess, api: Client, code: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a call of the classic surface that fails with the code, and return the code that it told."""
    known = {"email": "met@example.com", "customer_id": "met"}
    api.post("customers", known)
    api.post("customers", {"email": "other@example.com"})
    api.post("groups", {"name": "Met"})
    match code:
        case "malformed":
            reply = api.post("customers", content=b"{")
        case "invalid":
            reply = api.post("customers", {"email": "nonsense"})
        case "user_identifier_missing":
            reply = api.post("customers", {})
        case "not_authenticated":
            reply = Client(app, {}).get("groups")
        case "key_unknown":
            reply = Client(app, {"Authorization": "Bearer x"}).get("groups")
        case "scope_missing":
            reply = app.client(scopes=("read",)).post("customers", known)
        case "not_found":
            reply = api.get("nothing")
        case "customer_not_found":
            reply = api.get("customers/nobody@example.com")
        case "object_not_found":
            reply = api.delete("groups/grp_unknown")
        case "method_not_allowed":
            reply = api.put("customers", {})
        case "identity_conflict":
            reply = api.post("customers", {"email": "other@example.com", "customer_id": "met"})
        case "unprocessable":
            reply = api.post("/v1/offers", {"data": {"type": "offers", "attributes": {"title": ""}}})
        case "address_taken":
            site = {"data": {"type": "sites", "id": "1"}}
            attributes = {"email": "met@example.com"}
            contact = {"type": "contacts", "attributes": attributes, "relationships": {"site": site}}
            reply = api.post("/v1/contacts", {"data": contact})
        case "duplicate_name":
            reply = api.post("groups", {"name": "Met"})
        case "merge_not_found":
            reply = api.get("/v1/merges/1")
        case "merge_blocked":
            merge = f"/v1/customers/{2**32 + 1}/merge"
            api.post("customers", {"email": "third@example.com"})
            first, _ = (
                api.post(merge, {"data": [{"email": email}]}).json()["data"][0]["id"]
                for email in ("other@example.com", "third@example.com")
            )
            reply = api.post(f"/v1/merges/{first}/undo", {})
        case "too_many_ties":
            monkeypatch.setattr(ties, "MOST_TIES", 0)
            reply = api.post("customers", {**known, "groups": ["Met"]})
        case "rate_limited":
            limited = app.client(rate=1)
            limited.post("batch", [{"method": "GET", "path": "groups"}] * 60)
            reply = limited.get("groups")
            assert reply.headers["retry-after"].isdigit()
        case "too_large":
            reply = api.post("customers", content=b" " * (app.settings.body_limit + 1))
        case "too_many":
            reply = api.post("customers/bulk", {"customers": [{}] * 51})
        case "busy" | "unavailable" | "outcome_unknown":
            failures = {"busy": QueueFullError(), "outcome_unknown": OutcomeUnknownError("the server is gone")}
            error = failures.get(code) or UnavailableError("the disk is gone")

            async def submit(self: Ledger, site: int, command: Command, origin: Origin) -> Outcome:
                raise error

            monkeypatch.setattr(Ledger, "submit", submit)
            reply = api.post("customers", known)
            assert reply.headers["retry-after"] == "1"
        case "internal":

            def broken(*_: object) -> Outcome:
                raise ZeroDivisionError

            monkeypatch.setattr(Upsert, "rule", broken)
            reply = api.post("customers", known)
            assert "ZeroDivision" not in reply.text
        case _:
            raise AssertionError(f"nobody knows how to meet {code}: add a call here, or say in UNREACHED why not")
    assert reply.status_code == ERRORS[code].status
    told = reply.json()
    return str(told["code"] if "code" in told else told["errors"][0]["code"])


@pytest.mark.parametrize("code", [code for code in ERRORS if code not in UNREACHED])
def test_every_code_can_be_met(app: InProcess, api: Client, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert meet(app, api, code, monkeypatch) == code


def test_codes_said_to_be_out_of_reach_are_codes() -> None:
    assert UNREACHED.keys() <= ERRORS.keys()
