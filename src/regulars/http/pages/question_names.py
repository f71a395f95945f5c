"""Objects that a question refers to by number: their names, and the question with names in place of the numbers."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from regulars.http.errors import Problem
from regulars.http.jsonapi.question_catalogue import catalogue
from regulars.http.pages.api_client import Parameters
from regulars.http.pages.page import AdminPage

TIE_PATHS: Final = {**{each["name"]: each["objects"] for each in catalogue()["ties"]}, "list": "audiences"}
"""The kinds of objects by their word in questions: their path below /v1."""

_REFERRING: Final = ("any_of", "all_of", "none_of")
_SAVED: Final = ("audience", "list")
_AUDIENCES: Final = "audiences"
MOST_NAMED: Final = 20
"""Objects that are looked up for a question."""

_NAME_ONLY: Final[Parameters] = {"fields[audiences]": "name"}  # without its figures, which would be counted


async def names_of(page: AdminPage, question: Any) -> dict[str, str]:
    """The names of the objects that a question refers to by number, as {path/number: name}."""
    numbers: dict[str, None] = {}

    def note(path: str, number: int) -> int:
        numbers[f"{path}/{number}"] = None
        return number

    _each_number(question, note)
    found = {}
    for place in list(numbers)[:MOST_NAMED]:
        with contextlib.suppress(Problem):
            parameters = _NAME_ONLY if place.startswith(_AUDIENCES) else None
            attributes = (await page.api.get(f"/v1/{place}", parameters))["data"]["attributes"]
            found[place] = str(attributes.get("name") or attributes.get("title") or place.rpartition("/")[2])
    return found


def with_names(question: Any, names: Mapping[str, str]) -> Any:
    """A question with names instead of numbers, but for audiences, which must be there: it is made to be read."""
    read = {place: name for place, name in names.items() if not place.startswith(_AUDIENCES)}
    return _each_number(question, lambda path, number: read.get(f"{path}/{number}", number))


def with_names_of_audiences(sentence: str, names: Mapping[str, str]) -> str:
    """A question in words with the names of audiences and lists."""
    for place, name in names.items():
        if place.startswith(_AUDIENCES):
            sentence = sentence.replace(f"“{place.rpartition('/')[2]}”", f"“{name}”")
    return sentence


def _each_number(question: Any, put: Callable[[str, int], Any]) -> Any:
    """A question in which each number of an object is what `put` makes of its path and itself."""
    if isinstance(question, list):
        return [_each_number(each, put) for each in question]
    if not isinstance(question, dict):
        return question
    path = TIE_PATHS.get(question.get("has", ""))
    made = {}
    for name, value in question.items():
        if name in _REFERRING and path is not None:
            made[name] = [put(path, each) if isinstance(each, int) else each for each in value]
        elif name == "broadcast" and isinstance(value, list):
            made[name] = [put("broadcasts", each) if isinstance(each, int) else each for each in value]
        elif name in _SAVED and isinstance(value, int):
            made[name] = put(_AUDIENCES, value)
        else:
            made[name] = _each_number(value, put) if isinstance(value, dict | list) else value
    return made
