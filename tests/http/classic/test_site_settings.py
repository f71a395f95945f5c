"""What the settings of a site and of a key do to calls: country, currency, strictness."""

from typing import Any

import pytest

from regulars.store.site_settings import change_site
from tests.http.checks import done, refused
from tests.in_process import Client, InProcess

NOW = 1_800_000_000_000


def site_with(app: InProcess, name: str, **settings: str) -> Client:
    """A caller whose key is of a new site with these settings."""
    client = app.client(account="settings", site=name)
    app.run(change_site(app.store.engine, app.site("settings", name), settings, now=NOW))
    return client


def customer(api: Client, email: str) -> dict[str, Any]:
    found: dict[str, Any] = done(api.get(f"customers/{email}"))["customer"]
    return found


def test_national_phone_numbers_are_of_the_country_of_the_site(app: InProcess) -> None:
    german, nowhere = site_with(app, "german", country="DE"), site_with(app, "nowhere")
    body = {"email": "phone@t.example", "phone_number": "0151 12345678", "data": {"mobile": "(030) 123456"}}
    for path, sent in (("customers", body), ("event", {**body, "event": "identify"})):
        assert "warnings" not in done(german.post(path, sent))
        assert customer(german, "phone@t.example")["phone_number"] == "+4915112345678"
        fields = [warning["field"] for warning in done(nowhere.post(path, sent))["warnings"]]
        assert fields == ["phone_number", "mobile"]
    (result,) = done(german.post("customers/bulk", {"customers": [{**body, "phone_number": "12345"}]}))["results"]
    assert "national number of DE" in result["warnings"][0]["detail"]
    assert customer(german, "phone@t.example")["custom_attributes"]["phone_number"] == "12345"


def test_a_new_setting_holds_at_once_where_it_is_changed(app: InProcess) -> None:
    api = app.client(account="changing", site="main")
    site = app.site("changing", "main")
    body = {"email": "swiss@t.example", "phone_number": "044 668 18 00"}
    assert len(done(api.post("customers", body))["warnings"]) == 1
    patch = {"data": {"type": "sites", "id": str(site), "attributes": {"country": "CH"}}}
    assert api.send("PATCH", f"/v1/sites/{site}", patch).status_code == 200
    assert "warnings" not in done(api.post("customers", body))
    assert customer(api, "swiss@t.example")["phone_number"] == "+41446681800"


BAD: list[tuple[str, dict[str, Any]]] = [
    ("customers", {"email": "soft@t.example", "phone_number": "12"}),
    ("customers", {"email": "soft@t.example", "data": {"phone": "12"}}),
    ("event", {"event": "identify", "email": "soft@t.example", "joined_at": "some day"}),
    ("event", {"event": "purchase", "email": "soft@t.example", "revenue": "1.005"}),
]


@pytest.mark.parametrize(("path", "body"), BAD)
def test_a_strict_key_refuses_what_cannot_be_read(app: InProcess, path: str, body: dict[str, Any]) -> None:
    strict, soft = app.client(is_strict=True), app.client()
    before = app.contents()
    refused(strict.post(path, body), "invalid")
    refused(soft.post(f"{path}?strict=true", body), "invalid")
    assert app.contents() == before
    assert len(done(soft.post(path, body))["warnings"]) == 1
    assert len(done(strict.post(f"{path}?strict=false", body))["warnings"]) == 1


def test_money_is_rounded_to_the_cent_with_a_warning(app: InProcess) -> None:
    api = app.client(account="cents", site="main")
    bought = {"event": "purchase", "email": "cent@t.example", "order_id": "o", "revenue": "10.005"}
    (warning,) = done(api.post("event", bought))["warnings"]
    assert (warning["field"], warning["given"], warning["taken"]) == ("revenue", "10.005", "10.01")
    assert customer(api, "cent@t.example")["lifetime_revenue"] == 10.01
    assert done(api.post("event", bought))["result"] == "unchanged"


def test_amounts_of_another_currency_count_in_no_figure(app: InProcess) -> None:
    """Currencies are not added up: the first that is named is that of the site."""
    api = app.client(account="currencies", site="main")
    email = "f14@t.example"

    def bought(order: str, revenue: str, **more: str) -> dict[str, Any]:
        body = {"event": "purchase", "email": email, "order_id": order, "revenue": revenue, **more}
        return done(api.post("event", body))

    assert "warnings" not in bought("a", "5", currency="eur")
    (warning,) = bought("b", "9800", currency="JPY")["warnings"]
    assert (warning["field"], warning["given"], warning["taken"]) == ("currency", "JPY", None)
    assert "EUR" in warning["detail"]
    bought("c", "2")
    found = customer(api, email)
    assert (found["lifetime_revenue"], found["lifetime_orders"]) == (7, 3)
    site = app.site("currencies", "main")
    for currency, revenue in (("JPY", 9802), ("USD", 2), ("EUR", 7)):
        patch = {"data": {"type": "sites", "id": str(site), "attributes": {"currency": currency}}}
        assert api.send("PATCH", f"/v1/sites/{site}", patch).json()["data"]["attributes"]["currency"] == currency
        assert customer(api, email)["lifetime_revenue"] == revenue
        (listed,) = api.get(f"/v1/customers?filter[net_revenue_equal_to]={revenue}").json()["data"]
        assert float(listed["attributes"]["net_revenue"]) == revenue


@pytest.mark.parametrize("currency", ["euro", "€", 978, ["EUR"], "E\u200bUR"])
@pytest.mark.parametrize("event", ["purchase", "refund", "conversion"])
def test_a_currency_that_cannot_be_read_is_refused(app: InProcess, event: str, currency: Any) -> None:
    api = app.client()
    before = app.contents()
    body = {"event": event, "email": "odd@t.example", "revenue": "1", "currency": currency}
    refused(api.post("event", body), "invalid", "currency")
    assert app.contents() == before
