"""Merging on the page: finding the other person, both side by side, the merge, its undo, and possible duplicates."""

from ...in_process import InProcess
from .test_screens import assert_well_formed
from .visiting import signed_in

HOME = "/admin/sites/main"


def test_two_people_are_compared_merged_and_taken_apart(app: InProcess) -> None:
    client, browser = app.client(), signed_in(app, "write")
    for name in ("anna", "anne"):
        client.post("/api/v1/customers", {"email": f"{name}@mergepage.example", "firstname": f"{name} <b>"})
    asked = "q=email%20contains%20mergepage.example&sort=email"
    first, second = (each["id"] for each in browser.get(f"{HOME}/customers.json?{asked}").json()["customers"])
    start = f"{HOME}/customers/{first}/merge"
    found = browser.get(f"{start}?search=anne")
    assert_well_formed(found.text)
    assert f"other={second}" in found.text
    side = browser.get(f"{start}?other={second}")
    assert_well_formed(side.text)
    assert "anne &lt;b&gt;" in side.text
    for other in (first, "0", "x", "999999999999999999999"):
        wrong = browser.get(f"{start}?other={other}")
        assert wrong.status_code == 422, other
        assert_well_formed(wrong.text)
        assert browser.post(start, {"other": other}).status_code == 422
    merged = browser.post(start, {"other": second, "prefer": "survivor"})
    assert merged.status_code == 303, merged.text
    path = merged.headers["location"]
    assert_well_formed(browser.get(path).text)
    assert browser.get(f"{HOME}/customers.json?{asked}").json()["total"] == 1
    assert_well_formed(browser.get(f"{HOME}/duplicates").text)
    assert browser.post(f"{path}/undo").status_code == 303
    assert browser.get(f"{HOME}/customers.json?{asked}").json()["total"] == 2
    assert browser.post(f"{HOME}/duplicates/dismiss", {"id": [first, second]}).status_code == 303
    assert browser.post(f"{HOME}/duplicates/dismiss", {"id": "x"}).status_code in (400, 404, 422)
