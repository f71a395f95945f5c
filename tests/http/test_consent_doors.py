"""Consent under another spelling ends consent, or is refused, whatever door it comes through."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from regulars.cli.imports import ImportJob, carry_out
from tests.databases import url_of
from tests.in_process import Client

ANNA = "anna@t.example"
Door = Callable[[Client, dict[str, Any], Path], bool]
"""Sends an upsert; returns whether it was accepted."""


def by_upsert(api: Client, body: dict[str, Any], folder: Path) -> bool:
    return api.post("customers", body).status_code == 200


def by_bulk(api: Client, body: dict[str, Any], folder: Path) -> bool:
    return not api.post("customers/bulk", {"customers": [body]}).json()["customers"]


def by_batch(api: Client, body: dict[str, Any], folder: Path) -> bool:
    (item,) = api.post("batch", [{"path": "customers", "method": "POST", "body": body}]).json()
    return bool(item["status_code"] == 200)


def by_event(api: Client, body: dict[str, Any], folder: Path) -> bool:
    return api.post("event", {"event": "identify", **body}).status_code == 200


def by_bulkevents(api: Client, body: dict[str, Any], folder: Path) -> bool:
    return not api.post("bulkevents", {"events": [{"event": "identify", **body}]}).json()["failed"]


def by_file(api: Client, body: dict[str, Any], folder: Path) -> bool:
    return _by_import(api, "customers", body, folder)


def by_activity_file(api: Client, body: dict[str, Any], folder: Path) -> bool:
    return _by_import(api, "activity", {"event": "identify", **body}, folder)


def _by_import(api: Client, kind: Any, line: dict[str, Any], folder: Path) -> bool:
    file = folder / "lines.ndjson"
    file.write_bytes(msgspec.json.encode(line) + b"\n")
    work = carry_out(ImportJob(kind=kind, file=str(file), database=url_of(api.app.path), create=True))
    summary, *_ = api.app.run(asyncio.wait_for(work, 30))
    return bool(summary.rejected == 0)


DOORS = [by_upsert, by_bulk, by_batch, by_event, by_bulkevents, by_file, by_activity_file]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("said", [{"subscribed": False}, {"data": {"unsubscribed": True}}, {"Unsubscribed": "1"}])
def test_an_end_of_consent_is_taken(api: Client, tmp_path: Path, door: Door, said: dict[str, Any]) -> None:
    api.post("customers", {"email": ANNA, "unsubscribed": False})
    assert door(api, {"email": ANNA, **said}, tmp_path)
    customer = api.get(f"customers/{ANNA}").json()["customer"]
    assert customer["unsubscribed"] is True
    assert customer["data"] == {}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("said", [{"subscribed": "never"}, {"data": {"opt_out": {}}}, {"unsubscribed": 0, "opt_in": 0}])
def test_what_cannot_be_read_is_refused(api: Client, tmp_path: Path, door: Door, said: dict[str, Any]) -> None:
    before = api.app.contents()
    assert not door(api, {"email": "new@t.example", **said}, tmp_path)
    after = api.app.contents()
    if door in (by_file, by_activity_file):
        after.rows["imports"] -= 1  # that there was an import is kept, also if it took nothing
    assert after == before


def test_what_was_told_of_the_address_of_somebody_deleted_survives_the_next_owner(api: Client, tmp_path: Path) -> None:
    email = "owned@t.example"
    api.post("event", {"event": "subscribed", "email": email, "timestamp": "2026-01-02"})
    api.delete(f"customers/{email}")
    api.post("event", {"event": "email_unsubscribed", "email": email})
    api.post("event", {"event": "subscribed", "email": "x@t.example", "customer_id": "x", "timestamp": "2026-01-01"})
    for address in (email, "y@t.example"):  # deleted with the address, and with a later one
        api.post("customers", {"customer_id": "x", "email": address})
    api.post("customers/delete", {"customer_id": "x"})
    assert by_file(api, {"email": email, "unsubscribed": False}, tmp_path)
    assert api.get(f"customers/{email}").json()["customer"]["unsubscribed"]
    api.post("customers", {"email": email, "unsubscribed": False})
    assert not api.get(f"customers/{email}").json()["customer"]["unsubscribed"]
