"""Events of customers who were deleted create nobody and are answered 200, whatever door they come through."""

import asyncio
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from regulars.cli.imports import ImportJob, carry_out
from tests.databases import url_of
from tests.in_process import Client

EVENTS: list[dict[str, Any]] = [
    {"event": "email_opened", "email": "gone@t.example", "message_id": "m"},
    {"event": "email_opened", "message_id": "m"},
    {"event": "email_bounced", "email": "gone@t.example", "bounce_type": "hard"},
    {"event": "email_complained", "customer_id": "gone"},
    {"event": "purchase", "email": "gone@t.example", "revenue": 5, "timestamp": 1_700_000_000},
    {"event": "identify", "customer_id": "gone", "name": "Gone", "timestamp": 1_700_000_000},
]


def by_event(api: Client, event: dict[str, Any], folder: Path) -> str:
    reply = api.post("event", event)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["result"])


def by_bulk(api: Client, event: dict[str, Any], folder: Path) -> str:
    reply = api.post("bulkevents", {"events": [event]}).json()
    assert (reply["count"], reply["failed"]) == (1, [])
    return "ignored" if reply.get("ignored") == [0] else "taken"


def by_batch(api: Client, event: dict[str, Any], folder: Path) -> str:
    (item,) = api.post("batch", [{"path": "/api/v1/event", "method": "POST", "body": event}]).json()
    assert item["status_code"] == 200
    return str(item["body"]["result"])


def by_import(api: Client, event: dict[str, Any], folder: Path) -> str:
    file = folder / "activity.ndjson.gz"
    file.write_bytes(gzip.compress(msgspec.json.encode(event) + b"\n"))
    work = carry_out(ImportJob(kind="activity", file=str(file), database=url_of(api.app.path), create=True))
    summary, *_ = api.app.run(asyncio.wait_for(work, 30))
    return "ignored" if (summary.lines, summary.ignored) == (1, 1) else "taken"


@pytest.mark.parametrize("door", [by_event, by_bulk, by_batch, by_import])
@pytest.mark.parametrize("place", range(len(EVENTS)))
def test_every_door_ignores_what_is_of_somebody_deleted(
    api: Client, tmp_path: Path, door: Callable[[Client, dict[str, Any], Path], str], place: int
) -> None:
    mail = {"message_id": f"{door.__name__}-{place}"}
    event = EVENTS[place] | (mail if "message_id" in EVENTS[place] else {})
    api.post("customers", {"email": "gone@t.example", "customer_id": "gone"})
    api.post("event", {"event": "email_sent", "email": "gone@t.example", **mail})
    assert api.delete("customers/gone@t.example").json()["result"] == "deleted"
    before = api.app.contents()
    assert door(api, event, tmp_path) == "ignored"
    after = api.app.contents()
    assert after.rows["customers"] == before.rows["customers"] == 0
    assert after.rows["activities"] == before.rows["activities"]
