"""Completion of questions: what can follow where somebody is typing, from the catalogue and the names of the site."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from regulars.audience.questions.tokens import word_or_quoted
from regulars.http.errors import Problem
from regulars.http.jsonapi.kinds import AUDIENCE, KINDS
from regulars.http.pages.api_client import Parameters
from regulars.http.pages.page import AdminPage

MOST: Final = 10
"""Options at a time."""

_TIE: Final = re.compile(r"\b(\w+):(?:(?:all|none)?\s*\([^()]*?)?([^\s(),:/]*)$")
_MAIL: Final = re.compile(r"\b(\w+):(?:broadcast/([^\s(),:/]*)|\w*)$")
_SAVED: Final = re.compile(r"\bin audience/([^\s(),:/]*)$")
_STATE: Final = re.compile(r"\bis\s+(\w*)$")
_VALUE: Final = re.compile(r"(attr\.[^\s=!<>]+)\s*!?=\s*\"?([^\"]*)$")
_ATTRIBUTE: Final = re.compile(r"\battr\.([^\s=!<>()]*)$")
_WORD: Final = re.compile(r"([\w.]+)$")
TITLES: Final = {each.type: each.title for each in (*KINDS, AUDIENCE)}
"""The kinds of objects by their path below /v1, with the attribute that is their name."""

_GLUE: Final = ("and ", "or ", "not ")


class Option(Struct, frozen=True):
    """What may follow. text: the whole question with it. label: what is added. hint: what that is."""

    text: str
    label: str
    hint: str


async def complete(page: AdminPage, text: str) -> list[Option]:
    """What can stand at the end of a question."""
    catalogue: Mapping[str, Any] = (await page.api.get("/v1/questions/catalogue"))["data"]["attributes"]
    ties = {each["name"]: each["objects"] for each in catalogue["ties"]}
    if (found := _TIE.search(text)) and found[1] in ties:
        return _options(text, found[2], await _objects(page, ties[found[1]], found[2]))
    if (found := _MAIL.search(text)) and found[1] in catalogue["mails"]:
        if found[2] is None:
            start = text[: text.rindex(":") + 1]
            return [Option(f"{start}broadcast/", "broadcast/", "emails of a broadcast")]
        return _options(text, found[2], await _objects(page, "broadcasts", found[2]))
    if found := _SAVED.search(text):
        return _options(text, found[1], await _objects(page, "audiences", found[1]))
    if found := _STATE.search(text):
        return _options(text, found[1], _starting(found[1], ((each["name"], "state") for each in catalogue["states"])))
    if found := _VALUE.search(text):
        return await _values(page, text, found[1], found[2])
    if found := _ATTRIBUTE.search(text):
        parameters = {"filter[name_starts]": found[1] or None, "page[size]": MOST}
        known = (await page.api.get("/v1/attributes", parameters))["data"]
        names = ((each["attributes"]["q"], _so_many(page, each["attributes"]["customers"])) for each in known)
        return _options(text, f"attr.{found[1]}", [(f"{name} = ", hint) for name, hint in names])
    found = _WORD.search(text)
    typed = "" if found is None else found[1]
    if text and not typed:
        return _options(text, "", [(each, "") for each in _GLUE]) if text.endswith(" ") else []
    return _options(text, typed, _starting(typed, _words(catalogue)))


def _words(catalogue: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Every beginning of a condition, with what it is about."""
    yield "is ", "a state, such as subscribed"
    for each in catalogue["ties"]:
        yield f"{each['name']}:", f"tied to a {each['name'].replace('_', ' ')}"
    for name in catalogue["mails"]:
        yield f"{name}:", "what became of emails"
    for each in catalogue["fields"]:
        for name in (*each["aliases"], each["name"]):
            yield f"{name} ", {"time": "a time", "money": "an amount"}.get(each["kind"], f"a field: {each['words']}")
    yield "attr.", "an attribute of yours"
    yield "did ", "what customers did"
    yield "in audience/", "a saved audience"
    yield "not ", "the opposite"


def _starting(typed: str, words: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    start = typed.lower()
    return [each for each in words if each[0].startswith(start) and each[0].strip() != start]


def _options(text: str, typed: str, found: Iterable[tuple[str, str]]) -> list[Option]:
    start = text[: len(text) - len(typed)]
    return [Option(start + label, label, hint) for label, hint in list(found)[:MOST]]


async def _objects(page: AdminPage, path: str, typed: str) -> list[tuple[str, str]]:
    """The objects whose name has what was typed, by what the text form calls them."""
    return [(word_or_quoted(key), "" if name == key else name) for key, name in await named_objects(page, path, typed)]


async def named_objects(page: AdminPage, path: str, typed: str) -> list[tuple[str, str]]:
    """The keys and names of objects whose name has a text; numbers instead of keys where they have none.

    path: of the kind below /v1, as the catalogue of questions has it. Raises Problem for any other.
    """
    if path not in TITLES:
        raise Problem("invalid", f"There are no objects named {path!r}.")
    title = TITLES[path]
    fields = "name,key" if path == "audiences" else None  # without their figures, which would be counted
    parameters: Parameters = {f"filter[{title}_cont]": typed or None, "page[size]": MOST, "fields[audiences]": fields}
    found = (await page.api.get(f"/v1/{path}", parameters))["data"]
    keys = [each["attributes"].get("key") or each["attributes"].get("code") or each["id"] for each in found]
    return [(key, each["attributes"][title]) for key, each in zip(keys, found, strict=True)]


async def _values(page: AdminPage, text: str, name: str, typed: str) -> list[Option]:
    """The commonest values of an attribute."""
    parameters: Parameters = {"filter[name_starts]": name.removeprefix("attr."), "page[size]": MOST}
    known = (await page.api.get("/v1/attributes", parameters))["data"]
    values: list[Any] = next((each["attributes"]["values"] for each in known if each["attributes"]["q"] == name), [])
    start = text[: len(text) - len(typed)].removesuffix('"')
    return [
        Option(start + _literal(each["value"]), _literal(each["value"]), _so_many(page, each["customers"]))
        for each in values
        if str(each["value"]).lower().startswith(typed.lower())
    ][:MOST]


def _so_many(page: AdminPage, customers: int) -> str:
    return f"{page.format.number(customers)} {'customer' if customers == 1 else 'customers'}"


def _literal(value: Any) -> str:
    return msgspec.json.encode(value).decode()
