"""Sentences: describe any question about customers in English, whatever its filters and sort order.

Each filter's phrase is in its row of the catalogue. An object named by two filters in a row becomes "it" the second
time.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from msgspec import structs

from regulars.audience.filters.catalogue import BY_NAME, Engagement, Phrase
from regulars.audience.filters.sorts import Sort
from regulars.domain.moments import iso


def describe(
    filters: Iterable[tuple[str, str]],
    *,
    site: int | None,
    sort: Sort,
    engagement: Engagement | None = None,
    also: Sequence[str] = (),
) -> str:
    """Describe a question, as in "customers of site 1 who were sent broadcast 7 and did not open it, newest first".

    site: None if the caller has no access to it. filters: filter names with their values as given by the caller, in
    the order of the sentence. also: further phrases, each completing "customers who ...". Raises BadFilterValueError.
    """
    days = structs.asdict(engagement or Engagement())
    phrases: list[str] = []
    before: tuple[str, Any] | None = None
    for name, raw in filters:
        phrase, kind = BY_NAME[name].phrase, BY_NAME[name].kind
        if phrase is None:  # the site, which the sentence already starts with
            continue
        value = kind.read(raw)
        if phrase.noun:
            spoken = _them(phrase, value) if before == (phrase.noun, value) else _objects(phrase, value)
            before = (phrase.noun, value)
        else:
            spoken, before = _SPOKEN[kind.name](raw, value), None
        says = phrase.denies if phrase.denies and value is False else phrase.says
        phrases.append(says.format(spoken, **days))
    phrases += also
    who = f" who {_listed(phrases)}" if phrases else ""
    where = "no site" if site is None else f"site {site}"
    return f"customers of {where}{who}, {sort.words}"


def filter_phrase(name: str, raw: str) -> str:
    """One filter with its value in words; completes "customers who ...". Raises BadFilterValueError."""
    row = BY_NAME[name]
    assert row.phrase is not None
    value = row.kind.read(raw)
    spoken = _objects(row.phrase, value) if row.phrase.noun else _SPOKEN[row.kind.name](raw, value)
    says = row.phrase.denies if row.phrase.denies and value is False else row.phrase.says
    return says.format(spoken, **structs.asdict(Engagement()))


def _objects(phrase: Phrase, ids: Sequence[int | str]) -> str:
    """The objects by number, or by quoted key."""
    shown = [str(each) if isinstance(each, int) else _quoted(each) for each in ids]
    return f"{phrase.noun} {shown[0]}" if len(shown) == 1 else f"{phrase.among} the {phrase.noun}s {_listed(shown)}"


def _them(phrase: Phrase, ids: Sequence[int | str]) -> str:
    return "it" if len(ids) == 1 else f"{phrase.among} them"


def _listed(parts: Sequence[str]) -> str:
    """Join as in "one", "one and two", "one, two, and three"."""
    if len(parts) < 3:
        return " and ".join(parts)
    return ", ".join((*parts[:-1], f"and {parts[-1]}"))


def _quoted(text: str) -> str:
    return f"“{text}”"


_SPOKEN: Final[dict[str, Callable[[str, Any], str]]] = {
    "days": lambda _, days: "within the last day" if days == 1 else f"within the last {days} days",
    "flag": lambda _, value: "",
    "text": lambda raw, _: _quoted(raw),
    "moment": lambda _, at: iso(at),
    "address": lambda raw, _: _quoted(raw),
    "uuid": lambda _, uuid: uuid,
    "money": lambda _, cents: f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}",
}
"""The wording of values by kind, from the raw and the parsed value; objects are handled separately."""
