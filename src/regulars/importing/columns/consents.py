"""What the cells of a row say about consent, as the evidence that an import line has.

Never from presence, and no is not an opt-out. An end without a time counts as of now; consent without a time is only
believed, so it lifts no end.
"""

from typing import Any, Final

from msgspec import Struct

from regulars.importing.columns.statuses import CAUSES, State

_ENDS: Final = (("ended", "unsubscribed_at"), ("complained", "complained_at"), ("bounced", "bounced_at"))


class Said(Struct):
    """What one row says. times: by field, as ISO 8601. stated: the wording that a caller states for all rows."""

    states: list[State] = []
    subscribed: bool | None = None
    unsubscribed: bool | None = None
    times: dict[str, str] = {}
    proof: str | None = None
    wording: str | None = None


def evidence(said: Said, *, origin: str, has_states: bool) -> list[dict[str, Any]]:
    """The evidence in a row. origin: the file and line. has_states: the table tells the state of each row.

    A time of consent alone counts only if no column tells the state.
    """
    found: list[dict[str, Any]] = []
    states = set(said.states)
    if said.unsubscribed:
        states.add("ended")
    for state, field in _ENDS:
        at = said.times.get(field)
        if at is not None or state in states:
            found.append(_end(CAUSES[state], at, origin))  # type: ignore[index]
    gives = said.subscribed or "given" in states or "confirmed" in states
    is_past = "unknown" not in states and bool(found)  # what is over was given once, if the times say when
    if not gives and not is_past and has_states:
        return found
    base = {"granted": True, "source": origin, "wording": said.wording}
    given, confirmed = said.times.get("subscribed_at"), said.times.get("confirmed_at")
    if given is not None:
        found.append({**base, "at": given, "proof": None if confirmed else said.proof})
    if confirmed is not None:
        found.append({**base, "at": confirmed, "proof": said.proof or f"double opt-in, {origin}"})
    if given is None and confirmed is None and gives:
        found.append({**base, "proof": said.proof or origin})
    return found


def _end(cause: str, at: str | None, origin: str) -> dict[str, Any]:
    end: dict[str, Any] = {"granted": False, "cause": cause, "source": origin}
    return end if at is None else {**end, "at": at}
