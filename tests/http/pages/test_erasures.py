"""Erasures on the page: the list, the certificate, and whom it was about; for administrators."""

from ...in_process import InProcess
from .test_screens import assert_well_formed
from .visiting import signed_in

HOME = "/admin/sites/main"
ERASURES = f"{HOME}/settings/erasures"


def test_an_erasure_has_a_certificate_that_tells_whom_it_was_about(app: InProcess) -> None:
    browser = signed_in(app, "admin")
    empty = browser.get(ERASURES)
    assert_well_formed(empty.text)
    assert "Nobody was erased" in empty.text
    app.client().post("/api/v1/customers", {"email": "gone@erasures.example"})
    gone = browser.get(f"{HOME}/customers.json?q=gone@erasures.example").json()["customers"][0]["id"]
    form = {"confirm": "gone@erasures.example", "reason": "Article 17 <b>"}
    assert browser.post(f"{HOME}/customers/{gone}/erase", form).status_code == 303
    page = browser.get(ERASURES)
    assert_well_formed(page.text)
    assert "Article 17 &lt;b&gt;" in page.text
    (erasure,) = browser.get(f"{ERASURES}.json").json()["erasures"]
    path = f"{ERASURES}/{erasure['id']}"
    certificate = browser.get(path)
    assert_well_formed(certificate.text)
    assert "gone@erasures.example" not in certificate.text
    for who, says in (("GONE@erasures.example", "Yes: the erased"), ("other@erasures.example", "No: the erased")):
        checked = browser.post(f"{path}/verify", {"who": who})
        assert (checked.status_code, says in checked.text) == (200, True), who
        assert_well_formed(checked.text)
    for form in ({}, {"who": "@"}, {"who": "x" * 10_000}):
        assert browser.post(f"{path}/verify", form).status_code in (200, 422), form
    for unknown in ("0-0-0", "x", "1-2", "9-1-1"):
        assert browser.get(f"{ERASURES}/{unknown}").status_code == 404
        assert browser.post(f"{ERASURES}/{unknown}/verify", {"who": "a"}).status_code == 404
    assert signed_in(app, "write").get(ERASURES).status_code == 403
    assert signed_in(app, "admin", account="globex").get(path).status_code in (403, 404)
