"""The overview: first steps on an empty site, figures that are the API's, and what needs attention."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from regulars.jobs.bulk_actions import BULK_ACTION
from regulars.store import jobs

from ...in_process import InProcess
from .test_screens import assert_well_formed
from .visiting import Browser, now, signed_in

OVERVIEW = "/admin/sites/main/overview"
CUSTOMERS = "/admin/sites/main/customers"


@pytest.fixture(scope="module")
def reader(app: InProcess) -> Iterator[Browser]:
    """A reader of a site with ten customers, whose broadcast 8 bounced for one."""
    api = app.client()
    for n in range(10):
        api.post("customers", {"email": f"p{n}@example.com", "name": f"Person {n}"})
        for event in ("email_sent", "email_bounced" if n == 0 else "email_delivered"):
            api.post(
                "event", {"event": event, "email": f"p{n}@example.com", "broadcast_id": 8, "broadcast_name": "July"}
            )
    yield signed_in(app, "read")


def attention(reader: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reader.get(f"{OVERVIEW}.json").json()["attention"]
    return found


def test_an_empty_site_teaches_the_first_step(app: InProcess) -> None:
    for role, may_import in (("read", False), ("write", True)):
        browser = signed_in(app, role, account="empty")
        for path in (OVERVIEW, CUSTOMERS):
            page = browser.get(path).text
            assert_well_formed(page)
            assert ("Import a list</a>" in page) == may_import
            assert 'href="/docs#classic-customers-create"' in page


def test_the_figures_are_those_of_the_api(app: InProcess, reader: Browser) -> None:
    found = reader.get(f"{OVERVIEW}.json").json()
    api = app.client().post("/v1/questions/reach", {"question": {"all": []}}).json()["data"]["attributes"]
    assert found["reach"] == api
    assert (found["new"], sum(each["customers"] for each in found["growth"]), len(found["growth"])) == (10, 10, 31)
    (broadcast,) = found["broadcasts"]
    assert (broadcast["sent"]["customers"], broadcast["delivered"]["customers"]) == (10, 9)


def test_what_needs_attention_leads_to_its_customers(reader: Browser) -> None:
    (bounced,) = attention(reader)
    assert bounced["url"] == "/admin/sites/main/customers?q=bounced:broadcast/8"
    assert "bounced" in bounced["text"]
    assert reader.get(bounced["url"].replace("customers?", "customers.json?")).json()["total"] == 1


def test_jobs_that_failed_need_attention_and_the_newest_activity_is_shown(app: InProcess, reader: Browser) -> None:
    told = {"event": "purchase", "email": "p3@example.com", "order_id": "o-1", "amount": "12.50"}
    assert app.client().post("event", told).status_code == 200
    given = {
        "action": {"type": "add_tag", "object": 1},
        "actor": {"channel": 2, "number": 1},
        "customers": 1,
        "question": None,
    }
    job: dict[str, Any] = {"attempts": 1, "site": app.site("acme", "main"), "arguments": given}
    number = app.run(jobs.enqueue(app.store.engine, BULK_ACTION, now=now(), **job))
    until = time.monotonic() + 60
    while not (failed := [each for each in attention(reader) if each["kind"] == "job"]):
        assert time.monotonic() < until
        app.run(asyncio.sleep(0.02))
    assert failed[0]["url"] == f"/admin/sites/main/bulk-actions/{number}"
    assert failed[0]["text"].startswith("A bulk action failed: ")
    found = reader.get(f"{OVERVIEW}.json").json()
    assert (found["activity"][0]["who"], found["activity"][0]["name"]) == ("Person 3", "purchase")
    assert_well_formed(reader.get(OVERVIEW).text)


def test_the_chart_has_a_table_and_a_file(reader: Browser) -> None:
    page = reader.get(OVERVIEW).text
    assert page.count('class="bar-1"') == 31
    assert_well_formed(page)
    reply = reader.get("/admin/sites/main/overview/new-customers.csv")
    assert reply.headers["content-type"].startswith("text/csv")
    lines = reply.text.splitlines()
    assert (lines[0], len(lines)) == ("day,customers", 32)
