"""The catalogue of questions: what can be asked about, for editors that build questions from parts."""

from typing import Any, Final

from starlette.responses import Response

from regulars.audience.questions.catalogue import BY_LEAD
from regulars.audience.questions.subjects.fields import ALIASES, FIELDS, operators_of
from regulars.audience.questions.subjects.mails import STATUSES
from regulars.audience.questions.subjects.states import STATES
from regulars.audience.questions.subjects.ties import QUANTIFIERS, TIES
from regulars.http.call import Call
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.kinds import AUDIENCE, BY_KIND
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, YES_OR_NO, listed, record

_NAMES: Final = listed(TEXT)
_SCHEMA: Final = {
    "words": _NAMES,
    "fields": listed(record({"name": TEXT, "aliases": _NAMES, "kind": TEXT, "words": TEXT, "operators": _NAMES})),
    "states": listed(record({"name": TEXT, "has_since": YES_OR_NO})),
    "ties": listed(record({"name": TEXT, "objects": TEXT, "operators": _NAMES})),
    "mails": _NAMES,
}


def catalogue() -> dict[str, Any]:
    """The catalogue. `words` begin conditions of the text form; `objects` is a path below /v1."""
    aliases: dict[str, list[str]] = {}
    for alias, name in ALIASES.items():
        aliases.setdefault(name, []).append(alias)
    types = {**{kind: each.type for kind, each in BY_KIND.items()}, "list": AUDIENCE.type}
    return {
        "words": sorted(BY_LEAD),
        "fields": [
            {
                "name": name,
                "aliases": aliases.get(name, []),
                "kind": field.kind.name,
                "words": field.words,
                "operators": operators_of(field),
            }
            for name, field in FIELDS.items()
        ],
        "states": [{"name": name, "has_since": state.since is not None} for name, state in STATES.items()],
        "ties": [
            {"name": name, "objects": types[tie.noun], "operators": list(QUANTIFIERS)} for name, tie in TIES.items()
        ],
        "mails": list(STATUSES),
    }


async def show(call: Call, caller: Reader) -> Response:
    """What questions can be about."""
    return studies.shown("question_catalogues", catalogue())


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "questions.catalogue",
        "GET",
        "/v1/questions/catalogue",
        show,
        "List what questions can be about",
        "Fields with their kinds and operators, states, ties with their objects, and statuses of emails. "
        "`GET /v1/attributes` has the attributes.",
        reply=studies.reply("question_catalogues", _SCHEMA),
    ),
)
"""The operation of this module."""
