"""Refusals: sentences that name what is wrong with an input and what is allowed."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

REFUSALS: Final[dict[str, str]] = {
    "invalid": "One or more fields are invalid; the faults name them.",
    "user_identifier_missing": "The input has no valid email, customer_id or uuid.",
    "customer_not_found": "The customer does not exist.",
    "identity_conflict": "The identifiers belong to different customers.",
    "object_not_found": "The group, tag, offer or other object does not exist.",
    "address_taken": "Another customer has this address.",
    "erased": "The person was erased. Nothing about them is kept until an administrator lifts it.",
    "duplicate_name": "Another object of this kind has this name or key.",
    "unknown_audience": "A question names an audience that does not exist.",
    "audience_circle": "Audiences would refer to each other in a circle, or be nested too deeply.",
    "audience_in_use": "The question of another audience names this one.",
    "changed_meanwhile": "This was changed since it was read, and If-Match asks for that state.",
    "too_many_ties": "The customer is in as many groups, or has as many newsletters, as there can be.",
    "not_a_list": "The audience is not a list, so nobody can be added to it or removed from it.",
    "merge_not_found": "There is no merge with this number.",
    "merge_blocked": "A later merge of the same customer must be undone first.",
    "merge_not_kept": "What the merge joined is no longer kept, so it cannot be undone.",
    "unavailable": "The database is unavailable. Nothing was changed.",
    "internal": "Internal server error; see the server log under the request id.",
}
"""Every reason for refusing a command, by its stable code. All except the last two are rules of the domain."""


class UnknownSiteError(LookupError):
    """No site has this number."""


class Fault(Struct, frozen=True):
    """One fault: the field (dotted path, "" for the whole) and a sentence that says what is allowed."""

    field: str
    detail: str


class FieldWarning(Struct, frozen=True):
    """A field that was not taken as it was given: what it is now (None: it was left out), and why."""

    field: str
    given: Any
    taken: Any
    detail: str


class RefusedError(Exception):
    """A command breaks a rule; nothing was changed. `code` is a key of REFUSALS; `faults` lists all of them."""

    def __init__(self, code: str, faults: Sequence[Fault]) -> None:
        super().__init__(code, faults)
        self.code = code
        self.faults = tuple(faults)

    @property
    def sentence(self) -> str:
        """The first fault as one sentence, with its field in front unless the detail is a sentence by itself."""
        fault = self.faults[0]
        is_whole = fault.detail[:1].isupper() and fault.detail[-1:] == "."
        if not fault.field or is_whole or fault.detail.startswith(f"{fault.field} "):
            return fault.detail
        return f"{fault.field}: {fault.detail}"


def refuse(code: str, field: str, detail: str) -> RefusedError:
    """A refusal with a single fault."""
    return RefusedError(code, (Fault(field, detail),))
