"""Other spellings of the fields of consent: `Unsubscribed`, `subscribed`, `opt_out`, or one of them within `data`.

A statement on consent must not be stored as an attribute without effect. So such a field is taken for what it means, as
other names of events are (see `event_names`), and one that cannot be read is refused.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from regulars.domain.event_names import compact
from regulars.domain.faults import Fault
from regulars.domain.text import is_blank

FLAGS: Final[dict[object, bool]] = {"true": True, "1": True, "false": False, "0": False}
"""The texts that say yes and no, in lower case."""

NO_FLAG: Final = "must be true, false, 1 or 0"

ATTRIBUTES: Final = ("custom_attributes", "data")
"""The fields that hold attributes; the later one counts where both have a key."""

HISTORY: Final = "consents"
"""The field of a file's line that has the evidence of the past."""

_LONGEST: Final = 40
"""Characters of the longest key that is looked at."""

_IN_PLACE: Final = frozenset({"unsubscribed", "subscription_groups"})
_PREFIXES: Final = ("", "is", "has", "email", "isemail", "hasemail")
_ENDS: Final = ("unsubscribe", "unsubscribed", "optout", "optedout")
_GIVES: Final = ("subscribe", "subscribed", "optin", "optedin")
_NEWSLETTERS: Final = ("subscriptiongroup", "subscriptiongroups")

_MEANT: Final[dict[str, tuple[str, bool]]] = {
    **{f"{prefix}{word}": ("unsubscribed", False) for prefix in _PREFIXES for word in _ENDS},
    **{f"{prefix}{word}": ("unsubscribed", True) for prefix in _PREFIXES for word in _GIVES},
    **dict.fromkeys(_NEWSLETTERS, ("subscription_groups", False)),
    HISTORY: (HISTORY, False),
    "hasoptedoutofemail": ("unsubscribed", False),
}
"""By key in lower case, without what is between words: the field that is meant, and whether it says the opposite."""


class _Said(NamedTuple):
    """A field that is about consent under another spelling. within: the object that holds it, "" for the body."""

    within: str
    key: str
    value: Any
    field: str
    is_opposite: bool

    @property
    def path(self) -> str:
        return f"{self.within}.{self.key}" if self.within else self.key


def as_meant(body: Mapping[str, Any], ignore: frozenset[str] = frozenset()) -> tuple[Mapping[str, Any], list[Fault]]:
    """The body of an upsert with its statements on consent in the fields `unsubscribed` and `subscription_groups`.

    Keys in `ignore` belong to the envelope. Null stands where the statements were: it removes an attribute of this
    name. The body is unchanged if all are in their place, and if it is a customer object as it was shown. Also returns
    the faults: what cannot be read, or contradicts another.
    """
    found = list(_said(body, ignore))
    if not found or _is_shown(body):
        return body, []
    meant, faults = dict(body), []
    for said in found:
        if said.within:
            meant[said.within] = {**meant[said.within], said.key: None}
        else:
            meant[said.key] = None
        if said.field == "unsubscribed":
            known, flag = meant.get("unsubscribed"), flag_of(said.value)
            if flag is None:
                faults.append(Fault(said.path, f"{NO_FLAG}, because it is taken for {_meaning(said)}"))
            elif known is None or is_blank(known):
                meant["unsubscribed"] = flag != said.is_opposite
            elif flag_of(known) == (flag == said.is_opposite):
                faults.append(Fault(said.path, "contradicts another field about consent; send unsubscribed only"))
        elif said.field == HISTORY:
            faults.append(
                Fault(said.path, f"is history, which only a file has, as {HISTORY}; send unsubscribed instead")
            )
        elif isinstance(said.value, list) and isinstance(known := meant.get(said.field) or [], list):
            meant[said.field] = [*known, *said.value]
        else:
            faults.append(Fault(said.path, f"must be a list as {said.field} is, because it is taken for it"))
    return meant, faults


def flag_of(value: Any) -> bool | None:
    """What a value says: true, false, 1 or 0, also as text. None if it says neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return FLAGS.get(value.strip().lower())
    return bool(value) if isinstance(value, int) and value in (0, 1) else None


def _said(body: Mapping[str, Any], ignore: frozenset[str]) -> Iterator[_Said]:
    for key, value in body.items():
        if key in ATTRIBUTES:
            if isinstance(value, dict):
                yield from _said_in(value, key)
        elif key not in _IN_PLACE and key not in ignore and (meant := _meaning_of(key, value)) is not None:
            yield _Said("", key, value, *meant)


def _said_in(attributes: Mapping[str, Any], within: str) -> Iterator[_Said]:
    for key, value in attributes.items():
        if (meant := _meaning_of(key, value)) is not None:
            yield _Said(within, key, value, *meant)


def _meaning_of(key: str, value: Any) -> tuple[str, bool] | None:
    meant = _named(key) if len(key) <= _LONGEST else None
    if meant is None or value is None or is_blank(value):
        return None
    return None if meant[0] == HISTORY and not _is_evidence(value) else meant


@lru_cache(maxsize=4096)
def _named(key: str) -> tuple[str, bool] | None:
    return _MEANT.get(compact(key))


def _is_evidence(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) and "granted" in item for item in value)


def _is_shown(body: Mapping[str, Any]) -> bool:
    return body.get("object") == "customer" and "unsubscribed" in body


def _meaning(said: _Said) -> str:
    return "the opposite of unsubscribed" if said.is_opposite else "unsubscribed"
