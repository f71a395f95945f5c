"""The pages for customers: signed links, double opt-in, one-click unsubscribe, preferences and erasure."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from regulars.domain.site_settings import LANGUAGES
from regulars.http.pages.public_page import PRIVATE
from regulars.http.pages.public_texts import TEXTS

from .test_audit_events import administrator
from .world import World

WORDING = "Yes, <b>send</b> me offers"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
_numbers = count(1)


def customer(world: World, address: str | None = None, **more: Any) -> str:
    """A new customer's path below /v1."""
    address = address or f"greta{next(_numbers)}.public@pages.example"
    world.save(world.one, {"email": address, **more})
    (found,) = world.one.document(f"/v1/customers?filter[email_contains]={address}")["data"]
    return f"/v1/customers/{found['id']}"


def asked(world: World, home: str, **more: Any) -> str:
    reply = world.one.send("POST", f"{home}/consents/request", json={"wording": WORDING, **more})
    assert reply.status_code == 201, reply.text
    url: str = reply.json()["data"]["attributes"]["url"]
    return url


def links(world: World, home: str, **body: Any) -> dict[str, str]:
    reply = world.one.send("POST", f"{home}/links", json=body)
    assert reply.status_code == 200, reply.text
    found: dict[str, str] = reply.json()["data"]["attributes"]
    return found


def visit(world: World, method: str, url: str, **more: Any) -> httpx.Response:
    """What a browser without a session gets."""
    reply = world.nobody.send(method, url, **more)
    assert {name: reply.headers[name] for name in PRIVATE} == PRIVATE
    assert "'unsafe" not in reply.headers["content-security-policy"]
    assert "set-cookie" not in reply.headers
    return reply


def evidence(world: World, home: str) -> list[tuple[str, bool, str | None]]:
    """(purpose, granted, source), newest first."""
    found = [each["attributes"] for each in world.one.document(f"{home}/consents")["data"]]
    return [(each["purpose"], each["granted"], each["source"]) for each in found]


def total(world: World, question: str) -> int:
    found: int = world.one.document(f"/v1/customers?{question}")["meta"]["total_count"]
    return found


@pytest.fixture(autouse=True)
def _unthrottled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("regulars.http.pages.public_page._RATE", 10_000)
    yield


def test_double_opt_in(own_world: World) -> None:
    world, home = own_world, customer(own_world)
    url = asked(world, home)
    assert total(world, "filter[pending]=true") == total(world, "q=is%20pending") == 1
    for _ in range(2):  # as mail scanners do
        page = visit(world, "GET", url)
        assert (page.status_code, "Yes, &lt;b&gt;send&lt;/b&gt; me offers" in page.text) == (200, True)
    assert evidence(world, home) == []
    for _ in range(2):
        assert visit(world, "POST", url, headers={"User-Agent": "Fire\x07fox"}).status_code == 200
    assert evidence(world, home) == [("marketing", True, "double_opt_in")]
    (shown,) = world.one.document(f"{home}/consents")["data"]
    assert shown["attributes"]["wording"] == WORDING
    assert "Fire fox" in shown["attributes"]["proof"]
    assert (shown["attributes"]["channel"], shown["attributes"]["actor"]["type"]) == ("public_page", "customer")
    assert (total(world, "filter[pending]=true"), total(world, "filter[subscribed]=true&q=%22@pages%22")) == (0, 1)
    visit(world, "POST", links(world, home)["unsubscribe_url"], data=ONE_CLICK)
    refused = visit(world, "POST", url)
    assert (refused.status_code, "unsubscribed since" in refused.text) == (409, True)


def test_one_click_unsubscribe(own_world: World) -> None:
    world = own_world
    address = "one.click@pages.example"
    home = customer(
        world, address, unsubscribed=False, wording="Yes", subscription_groups=[{"id": "news", "subscribed": True}]
    )
    world.happens(world.one, {"event": "email_sent", "email": address, "broadcast_id": "b77"})
    newsletter, all_marketing = links(world, home, newsletter="news"), links(world, home, broadcast="b77")
    assert newsletter["list_unsubscribe"] == f"<{newsletter['unsubscribe_url']}>"
    assert newsletter["list_unsubscribe_post"] == "List-Unsubscribe=One-Click"
    before = evidence(world, home)
    assert visit(world, "GET", newsletter["unsubscribe_url"]).status_code == 200
    assert evidence(world, home) == before
    multipart: Any = {"List-Unsubscribe": (None, "One-Click")}
    for _ in range(2):
        assert visit(world, "POST", newsletter["unsubscribe_url"], files=multipart).status_code == 200
    assert evidence(world, home) == [("newsletter", False, "one_click"), *before]
    assert visit(world, "POST", all_marketing["unsubscribe_url"], data=ONE_CLICK).status_code == 200
    assert evidence(world, home)[0] == ("marketing", False, "one_click")
    assert total(world, "filter[unsubscribed_email_broadcast_id]=b77") == 1


