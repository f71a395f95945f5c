"""Imports of files over HTTP: upload, result, refused lines, cancelling, and whose they are."""

import asyncio
import gzip
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ...databases import query
from ...in_process import Client, InProcess, application

PEOPLE = "email,city,subscribed\na@example.com,Rome,yes\nb@example.com,,no\nnobody,,\n"


@pytest.fixture(scope="module")
def app(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    folder = tmp_path_factory.mktemp("imports")
    with application(folder, engine, files_folder=str(folder / "files"), upload_limit=1024 * 1024) as running:
        yield running


@pytest.fixture(scope="module")
def api(app: InProcess) -> Client:
    return app.client()


def upload(api: Client, content: str | bytes, query: str = "") -> Any:
    data = content.encode() if isinstance(content, str) else content
    return api.send("POST", f"/v1/imports{query}", content=data)


def finished(api: Client, content: str | bytes, query: str = "") -> dict[str, Any]:
    """The resource of an import when it has ended."""
    made = upload(api, content, query)
    assert made.status_code == 202, made.text
    return ended(api, made.json()["data"]["id"])


def ended(api: Client, number: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found: dict[str, Any] = api.send("GET", f"/v1/imports/{number}").json()["data"]
        if found["attributes"]["state"] in ("done", "failed", "cancelled"):
            return found
        api.app.run(asyncio.sleep(0.05))
    raise AssertionError("the import did not end")


def total(api: Client, query: str = "") -> int:
    return int(api.send("GET", f"/v1/customers{query}").json()["meta"]["total_count"])


def test_a_file_is_uploaded_imported_and_its_refused_lines_are_mended(api: Client) -> None:
    before = total(api)
    found = finished(api, PEOPLE, "?name=people.csv&tags=spring,vip")
    attributes = found["attributes"]
    assert attributes["state"] == "done"
    assert (attributes["done"], attributes["total"]) == (len(PEOPLE), len(PEOPLE))
    summary = attributes["summary"]
    assert (summary["lines"], summary["created"], summary["rejected"]) == (3, 2, 1)
    kept = "SELECT count(*) FROM import_changes WHERE import_number = ?"
    assert query(api.app.path, kept, attributes["number"]) == [(2,)]
    (table,) = attributes["tables"]
    assert [each["field"] for each in table["columns"]] == ["email", "city", "subscribed"]
    assert total(api) == before + 2
    refused = api.send("GET", f"/v1/imports/{found['id']}/rejects")
    assert refused.headers["content-type"].startswith("text/csv")
    assert refused.headers["content-disposition"] == f'attachment; filename="import-{found["id"]}-rejects.csv"'
    assert "must be an email address" in refused.text
    mended = finished(api, refused.text.replace("nobody", "c@example.com", 1))
    assert mended["attributes"]["summary"]["created"] == 1
    assert "rejects" not in mended["links"]
    assert api.send("GET", f"/v1/imports/{mended['id']}/rejects").status_code == 404
    again = finished(api, gzip.compress(PEOPLE.encode()), "?tags=spring,vip")
    assert again["attributes"]["summary"]["unchanged"] == 2
    listed = api.send("GET", "/v1/imports").json()["data"]
    assert [each["id"] for each in listed][:3] == [again["id"], mended["id"], found["id"]]


def test_a_dry_run_changes_nothing(api: Client) -> None:
    before = total(api)
    found = finished(api, "email\ndry@example.com\n", "?dry_run=true")
    assert found["attributes"]["summary"]["created"] == 1
    assert total(api) == before


def test_events_are_imported(api: Client) -> None:
    found = finished(api, "Wann,Mail\n2026-01-02,a@example.com\n", "?kind=activity&event=visit&map=Wann%3Dtimestamp")
    assert found["attributes"]["summary"]["rejected"] == 0, found
    assert found["attributes"]["summary"]["lines"] == 1


def test_what_cannot_be_read_fails_with_the_reason(api: Client) -> None:
    for content, told in (
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"name\nAnna\n", "no column has the address"),
        (b"email,joined\na@example.com,03/04/2020\n", "date"),
    ):
        found = finished(api, content)
        assert found["attributes"]["state"] == "failed"
        assert told in found["attributes"]["error"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("?kind=people", "kind"),
        ("?date_order=ydm", "date_order"),
        ("?time_zone=Mars/Olympus", "time_zone"),
        ("?map=x", "map"),
        ("?map=A%3Demial", "did you mean email"),
        ("?dry_run=perhaps", "dry_run"),
        ("?site_id=999999", "site_id"),
        ("?colour=red", "colour"),
    ],
)
def test_parameters_that_cannot_be_taken(api: Client, query: str, told: str) -> None:
    reply = upload(api, PEOPLE, query)
    assert reply.status_code == 400
    assert told in reply.text


def test_bodies_that_cannot_be_taken_leave_no_file(api: Client) -> None:
    folder = api.app.settings.files
    assert folder is not None
    before = sorted(folder.iterdir()) if folder.exists() else []
    assert upload(api, b"").status_code == 400
    assert upload(api, b"x" * (1024 * 1024 + 1)).status_code == 413

    def streamed() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 64 * 1024

    assert api.send("POST", "/v1/imports", content=streamed()).status_code == 413
    assert (sorted(folder.iterdir()) if folder.exists() else []) == before


