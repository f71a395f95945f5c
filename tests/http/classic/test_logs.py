"""The mails of a customer."""

from typing import Any

import pytest

from tests.http.checks import done, refused
from tests.in_process import Client, InProcess

START = 1_700_000_000
ADDRESS = "reader@example.com"


def mail(api: Client, event: str, second: int, **more: Any) -> None:
    done(api.post("event", {"event": event, "email": ADDRESS, "timestamp": second, **more}))


def logs(api: Client, query: str = "", address: str = ADDRESS) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = done(api.get(f"customers/{address}/logs{query}"))["logs"]
    return found


@pytest.fixture(scope="module", autouse=True)
def _mails(api: Client) -> None:
    """105 mails, a second apart, and two in the same second."""
    events = [
        {"event": "email_sent", "email": ADDRESS, "timestamp": START + n, "log_id": f"log_{n}"} for n in range(105)
    ]
    events.append({"event": "email_sent", "email": ADDRESS, "timestamp": START + 104.5, "log_id": "log_half"})
    for part in (events[:100], events[100:]):
        assert done(api.post("bulkevents", {"events": part}))["failed"] == []


def test_newest_first_and_at_most_a_hundred(api: Client) -> None:
    found = logs(api)
    assert [log["id"] for log in found[:3]] == ["log_half", "log_104", "log_103"]
    assert len(found) == 100


@pytest.mark.parametrize("count", [1, 2, 99, 100])
def test_count_limits_the_answer(api: Client, count: int) -> None:
    assert len(logs(api, f"?count={count}")) == count


@pytest.mark.parametrize("count", ["0", "101", "-1", "ten", "1.5", "1e1", "٣", "9" * 30])
def test_another_count_is_refused(api: Client, count: str) -> None:
    assert "1 to 100" in refused(api.get(f"customers/{ADDRESS}/logs?count={count}"), "invalid")["error"]


def test_an_empty_parameter_counts_as_absent(api: Client) -> None:
    assert logs(api, "?count=&created_lt=&created_gt=") == logs(api)


def test_bounds_are_strict(api: Client) -> None:
    assert [log["id"] for log in logs(api, f"?created_lt={START + 2}")] == ["log_1", "log_0"]
    assert [log["id"] for log in logs(api, f"?created_gt={START + 102}")] == ["log_half", "log_104", "log_103"]
    assert [log["id"] for log in logs(api, f"?created_gt={START + 4}&created_lt={START + 6}")] == ["log_5"]
    assert logs(api, f"?created_gt={START + 104}") == [], "also half a second later it is the same second"
    assert logs(api, f"?created_gt={START + 5}&created_lt={START + 6}") == []


@pytest.mark.parametrize("bound", ["yesterday", "1.5", "2026-01-01", "9" * 30])
def test_a_bound_that_is_no_unix_time_is_refused(api: Client, bound: str) -> None:
    for name in ("created_lt", "created_gt"):
        assert name in refused(api.get(f"customers/{ADDRESS}/logs?{name}={bound}"), "invalid")["error"]


def test_a_status_only_moves_forward(api: Client) -> None:
    """Whatever arrives last, and however often."""
    mails = [("email_opened", 5), ("email_sent", 1), ("email_delivered", 3), ("email_opened", 4), ("email_sent", 9)]
    statuses = []
    for event, second in mails:
        mail(api, event, START + 1000 + second, log_id="log_forward")
        statuses.append(next(log for log in logs(api) if log["id"] == "log_forward")["status"])
    assert statuses == ["opened", "opened", "opened", "re_opened", "re_opened"]


def test_a_mail_without_an_id_is_one_per_broadcast(api: Client) -> None:
    for second in (1, 2):
        mail(api, "email_delivered", START + 2000 + second, broadcast_id="spring", message="SendGrid: delivered")
    [log] = logs(api, f"?created_gt={START + 1999}")
    assert log["id"].startswith("log_")
    assert (log["created"], log["status"]) == (START + 2001, "delivered")
    assert (log["message"], log["email_id"]) == ("SendGrid: delivered", "spring")


