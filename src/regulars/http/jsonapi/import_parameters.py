"""The parameters of an import over HTTP."""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfoNotFoundError

import msgspec

from regulars.domain.existing_fields import EXISTING
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.keyring import Caller
from regulars.http.schema import TEXT, YES_OR_NO, Schema, one_of
from regulars.importing.columns.dates import ORDERS
from regulars.importing.columns.mapping import MappingError
from regulars.importing.consent_choice import CONSENT_CHOICES
from regulars.importing.inputs import OptionError
from regulars.jobs.file_imports import ImportArguments

SITE: Final = "site_id"
AGAIN: Final = "again"
"""Names a dry run whose file is imported, so that it is not sent again."""

_LONGEST: Final = 255
_LONGEST_PARAMETER: Final = 64 * 1024
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}

PARAMETERS: Final[Mapping[str, Schema]] = {
    "name": {**TEXT, "description": "What the file is called; some exporters say more in its name."},
    "kind": {**one_of(("customers", "activity")), "description": "What the file has; customers by default."},
    SITE: {**TEXT, "description": "The site; that of the key by default."},
    AGAIN: {**TEXT, "description": "The id of a dry run whose file is taken; the body is empty then."},
    "dry_run": {**YES_OR_NO, "description": "Report what the import would do, without changing anything."},
    "strict": {**YES_OR_NO, "description": "Refuse lines with an invalid optional field."},
    "create": {**YES_OR_NO, "description": "Of activity: also create customers known only by customer_id."},
    "existing": {
        **one_of(EXISTING),
        "description": "The fields of customers who are there: overwrite, fill the empty ones, or skip them all.",
    },
    "consents": {
        **one_of(CONSENT_CHOICES),
        "description": "What counts of the consent in the file: all, only what ended, or none.",
    },
    "map": {**TEXT, "description": "What columns fill, such as `E-Mail=email,Plan=attribute:plan`."},
    "tags": {**TEXT, "description": "Tags for everybody in the file, separated by commas."},
    "groups": {**TEXT, "description": "Groups for everybody in the file."},
    "newsletters": {**TEXT, "description": "Newsletters for everybody in the file."},
    "consent": {**TEXT, "description": "The wording that everybody in the file agreed to."},
    "event": {**TEXT, "description": "Of activity: the event of a table that has no column for it."},
    "date_order": {**one_of(ORDERS), "description": "The order of day and month in dates such as 3/4/2026."},
    "time_zone": {**TEXT, "description": "The time zone of times without one; UTC by default."},
    "null": {**TEXT, "description": "Cells that mean no value, separated by commas."},
    "encoding": {**TEXT, "description": "The encoding of the text, if it is not recognised."},
    "separator": {**TEXT, "description": "What separates cells: a comma, a semicolon, a bar, or `tab`."},
    "sheet": {**TEXT, "description": "The sheet of a spreadsheet."},
}
"""The parameters of an import."""

OPTIONS: Final = tuple(name for name in PARAMETERS if name not in ("name", "kind", SITE, AGAIN, "dry_run"))
"""The parameters that say how the file is read and what of it counts."""

_LISTS: Final = frozenset({"tags", "groups", "newsletters", "null"})
_YES_OR_NO: Final = frozenset({"dry_run", "strict", "create"})


def read_parameters(call: Call, caller: Caller) -> tuple[int, ImportArguments]:
    """The site and what is asked for. Raises Problem."""
    values: dict[str, Any] = {}
    site = caller.site
    for parameter, text in call.query:
        if parameter not in PARAMETERS:
            raise ParameterProblem(parameter, f"There is no parameter {parameter}; allowed: {', '.join(PARAMETERS)}.")
        if len(text) > _LONGEST_PARAMETER:
            raise ParameterProblem(parameter, f"{parameter} may have at most {_LONGEST_PARAMETER} characters.")
        if parameter == SITE:
            site = whole_number(text, longest=16) or 0
            if site not in caller.sites:
                raise ParameterProblem(SITE, "site_id must be a site of the account.")
        elif parameter == AGAIN:
            continue
        elif parameter in _YES_OR_NO:
            if text.lower() not in _FLAGS:
                raise ParameterProblem(parameter, f"{parameter} must be true or false.")
            values[parameter] = _FLAGS[text.lower()]
        elif parameter in _LISTS:
            values[parameter] = tuple(word for each in text.split(",") if (word := each.strip()))
        elif parameter == "separator":
            values[parameter] = "\t" if text == "tab" else text
        else:
            values[parameter] = text
    values["name"] = values.get("name", "upload")[-_LONGEST:].replace("\0", "")
    try:
        given = msgspec.convert({**values, "file": ""}, ImportArguments)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`") if "$." in str(error) else "kind"
        raise ParameterProblem(field, f"{field} has a value that is not allowed; see the documentation.") from None
    try:
        given.asked()
    except OptionError as error:
        raise ParameterProblem(error.option, f"{error.option}: {error}.") from None
    except MappingError as error:
        raise ParameterProblem("map", f"map: {error}.") from None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ParameterProblem("time_zone", "time_zone must be a name such as Europe/Berlin.") from None
    return site, given