def test_an_import_belongs_to_its_account(app: InProcess, api: Client) -> None:
    found = finished(api, PEOPLE)
    other = app.client(account="other", site="theirs")
    for method, path in (("GET", ""), ("GET", "/rejects"), ("POST", "/cancel"), ("POST", "/undo")):
        assert other.send(method, f"/v1/imports/{found['id']}{path}").status_code == 404
    assert other.send("GET", "/v1/imports").json()["data"] == []
    assert upload(other, PEOPLE, f"?site_id={app.site('acme', 'main')}").status_code == 400
    reading = app.client(scopes=("read",))
    assert upload(reading, PEOPLE).status_code == 403
    for path in ("cancel", "undo"):
        assert reading.send("POST", f"/v1/imports/{found['id']}/{path}").status_code == 403


def undone(api: Client, number: str) -> dict[str, Any]:
    """The undo of an import when it has ended."""
    begun = api.send("POST", f"/v1/imports/{number}/undo")
    assert begun.status_code == 202, begun.text
    assert begun.json()["data"]["attributes"]["undo"]["state"] in ("waiting", "running", "done")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found: dict[str, Any] = ended(api, number)["attributes"]["undo"]
        if found["state"] in ("done", "failed"):
            return found
        api.app.run(asyncio.sleep(0.05))
    raise AssertionError("the undo did not end")


def test_an_import_is_undone(api: Client) -> None:
    lines = "".join(f"u{n}@undone.example,Rome\n" for n in range(5))
    number = finished(api, f"email,city\n{lines}")["id"]
    assert ended(api, number)["attributes"]["undo"] is None
    changed = api.send("POST", "/v1/imports", content=b"email,city\nu0@undone.example,Oslo\n").json()["data"]["id"]
    ended(api, changed)
    found = undone(api, number)
    assert (found["state"], found["done"], found["error"]) == ("done", 5, None)
    assert (found["summary"]["deleted"], found["summary"]["reasons"]) == (4, {"changed since the import": 1})
    assert [each["reason"] for each in found["summary"]["examples"]] == ["changed since the import"]
    assert total(api, "?filter[email_contains]=undone.example") == 1
    listed = {each["id"]: each["attributes"]["undo"] for each in api.send("GET", "/v1/imports").json()["data"]}
    assert listed[number] == found
    assert undone(api, changed)["summary"]["restored"] == 1
    assert undone(api, number)["summary"]["deleted"] == 1
    assert total(api, "?filter[email_contains]=undone.example") == 0
    assert undone(api, number)["summary"]["customers"] == 0


def test_what_cannot_be_undone_is_refused_or_fails(api: Client) -> None:
    for content, options, told in (
        (PEOPLE, "?dry_run=true", "dry run"),
        ("event,email\nvisit,a@example.com\n", "?kind=activity", "cannot be undone"),
    ):
        number = finished(api, content, options)["id"]
        refused = api.send("POST", f"/v1/imports/{number}/undo")
        assert (refused.status_code, told in refused.text) == (422, True)
    failed = undone(api, finished(api, "name\nAnna\n")["id"])
    assert (failed["state"], "nothing was imported" in failed["error"]) == ("failed", True)
    assert api.send("POST", f"/v1/imports/{number}/undo?fast=true").status_code == 400
    assert api.send("POST", "/v1/imports/1/undo").status_code == 404


def test_sentences_name_parameters_and_not_options(api: Client) -> None:
    attributes = finished(api, "name,city\nnobody,Rome\n")["attributes"]
    assert attributes["state"] == "failed"
    assert "say which it is with map=COLUMN=email" in attributes["error"]
    attributes = finished(api, "email,joined_at\na@example.com,03/04/2026\n")["attributes"]
    assert "say date_order dmy or date_order mdy" in attributes["error"]
    (table,) = finished(api, "email,status\na@b.example,unsubscribed\n", "?dry_run=true")["attributes"]["tables"]
    assert any("map=status=consent_status" in each for each in table["notes"])
    assert "--" not in repr(table)


def test_an_import_that_has_ended_cannot_be_cancelled(api: Client) -> None:
    found = finished(api, PEOPLE)
    assert api.send("POST", f"/v1/imports/{found['id']}/cancel").status_code == 422


def test_a_large_import_is_cancelled(api: Client) -> None:
    lines = "".join(f"p{n}@cancelled.example\n" for n in range(40_000))
    number = upload(api, f"email\n{lines}").json()["data"]["id"]
    assert api.send("POST", f"/v1/imports/{number}/cancel").status_code == 200
    found = ended(api, number)
    assert found["attributes"]["state"] == "cancelled"
    assert total(api, "?filter[email_contains]=cancelled.example") < 40_000


def test_blueshift_starts_the_import_of_a_dry_run(app: InProcess, api: Client) -> None:
    trigger = "/api/v1/customer_attributes/trigger_import"
    dry = finished(api, "email\nset-up@example.com\n", "?dry_run=true&tags=set-up")
    made = api.send("POST", trigger, json={"uuid": dry["id"]})
    assert made.status_code == 200, made.text
    done = ended(api, made.json()["import_id"])["attributes"]
    assert (done["dry_run"], done["summary"]["created"], done["options"]["tags"]) == (False, 1, ["set-up"])
    assert total(api, "?filter[search]=set-up") == 1
    real = made.json()["import_id"]
    for uuid, status in (("", 400), (5, 400), ("no", 404), (real, 404), ("99999", 404)):
        assert api.send("POST", trigger, json={"uuid": uuid}).status_code == status, uuid
    assert app.client(account="beta", site="theirs").send("POST", trigger, json={"uuid": dry["id"]}).status_code == 404