def test_nobody_has_no_mails(api: Client) -> None:
    refused(api.get("customers/nobody@example.com/logs"), "customer_not_found")
    refused(api.get("customers/nonsense/logs"), "invalid")
    done(api.post("customers", {"email": "unmailed@example.com"}))
    assert logs(api, address="unmailed@example.com") == []


def test_an_event_may_name_a_log_by_the_id_we_gave_it(api: Client) -> None:
    who = {"email": "named@example.com"}
    done(api.post("event", {"event": "email_sent", **who, "broadcast_id": "b1", "timestamp": START}))
    (log,) = logs(api, address="named@example.com")
    done(api.post("event", {"event": "email_opened", **who, "log_id": log["id"], "timestamp": START + 5}))
    (opened,) = logs(api, address="named@example.com")
    assert (opened["id"], opened["status"]) == (log["id"], "opened")


def test_an_id_of_the_form_of_ours_is_never_that_of_two_logs(api: Client) -> None:
    def logs(name: str) -> list[tuple[str, str]]:
        found = done(api.get(f"customers/{name}@forms.example/logs"))["logs"]
        return [(log["id"], log["status"]) for log in found]

    def happens(event: str, name: str, **more: str) -> None:
        done(api.post("event", {"event": event, "email": f"{name}@forms.example", **more}))

    happens("email_sent", "first", broadcast_id="1")
    ((first, _),) = logs("first")
    to_come = f"log_{int(first.removeprefix('log_')) + 2}"
    happens("email_sent", "second", log_id=to_come)
    happens("email_sent", "third", broadcast_id="1")
    assert logs("third") == [(to_come, "sent")]
    happens("email_opened", "second", log_id=to_come)
    happens("email_clicked", "third", log_id=to_come)
    happens("email_clicked", "stranger", log_id=first)  # about the customer of the email with this id (decision 0039)
    assert [status for _, status in logs("first")] == ["clicked"]
    assert [status for _, status in logs("second")] == ["opened"]
    assert logs("third") == [(to_come, "clicked")]
    assert len({logs(name)[0][0] for name in ("first", "second", "third")}) == 3
    refused(api.get("customers/stranger@forms.example"), "customer_not_found")


def test_all_that_is_wrong_with_a_question_is_listed(api: Client) -> None:
    wrong = api.get("customers/a@example.com/logs?count=abc&created_lt=x&created_gt=1")
    assert refused(wrong, "invalid", "count", "created_lt")["message"] == "count must be a whole number from 1 to 100."
    refused(api.get("customers/nonsense/logs"), "invalid", "who")
    refused(api.get("customers"), "invalid", "email")


def listed(api: Client, query: str = "") -> list[dict[str, Any]]:
    reply = api.get(f"logs{query}")
    assert reply.status_code == 200
    found: list[dict[str, Any]] = reply.json()
    return found


def ids(logs: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in logs]


BEYOND = START + 100_000
"""Later than the mails of other tests."""


class TestEverybody:
    def test_the_pages_hold_every_mail_once(self, api: Client) -> None:
        bound = f"created_gte={START}&created_lt={START + 200}"
        by_offset = ids(listed(api, f"?count=60&{bound}")) + ids(listed(api, f"?count=60&offset=60&{bound}"))
        behind: list[str] = []
        while page := ids(listed(api, f"?count=40&{bound}" + (f"&before={behind[-1]}" if behind else ""))):
            behind += page
        assert by_offset == behind
        assert len(set(behind)) == len(behind) >= 106

    def test_bounds(self, api: Client) -> None:
        assert ids(listed(api, f"?created_gt={START}&created_lte={START + 2}")) == ["log_2", "log_1"]
        assert ids(listed(api, f"?created_gte={START + 1}&created_lt={START + 3}")) == ["log_2", "log_1"]
        assert ids(listed(api, f"?created_gte={START + 104}&created_lte={START + 104}")) == ["log_half", "log_104"]
        assert listed(api, f"?created_gt={START + 5}&created_lt={START + 6}") == []

    @pytest.mark.parametrize(
        "query", ["count=0", "count=101", "offset=-1", "offset=10001", "created_lt=x", "created_gte=1.5"]
    )
    def test_refusals(self, api: Client, query: str) -> None:
        refused(api.get(f"logs?{query}"), "invalid", query.partition("=")[0])

    def test_an_unknown_place(self, api: Client) -> None:
        refused(api.get("logs?before=log_unknown"), "object_not_found")


