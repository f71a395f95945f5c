"""The lists of customers as files: `Accept: text/csv` and `application/x-ndjson`."""

import asyncio
import csv
import json
from typing import Any

import pytest

from regulars.http.jsonapi import customer_files

from .world import COUNT, World

CSV = {"Accept": "text/csv"}
NDJSON = {"Accept": "application/x-ndjson"}


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines(keepends=True)))


def test_a_file_has_those_whom_the_list_has(world: World) -> None:
    for query in ("", "?filter[has_offer_id]=1", "?q=offer:1 and revenue > 10", "?filter[name_contains]=anna"):
        listed = world.one.document(f"/v1/customers{query}{'&' if query else '?'}page[size]=100")
        total = listed["meta"]["total_count"]
        ids = sorted(int(each["id"]) for each in listed["data"])
        lines = world.one.get(f"/v1/customers{query}", headers=NDJSON)
        assert lines.headers["content-type"] == "application/x-ndjson"
        assert lines.headers["content-disposition"] == 'attachment; filename="customers.ndjson"'
        found = [json.loads(line)["regulars_id"] for line in lines.text.splitlines()]
        assert found[: len(ids)] == ids if total > 100 else found == ids, query
        assert int(lines.headers["x-total-count"]) == len(found) == total
        table = world.one.get(f"/v1/contacts{query}", headers=CSV)
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        assert table.headers["content-disposition"] == 'attachment; filename="contacts.csv"'
        assert [int(row["regulars_id"]) for row in rows(table.text)] == found


def test_fields_and_the_byte_order_mark_are_chosen(world: World) -> None:
    reply = world.one.get("/v1/customers?fields=email,tags&excel=true", headers=CSV)
    assert reply.content.startswith(b"\xef\xbb\xbfemail,tags\r\n")
    assert len(reply.text.splitlines()) > COUNT


@pytest.mark.parametrize(
    ("accept", "is_file"),
    [
        ("text/csv, */*;q=0.1", True),
        ("application/vnd.api+json, text/csv;q=0.5", False),
        ("application/json;q=0.2, application/ndjson", True),
        ("*/*", False),
        ("text/html, text/csv;q=0.1", True),
        ("text/csv;q=nonsense, application/json", False),
    ],
)
def test_the_preferred_media_type_decides(world: World, accept: str, is_file: bool) -> None:
    reply = world.one.get("/v1/customers", headers={"Accept": accept})
    assert reply.status_code == 200
    assert ("content-disposition" in reply.headers) == is_file


@pytest.mark.parametrize(
    "query",
    [
        "page[size]=5",
        "fields=email,nonsense",
        "fields[customers]=email",
        "excel=maybe",
        "q=(",
        "sort=name",
        "filter[x]=1",
    ],
)
def test_what_a_file_cannot_have_is_refused(world: World, query: str) -> None:
    status, error = world.one.error(f"/v1/customers?{query}", headers=CSV)
    assert (status, bool(error["detail"])) == (400, True)


def test_no_account_gets_a_file_of_another(world: World) -> None:
    assert len(rows(world.other.get("/v1/customers", headers=CSV).text)) < COUNT
    site = world.app.site("one", "main")
    reply = world.other.get(f"/v1/customers?filter[site_id]={site}", headers=NDJSON)
    assert (reply.status_code, reply.text, reply.headers["x-total-count"]) == (200, "", "0")
    assert world.nobody.get("/v1/customers", headers=CSV).status_code == 401


def test_only_so_many_files_are_sent_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_files, "MOST_AT_ONCE", 0)
    assert world.one.error("/v1/customers", headers=CSV)[0] == 503


def test_a_client_that_leaves_ends_its_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.store.export_reads.SLICE", 1)
    sent: list[dict[str, Any]] = []

    async def leave() -> None:
        has_begun = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await has_begun.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) == 5:
                has_begun.set()
            await asyncio.sleep(0.02)

        headers = [(b"authorization", f"Bearer {world.secret}".encode()), (b"accept", b"application/x-ndjson")]
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/v1/customers",
            "raw_path": b"/v1/customers",
            "query_string": b"",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("x", 80),
            "http_version": "1.1",
            "scheme": "http",
        }
        await world.app.application(scope, receive, send)

    world.app.run(leave())
    assert 5 <= len(sent) < COUNT
    assert sent[-1]["more_body"]
    assert world.one.get("/v1/customers", headers=NDJSON).status_code == 200