def test_preferences(own_world: World) -> None:
    world = own_world
    home = customer(
        world,
        unsubscribed=False,
        wording="I like offers",
        subscription_groups=[{"id": "news", "subscribed": True}, {"id": "tips", "subscribed": False}],
    )
    url = links(world, home)["preferences_url"]
    page = visit(world, "GET", url).text
    assert page.count(" checked") == 2
    assert "I like offers" in page
    assert "@" not in page.partition("</style>")[2]
    numbers = [each.partition('"')[0] for each in page.split('name="shown" value="')[1:]]
    chosen = {"action": "save", "marketing": "yes", "shown": numbers, "newsletter": numbers}
    assert visit(world, "POST", url, data=chosen).text.count(" checked") == 3
    assert evidence(world, home)[0] == ("newsletter", True, "preferences")
    assert len(evidence(world, home)) == 4
    visit(world, "POST", url, data=chosen)
    assert len(evidence(world, home)) == 4
    assert " checked" not in visit(world, "POST", url, data={"action": "all_off", "shown": numbers}).text
    assert {granted for _, granted, _ in evidence(world, home)[:3]} == {False}
    for wrong in ({}, {"action": "x"}, {"action": "save", "shown": ["0", "x", "9" * 30], "newsletter": "1"}):
        assert visit(world, "POST", url, data=wrong).status_code == 200
    assert visit(world, "POST", url, content=b"\xff\xfe=%ff").status_code == 400


def test_a_customer_erases_everything_after_a_question(own_world: World) -> None:
    world = own_world
    home = customer(world, subscription_groups=[{"id": "news", "subscribed": True}])
    request, found = asked(world, home), links(world, home)
    url = f"{found['preferences_url']}/erase"
    assert visit(world, "GET", url).status_code == 200
    assert visit(world, "POST", url).status_code == 422
    assert world.one.get(home).status_code == 200
    assert visit(world, "POST", url, data={"confirm": "yes"}).status_code == 200
    assert world.one.get(home).status_code == 404
    unknown = visit(world, "GET", f"{found['preferences_url'][:-3]}xyz")
    for gone in (request, found["preferences_url"], found["unsubscribe_url"], url):
        for method in ("GET", "POST"):
            reply = visit(world, method, gone)
            assert reply.status_code == 404
            assert _text(reply) == _text(unknown)


def _text(reply: httpx.Response) -> str:
    """A page without what is random or differs by site."""
    return reply.text.partition("<main>")[2]


def test_links_of_merged_customers_lead_to_the_survivor(own_world: World) -> None:
    world = own_world
    home, other = customer(world), customer(world, unsubscribed=False, wording="Yes")
    url = links(world, home)["unsubscribe_url"]
    merged = world.one.send("POST", f"{other}/merge", json={"data": [{"id": home.rpartition("/")[2]}]})
    assert merged.status_code == 200, merged.text
    assert visit(world, "POST", url, data=ONE_CLICK).status_code == 200
    assert evidence(world, other)[0] == ("marketing", False, "one_click")


