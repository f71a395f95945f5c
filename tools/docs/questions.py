"""The language of questions: for docs/questions.md."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from regulars.audience.questions.catalogue import SUBJECTS
from regulars.audience.questions.json_form import write_question
from regulars.audience.questions.selecting import phrase_of
from regulars.audience.questions.subjects.fields import ALIASES, FIELDS, operators_of
from regulars.audience.questions.subjects.mails import STATUSES
from regulars.audience.questions.subjects.states import STATES
from regulars.audience.questions.subjects.ties import TIES
from regulars.audience.questions.text_form import parse_question
from regulars.audience.questions.windows import read_window, window_phrase, window_text
from tools.docs.markdown import code, codes, table


def _json(value: Any) -> str:
    return code(msgspec.json.encode(value).decode())


def _subjects() -> str:
    return table(
        ("subject", "meaning", "JSON", "text"),
        [(code(row.name), row.meaning, _json(row.example[0]), code(row.example[1])) for row in SUBJECTS],
    )


def _fields() -> str:
    shorter = {name: alias for alias, name in ALIASES.items()}
    return table(
        ("field", "also", "kind", "operators"),
        [
            (code(name), code(shorter[name]) if name in shorter else "", field.kind.name, codes(operators_of(field)))
            for name, field in FIELDS.items()
        ],
    )


def _names() -> str:
    return table(
        ("subject", "names"),
        [(code("is"), codes(STATES)), (code("has"), codes(TIES)), (code("mail"), codes(STATUSES))],
    )


_WINDOWS: Final[tuple[dict[str, Any], ...]] = (
    {"last": "30d"},
    {"ago": ["60d", "30d"]},
    {"ago": [None, "30d"]},
    {"next": "14d"},
    {"from": "2026-01-01", "to": "2026-02-01"},
    {"from": "2026-01-01"},
    {"this": "month"},
    {"previous": "week"},
    {"anniversary": {"next": "7d"}},
)


def _windows() -> str:
    read = [(each, read_window(each)) for each in _WINDOWS]
    return table(
        ("JSON", "text", "in words"),
        [(_json(each), code(window_text(window)), window_phrase(window)) for each, window in read],
    )


_EXAMPLES: Final = (
    "tag:vip and not opened:broadcast/8 and revenue > 100",
    "(city = Berlin or city = Hamburg) and is subscribed",
    "anna smith created in this month",
    "has phone and newsletter none (weekly, daily)",
    "joined anniversary in next 7d and sample 10%",
)


def _examples() -> str:
    nodes = [(text, parse_question(text)) for text in _EXAMPLES]
    return table(
        ("text", "JSON", "customers who ..."),
        [(code(text), _json(write_question(node)), phrase_of(node)) for text, node in nodes],
    )


PARTS: Final[dict[str, Callable[[], str]]] = {
    "question-subjects": _subjects,
    "question-fields": _fields,
    "question-names": _names,
    "question-windows": _windows,
    "question-examples": _examples,
}
