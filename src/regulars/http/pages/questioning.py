"""The question of a screen: read from its URL, checked, and put into words; what is wrong with it in words too."""

import contextlib
from typing import Any, Final
from urllib.parse import quote

import msgspec
from markupsafe import Markup, escape
from msgspec import Struct

from regulars.audience.questions.faults import QuestionFault
from regulars.http.errors import Problem
from regulars.http.jsonapi.failures import QuestionProblem
from regulars.http.pages.page import AdminPage
from regulars.http.pages.question_names import names_of, with_names, with_names_of_audiences

EVERYBODY: Final = "everybody"
TEXT: Final = "q"
JSON: Final = "question"
MOST_COUNTED: Final = 10
"""Conditions that are counted one by one beside a question: as many as one call compares."""

_LEAVES: Final = ("all", "any", "not")


class CheckedQuestion(Struct, frozen=True, kw_only=True):
    """A question that can be answered. text: as typed. canonical: in the standard spelling. sentence: in words.

    names: of the objects that it refers to by number, as {path/number: name}.
    """

    text: str
    canonical: str
    question: Any
    sentence: str
    names: dict[str, str] = {}

    @property
    def body(self) -> dict[str, Any]:
        """The members of an API call about it."""
        return {JSON: self.question}


class WrongQuestion(Struct, frozen=True, kw_only=True):
    """A question that cannot be read. faults: each with a sentence, a place in the text, and the text mended."""

    text: str
    faults: list[dict[str, Any]]

    @property
    def marked(self) -> Markup:
        """The text with the first wrong part marked."""
        place = next((each for each in self.faults if each["offset"] is not None), None)
        if place is None:
            return escape(self.text)
        start, end = place["offset"], place["offset"] + max(place["length"], 1)
        wrong = self.text[start:end] or " "
        return Markup("{}<mark>{}</mark>{}").format(self.text[:start], wrong, self.text[end:])


async def read_question(page: AdminPage) -> CheckedQuestion | WrongQuestion:
    """The question in the URL, as text or as JSON; everybody if there is none."""
    given = page.parameters.get(JSON, "")
    text = page.parameters.get(TEXT, "").strip()
    if given and not text:
        try:
            return await check(page, {JSON: msgspec.json.decode(given)})
        except msgspec.DecodeError:
            return WrongQuestion(text="", faults=[_fault("The question in the address is not valid JSON.")])
    return await check(page, {TEXT: text or EVERYBODY}, text)


async def check(page: AdminPage, body: dict[str, Any], text: str | None = None) -> CheckedQuestion | WrongQuestion:
    """What a question means, or what is wrong with it. text: as it was typed; default: the standard spelling."""
    try:
        reply = await page.api.post("/v1/questions/check", body)
    except QuestionProblem as error:
        typed = body.get(TEXT, "") if text is None else text
        return WrongQuestion(text=typed, faults=[_shown(each, typed) for each in error.faults_of_question])
    except Problem as error:
        return WrongQuestion(text=text or "", faults=[_fault(error.detail)])
    meaning = reply["data"]["attributes"]
    names = await names_of(page, meaning["question"])
    return CheckedQuestion(
        text=meaning["q"] if text is None else text,
        canonical=meaning["q"],
        question=meaning["question"],
        sentence=await _sentence(page, meaning, names),
        names=names,
    )


async def _sentence(page: AdminPage, meaning: dict[str, Any], names: dict[str, str]) -> str:
    """The question in words, with names instead of numbers where a name can stand in a question."""
    sentence = str(meaning["sentence"])
    if names:
        with contextlib.suppress(Problem):
            named = {JSON: with_names(meaning["question"], names)}
            sentence = str((await page.api.post("/v1/questions/check", named))["data"]["attributes"]["sentence"])
    return with_names_of_audiences(sentence, names)


async def reach_of(page: AdminPage, asked: CheckedQuestion) -> dict[str, Any]:
    """How many of those who match can be emailed, and why others cannot; each reason with its question."""
    reply = await page.api.post("/v1/questions/reach", asked.body)
    found: dict[str, Any] = reply["data"]["attributes"]
    return found


def reachable(reach: dict[str, Any], question: Any) -> Any:
    """The question for those who can be emailed. reach: of that question."""
    reasons = [each["question"]["all"][-1] for each in reach["excluded"] if each["any"]]
    return {"all": [question, {"not": {"any": reasons}}]} if reasons else question


async def conditions_in_words(page: AdminPage, why: dict[str, Any]) -> list[dict[str, Any]]:
    """The conditions of an answer to "why", each with `words`, and whether it `decides`."""
    found = []
    for each in why["tree"]:
        checked = await check(page, {JSON: each["condition"]})
        words = checked.sentence.removeprefix("customers who ") if isinstance(checked, CheckedQuestion) else ""
        found.append({**each, "words": words, "decides": each["node"] in why["because"]})
    return found


def leaves_of(question: Any) -> list[Any]:
    """The conditions of a question without the groups around them, in order."""
    for name in _LEAVES:
        if isinstance(question, dict) and name in question:
            inner = question[name]
            return [leaf for each in (inner if isinstance(inner, list) else [inner]) for leaf in leaves_of(each)]
    return [question]


async def counts_of(page: AdminPage, asked: CheckedQuestion) -> list[int]:
    """How many customers match each condition by itself; none if there are more than one call compares."""
    leaves = leaves_of(asked.question)
    if not 1 < len(leaves) <= MOST_COUNTED:
        return []
    reply = await page.api.post("/v1/questions/overlap", {"questions": leaves})
    sizes: list[int] = reply["data"]["attributes"]["sizes"]
    return sizes


def as_parameter(question: Any) -> str:
    """A question as the parameter `question` of a URL."""
    return quote(msgspec.json.encode(question).decode(), safe="")


def _shown(fault: QuestionFault, text: str) -> dict[str, Any]:
    mended = None
    if fault.did_you_mean is not None and fault.offset is not None and fault.length is not None:
        mended = text[: fault.offset] + fault.did_you_mean + text[fault.offset + fault.length :]
    return {
        "detail": fault.detail,
        "offset": fault.offset,
        "length": fault.length,
        "did_you_mean": fault.did_you_mean,
        "mended": mended,
    }


def _fault(detail: str) -> dict[str, Any]:
    return {"detail": detail, "offset": None, "length": None, "did_you_mean": None, "mended": None}
