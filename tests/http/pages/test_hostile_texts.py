"""Texts of customers and users are never markup: every field at once, on every screen that shows it."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings

from ...in_process import Client, InProcess
from .test_screens import HOSTILE, assert_well_formed
from .visiting import Browser, signed_in

HOME = "/admin/sites/main"
MARKS = ("<script>alert", "onerror=alert(1)>", "<b>bold")


class World:
    """An account whose names can all be changed at once."""

    def __init__(self, app: InProcess) -> None:
        self.browser: Browser = signed_in(app, "admin")
        self.client: Client = app.client()
        self.people = [self._person(each) for each in ("one", "two")]
        self.audience = self._made("audiences", name="Audience", kind="dynamic", q="tag:hostile")
        self.list = self._made("audiences", name="List", kind="list")
        self.objects = {
            kind: self._made(kind, name="Object", **({"key": "hostile"} if kind == "contact_tags" else {}))
            for kind in ("contact_tags", "groups", "newsletters")
        }
        self.other_tag = self._made("contact_tags", name="Other")
        event = {"event": "email_sent", "email": "one@hostile.example", "broadcast_id": 77}
        self.send("POST", "/api/v1/event", event)

    def send(self, method: str, path: str, body: object = None) -> object:
        call: dict[str, Any] = {} if body is None else {"json": body}
        reply = self.client.send(method, path, **call)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else None

    def rename(self, text: str) -> None:
        """Put a text into every field that takes any."""
        fields = ("firstname", "lastname", "name", "note", "customer_id", "gender", "address_line_1", "address_line_2")
        places = ("address_zip", "address_city", "address_state", "address_country")
        for at, (number, email) in enumerate(zip(self.people, ("one", "two"), strict=True)):
            profile: dict[str, Any] = dict.fromkeys((*fields, *places), text)
            profile |= {"customer_id": f"{text}{at}", "email": f"{email}@hostile.example", "list": [text], text: text}
            self.client.send("POST", "/api/v1/customers", json=profile)
            event = {"event": text, "email": profile["email"], "what": text, "tag_id": "hostile"}
            self.client.send("POST", "/api/v1/event", json=event)
            consent = {"subscribed": at == 0, "wording": text, "proof": text}
            body = {"data": {"type": "profiles", "attributes": consent}}
            self.client.send("PATCH", f"/v1/customers/{number}/profile", json=body)
        renamed = {**{kind: [number] for kind, number in self.objects.items()}, "audiences": [self.audience, self.list]}
        renamed["contact_tags"].append(self.other_tag)
        for kind, numbers in {**renamed, "broadcasts": ["77"]}.items():
            for number in numbers:
                attributes = {"name": f"{text}{number}", "description": text}
                body = {"data": {"type": kind, "id": number, "attributes": attributes}}
                self.client.send("PATCH", f"/v1/{kind}/{number}", json=body)
        self.browser.post(f"{HOME}/settings", {"title": text, "name": text})
        self.browser.post(f"{HOME}/settings/keys", {"label": text, "scope": ["read"], "current_password": ""})

    def screens(self, text: str) -> list[str]:
        """Every screen, with the text in what can be asked for, too."""
        one, two = self.people
        asked = quote(text)
        return [
            "/overview",
            "/customers",
            f"/customers?q={asked}",
            f"/customers?q={quote('name = ' + text)}&columns={asked}&sort={asked}",
            f"/bulk-action?q={quote('tag:hostile')}&type=add_tag&object={asked}",
            f"/bulk-action?q={asked}&type=set_attribute&attribute={asked}&value={asked}",
            f"/customers?q={quote(f'in audience/{self.audience} or in list/{self.list} or sent:broadcast/77')}",
            f"/audiences/{self.audience}?by=tag",
            f"/audiences/{self.audience}?attribute={asked}",
            "/questions/attributes",
            "/bulk-actions",
            "/duplicates",
            f"/customers/{one}/merge?q={asked}",
            f"/customers/{one}/merge?other={two}",
            *(f"/customers/{one}{part}" for part in ("", "/edit", "/delete", f"?why={self.audience}", "?show=email")),
            "/audiences",
            f"/audiences/{self.audience}?customer={asked}&by={asked}",
            f"/audiences/{self.audience}?customer=one@hostile.example&by=address_city",
            f"/audiences/{self.list}",
            "/broadcasts",
            "/broadcasts/77",
            "/objects",
            *(f"/objects/{kind}{part}" for kind, number in self.objects.items() for part in ("", f"/{number}")),
            f"/objects/contact_tags?name={asked}",
            f"/objects/contact_tags/{self.objects['contact_tags']}/merge?into={asked}",
            f"/objects/contact_tags/{self.objects['contact_tags']}/merge?into={self.other_tag}",
            *(f"/settings{part}" for part in ("", "/keys", "/users", "/audit")),
            "/account",
            "/imports",
            "/exports",
        ]

    def _person(self, name: str) -> str:
        email = f"{name}@hostile.example"
        self.send("POST", "/api/v1/customers", {"email": email, "tags": ["hostile"]})
        found = self.send("GET", f"/v1/customers?filter[email_contains]={email}")
        assert isinstance(found, dict)
        return str(found["data"][0]["id"])

    def _made(self, type_: str, **attributes: str) -> str:
        made = self.send("POST", f"/v1/{type_}", {"data": {"type": type_, "attributes": attributes}})
        assert isinstance(made, dict)
        return str(made["data"]["id"])


@pytest.fixture(scope="module")
def hostile(app: InProcess) -> World:
    return World(app)


def check(hostile: World, text: str) -> None:
    hostile.rename(text)
    for path in hostile.screens(text):
        page = hostile.browser.get(f"{HOME}{path}")
        assert page.status_code in (200, 404, 422), path
        assert_well_formed(page.text)
        assert [each for each in MARKS if each in page.text] == [], path


def test_no_text_is_markup_on_any_screen(hostile: World) -> None:
    check(hostile, "\"><script>alert(1)</script><b>bold\u202e\U0001f469\u200d\U0001f680&amp;{{ 7 * 7 }}'\u2400 ")


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(HOSTILE)
@example("\u05dc\u05d0\u05d4 <img src=x onerror=alert(1)>")
@example("W" * 200)
def test_texts_of_any_kind_are_never_markup(hostile: World, text: str) -> None:
    check(hostile, text)