def test_a_link_works_for_one_purpose_and_until_its_key_is_revoked(own_world: World) -> None:
    world, home = own_world, customer(own_world)
    found, admin = links(world, home), administrator(own_world)
    token = found["preferences_url"].rpartition("/")[2]
    assert visit(world, "GET", f"/unsubscribe/{token}").status_code == 404
    assert visit(world, "GET", f"/confirm/{token}").status_code == 404
    for wrong in ("x", "1.x", "0." + "a" * 40, "99999." + "a" * 40, token.upper(), f"2{token}", token + "a" * 300):
        assert visit(world, "GET", f"/preferences/{wrong}").status_code == 404
    site = token.partition(".")[0]
    rotated = admin.send("POST", f"/v1/sites/{site}/links/rotate", json={})
    assert rotated.json()["data"]["attributes"] == {"key": 2, "oldest": 1}
    newer = links(world, home)["preferences_url"]
    assert newer != found["preferences_url"]
    assert [visit(world, "GET", each).status_code for each in (found["preferences_url"], newer)] == [200, 200]
    admin.send("POST", f"/v1/sites/{site}/links/rotate", json={"revoke": True})
    assert [visit(world, "GET", each).status_code for each in (found["preferences_url"], newer)] == [404, 404]
    assert world.one.send("POST", f"/v1/sites/{site}/links/rotate", json={}).status_code == 403


def test_pages_have_the_language_and_colour_of_the_site(own_world: World) -> None:
    world, home = own_world, customer(own_world)
    url = links(world, home)["preferences_url"]
    site = url.rpartition("/")[2].partition(".")[0]
    for language in LANGUAGES:
        attributes = {"language": language, "accent_color": "#ffcc00"}
        body = {"data": {"type": "sites", "id": site, "attributes": attributes}}
        reply = world.one.send("PATCH", f"/v1/sites/{site}", json=body)
        assert reply.status_code == 200, reply.text
        page = visit(world, "GET", url).text
        assert f'<html lang="{language}">' in page
        assert TEXTS[language]["all_off"] in page
        assert "#ffcc00; color: #000000" in page
    for name, value in (("language", "xx"), ("accent_color", "red; } *"), ("accent_color", 7)):
        body = {"data": {"type": "sites", "id": site, "attributes": {name: value}}}
        assert world.one.send("PATCH", f"/v1/sites/{site}", json=body).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "wording"),
        ({"wording": " "}, "wording"),
        ({"wording": "x" * 70_000}, "wording"),
        ({"wording": "Yes", "purpose": "sms"}, "purpose"),
        ({"wording": "Yes", "purpose": "newsletter"}, "newsletter"),
        ({"wording": "Yes", "newsletter": "news"}, "newsletter"),
        ({"wording": "Yes", "purpose": "newsletter", "newsletter": []}, "newsletter"),
        ({"wording": "Yes", "expires_in": True}, "expires_in"),
        ({"wording": "Yes", "expires_in": 10**12}, "expires_in"),
        ({"wording": "Yes", "surprise": 1}, "surprise"),
    ],
)
def test_a_request_that_cannot_be_read_names_the_field(world: World, body: dict[str, Any], field: str) -> None:
    (found, *_) = world.one.document("/v1/customers")["data"]
    reply = world.one.send("POST", f"/v1/customers/{found['id']}/consents/request", json=body)
    assert reply.status_code in (400, 422)
    assert field in reply.text
    assert world.other.send("POST", f"/v1/customers/{found['id']}/consents/request", json={}).status_code >= 400


def test_customers_of_others_get_no_links(own_world: World) -> None:
    world, home = own_world, customer(own_world)
    for part in ("links", "consents/request"):
        reply = world.other.send("POST", f"{home}/{part}", json={"wording": "Yes"} if part != "links" else {})
        assert reply.status_code == 404
    for body in ({"newsletter": "nothing"}, {"broadcast": "nothing"}):
        assert world.one.send("POST", f"{home}/links", json=body).status_code == 404
    assert world.one.send("POST", f"{home}/links", json={"newsletter": [1]}).status_code == 400


def test_every_text_is_there_in_every_language() -> None:
    for texts in TEXTS.values():
        for name, text in texts.items():
            assert text.format(site="s", date="d")
            assert ("{site}" in text, "{date}" in text) == (
                "{site}" in TEXTS["en"][name],
                "{date}" in TEXTS["en"][name],
            )


def test_networks_are_throttled_but_not_one_click(own_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world, home = own_world, customer(own_world)
    found = links(world, home)
    monkeypatch.setattr("regulars.http.pages.public_page._RATE", 2)
    statuses = [visit(world, "GET", found["preferences_url"]).status_code for _ in range(6)]
    assert 429 in statuses
    assert {visit(world, "POST", found["unsubscribe_url"], data=ONE_CLICK).status_code for _ in range(6)} == {200}
