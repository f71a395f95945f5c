"""Imports and exports on the page: a file is sent, checked, mended, run and undone; each through the API."""

import asyncio
import re
from typing import Any

import pytest
from hypothesis import given, settings

from ...effort import examples
from ...in_process import InProcess
from .test_screens import HOSTILE, assert_well_formed
from .visiting import SAME_ORIGIN, Browser, signed_in

HOME = "/admin/sites/main"
TABLE = "E-Mail;Vorname;Plan, alt;Newsletter\nanna@files.example;Anna;pro;ja\nkaputt;Ben;free;nein\n"


@pytest.fixture(scope="module")
def browser(app: InProcess) -> Browser:
    return signed_in(app, "write")


def sent(browser: Browser, content: str, name: str = "people.csv") -> str:
    """The path of the import of a file that is sent as a browser with script does."""
    headers = {**SAME_ORIGIN, "Content-Type": "application/octet-stream", "Accept": "application/json"}
    reply = browser.send(
        "POST", f"{HOME}/imports/upload?name={name}&kind=customers", headers=headers, content=content.encode()
    )
    assert reply.status_code == 200, reply.text
    return str(reply.json()["url"])


def ended(browser: Browser, path: str) -> dict[str, Any]:
    """The import, once nothing of it is under way."""
    for _ in range(400):
        shown: dict[str, Any] = browser.get(f"{path}.json").json()
        if not shown["is_running"]:
            return shown
        browser.app.run(asyncio.sleep(0.02))  # the job runs on the loop
    raise AssertionError(shown)


def test_a_file_is_checked_mended_imported_and_taken_back(app: InProcess, browser: Browser) -> None:
    path = sent(browser, TABLE)
    shown = ended(browser, path)
    assert (shown["import"]["dry_run"], shown["import"]["summary"]["created"]) == (True, 1)
    assert [each["column"] for each in shown["columns"] if each["is_consent"]] == ["Newsletter"]
    page = browser.get(path)
    assert_well_formed(page.text)
    assert "Nothing is stored yet" in page.text
    form = {
        "column": [each["column"] for each in shown["columns"]],
        "was": [each["field"] for each in shown["columns"]],
        "field": ["email", "firstname", "attribute:text", "ignore"],
        "tags": "spring, vip",
        "existing": "fill",
    }
    again = browser.post(f"{path}/run", {**form, "check": "1"}).headers["location"]
    checked = ended(browser, again)["import"]
    assert (checked["dry_run"], checked["options"]["tags"]) == (True, ["spring", "vip"])
    assert 'value="spring, vip"' in browser.get(again).text
    bad = browser.post(f"{again}/run", {**form, "field": ["nonsense"] * 4})
    assert bad.status_code == 422
    assert_well_formed(bad.text)
    done = browser.post(f"{again}/run", {**form, "import": "1"}).headers["location"]
    imported = ended(browser, done)
    assert (imported["import"]["dry_run"], imported["import"]["summary"]["created"]) == (False, 1)
    assert "kaputt" in browser.get(f"{done}/rejects").text
    client = app.client()
    found = client.get("/v1/customers?filter[email_contains]=anna@files.example").json()["data"]
    profile = client.get(f"/v1/customers/{found[0]['id']}/profile").json()["data"]["attributes"]
    assert profile["custom_attributes"] == {"Plan, alt": "pro"}
    assert sorted(each["id"] for each in profile["ties"] if each["relation"] == "tag.has") == ["spring", "vip"]
    assert browser.post(f"{done}/undo").status_code == 303
    assert ended(browser, done)["import"]["undo"]["summary"]["deleted"] == 1
    assert_well_formed(browser.get(done).text)
    assert_well_formed(browser.get(f"{HOME}/imports").text)


def test_without_script_a_form_sends_the_file(browser: Browser) -> None:
    body = (
        b'--xyz\r\nContent-Disposition: form-data; name="kind"\r\n\r\ncustomers\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="p.csv"\r\nContent-Type: text/csv\r\n\r\n'
        + TABLE.encode()
        + b"\r\n--xyz--\r\n"
    )
    headers = {**SAME_ORIGIN, "Content-Type": "multipart/form-data; boundary=xyz"}
    reply = browser.send("POST", f"{HOME}/imports/upload", headers=headers, content=body)
    assert reply.status_code == 303
    shown = ended(browser, reply.headers["location"])["import"]
    assert (shown["name"], shown["summary"]["lines"]) == ("p.csv", 2)
    for broken in (b"", b"--xyz--\r\n", body[: len(body) // 2], body.replace(b'; filename="p.csv"', b"")):
        reply = browser.send("POST", f"{HOME}/imports/upload", headers=headers, content=broken)
        assert reply.status_code in (400, 422), reply.text
        assert_well_formed(reply.text)


def test_a_file_that_cannot_be_read_says_why(browser: Browser) -> None:
    path = sent(browser, "\x00\x01\x02", "odd.xlsx")
    assert ended(browser, path)["import"]["state"] == "failed"
    assert "send it again" in browser.get(path).text
    assert browser.post(f"{HOME}/imports/999999/run", {"import": "1"}).status_code == 404


def test_an_export_is_begun_and_fetched(browser: Browser) -> None:
    page = browser.get(f"{HOME}/exports")
    assert_well_formed(page.text)
    assert browser.post(f"{HOME}/exports", {"kind": "customers", "format": "csv", "q": "tagg:x"}).status_code == 422
    assert browser.post(f"{HOME}/exports", {"kind": "customers", "format": "csv"}).status_code == 303
    found = next(each for each in ended(browser, f"{HOME}/exports")["exports"] if each["kind"] == "customers")
    assert found["has_file"]
    assert browser.get(f"{HOME}/exports/{found['id']}/file").headers["content-type"] == "application/gzip"
    assert re.search("Delete the file", browser.get(f"{HOME}/exports").text)
    assert browser.post(f"{HOME}/exports/{found['id']}/delete").status_code == 303


@settings(deadline=None, max_examples=examples(3, 30))
@given(HOSTILE)
def test_nothing_of_a_file_is_markup(browser: Browser, text: str) -> None:
    cell = '"' + text.replace('"', '""') + '"'
    path = sent(browser, f"email,{cell},Note\nmallory@files.example,{cell},{cell}\n{cell},1,2\n")
    ended(browser, path)
    page = browser.get(path)
    assert_well_formed(page.text)
    assert "<script>alert" not in page.text
    assert "onerror=alert(1)>" not in page.text