class TestOne:
    def test_a_mail_and_what_happened_to_it(self, api: Client) -> None:
        mail(api, "email_sent", BEYOND + 1_000, log_id="log_one")
        mail(api, "email_clicked", BEYOND + 1_002, log_id="log_one")
        mail(api, "email_opened", BEYOND + 1_001, log_id="log_one", message="Opened at noon")
        found = api.get("logs/log_one").json()
        assert (found["object"], found["id"], found["status"]) == ("log", "log_one", "clicked")
        assert found == logs(api, f"?created_gt={BEYOND + 999}")[0]
        assert api.get("logs/log_one/events").json() == [
            {"object": "event", "created": BEYOND + 1_000, "type": "sent", "message": "Message has been sent"},
            {"object": "event", "created": BEYOND + 1_001, "type": "opened", "message": "Opened at noon"},
            {"object": "event", "created": BEYOND + 1_002, "type": "clicked", "message": "Message has been clicked"},
        ]

    def test_a_mail_without_an_id_of_its_own(self, api: Client) -> None:
        mail(api, "email_sent", BEYOND + 2_000, broadcast_id="bc_numbered")
        (number,) = ids(listed(api, f"?created_gte={BEYOND + 2_000}&created_lte={BEYOND + 2_000}"))
        assert number.startswith("log_")
        assert api.get(f"logs/{number}").json()["email_id"] == "bc_numbered"
        assert len(api.get(f"logs/{number}/events").json()) == 1

    @pytest.mark.parametrize("path", ["logs/log_unknown", "logs/log_1", "logs/log_99999999999999999999/events"])
    def test_an_unknown_mail(self, api: Client, path: str) -> None:
        refused(api.get(path), "object_not_found") if path != "logs/log_1" else None
        told = api.having(X_SWU_API_CLIENT="node-1").get("logs/log_unknown")
        assert (told.status_code, told.headers["content-type"]) == (400, "text/plain; charset=utf-8")

    def test_another_account_s_mail_is_not_there(self, app: InProcess) -> None:
        refused(app.client(account="others").get("logs/log_one"), "object_not_found")


class TestNames:
    def test_they_are_those_that_events_tell(self, api: Client) -> None:
        mail(
            api,
            "email_sent",
            BEYOND + 3_000,
            log_id="log_named",
            template_id="tem_1",
            email_name="Order Confirmation",
            email_version="Version A",
        )
        mail(api, "email_opened", BEYOND + 3_001, log_id="log_named", template_id="tem_1")
        found = api.get("logs/log_named").json()
        assert [found[name] for name in ("email_id", "email_name", "email_version")] == [
            *("tem_1", "Order Confirmation", "Version A")
        ]

    def test_else_that_of_what_was_sent(self, api: Client) -> None:
        mail(api, "email_sent", BEYOND + 4_000, log_id="log_later", broadcast_id="bc_named")
        assert api.get("logs/log_later").json()["email_name"] == "bc_named"
        attributes = {"name": "Spring news"}
        number = api.get("/v1/broadcasts?filter[key]=bc_named").json()["data"][0]["id"]
        body = {"data": {"type": "broadcasts", "id": number, "attributes": attributes}}
        assert api.send("PATCH", f"/v1/broadcasts/{number}", body).status_code == 200
        assert api.get("logs/log_later").json()["email_name"] == "Spring news"
        assert logs(api, f"?created_gt={BEYOND + 3_999}")[0]["email_name"] == "Spring news"
