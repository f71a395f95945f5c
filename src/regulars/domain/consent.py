"""Consent to marketing email: what gives it, what ends it, and the evidence of each change.

Consent starts as never given. Whether it holds follows from the evidence alone: for each kind of end, the latest end of
that kind must be followed by a grant that is strong enough to lift it. So every order of arrival gives the same result.
Newsletters are independent of it.
"""

from enum import IntEnum
from typing import Final

from msgspec import Struct

MANUAL: Final = "manual"
OPT_OUT: Final = "opt_out"
CAUSES: Final[dict[str, str | None]] = {
    MANUAL: "manually_unsubscribed_at",
    OPT_OUT: "opted_out_at",
    "complaint": "complained_at",
    "bounce": None,
}
"""Causes of an end of consent, with the customer's field for the time of the last one."""

API: Final = "api"
"""The source of a statement by the operator: `unsubscribed` of an upsert."""
EVENT: Final = "event"
IMPORT: Final = "import"
UNDATED: Final = "import_undated"
"""The source of what a file says without a time: it counts as older than every end."""


class Strength(IntEnum):
    """What a grant can lift. Each kind also lifts what the weaker ones do."""

    BELIEF = 0
    """Another system says so, without a time. Lifts nothing."""
    WORD = 1
    """The operator says so. Lifts an end by the operator or in the person's settings."""
    EXPLICIT = 2
    """The person subscribed, according to an event or a dated record. Lifts an opt-out."""
    PROVEN = 3
    """The person subscribed, and there is proof. Lifts a complaint."""


_LIFTED_BY: Final[dict[str | None, Strength]] = {
    MANUAL: Strength.WORD,
    "bounce": Strength.WORD,
    OPT_OUT: Strength.EXPLICIT,
    None: Strength.EXPLICIT,
    "complaint": Strength.PROVEN,
}
"""The weakest grant that lifts an end, by its cause; None for an unknown cause."""


def lifted_by(cause: str | None) -> Strength:
    """The weakest grant that lifts an end with this cause; None for an unknown cause."""
    return _LIFTED_BY.get(cause, Strength.EXPLICIT)


_REMEDIES: Final = {
    Strength.WORD: "a later change by the operator restores it",
    Strength.EXPLICIT: "send `wording` or `proof` with it, or a later event `subscribed`, to restore it",
    Strength.PROVEN: "only a later event `subscribed` with `proof` restores it",
}
_ENDED: Final = {
    Strength.WORD: "ended",
    Strength.EXPLICIT: "ended by an opt-out",
    Strength.PROVEN: "ended by a complaint",
}


class Consent(Struct, frozen=True):
    """Evidence of one change of consent of a customer.

    at: when (ms). granted: given or ended. cause: a key of CAUSES when it ended. source: where it came from (API,
    EVENT, IMPORT, UNDATED, or what another system called it). wording: what the person saw. proof: anything that proves
    it.
    """

    customer: int
    at: int
    granted: bool
    cause: str | None
    source: str
    wording: str | None = None
    proof: str | None = None
    received_at: int | None = None
    channel: int | None = None
    actor: int | None = None

    @property
    def strength(self) -> Strength:
        """The strength of a grant: what it lifts."""
        if self.source == UNDATED:
            return Strength.BELIEF
        if self.source == API:
            return Strength.EXPLICIT if self.wording or self.proof else Strength.WORD
        return Strength.PROVEN if self.proof else Strength.EXPLICIT


class Moments(Struct):
    """A summary of a customer's evidence: the latest grant and the latest end of each strength (ms).

    `granted[s]` is the latest grant that is at least as strong as s; `ended[s]` the latest end that s lifts.
    """

    granted: dict[Strength, int] = {}
    ended: dict[Strength, int] = {}

    def note(self, consent: Consent) -> bool:
        """Add one piece of evidence, in any order; True if it changed the summary."""
        if consent.granted:
            moved = {_moved(self.granted, each, consent.at) for each in Strength if each <= consent.strength}
            return True in moved
        return _moved(self.ended, lifted_by(consent.cause), consent.at)

    def add(self, other: "Moments") -> None:
        """Take in all evidence of another summary."""
        for mine, theirs in ((self.granted, other.granted), (self.ended, other.ended)):
            for strength, at in theirs.items():
                _moved(mine, strength, at)

    def copy(self) -> "Moments":
        """A copy that can be changed independently."""
        return Moments(dict(self.granted), dict(self.ended))

    def after(self, consent: Consent) -> "Moments":
        """A copy with one more piece of evidence."""
        found = self.copy()
        found.note(consent)
        return found

    @property
    def hold(self) -> bool:
        """Whether there is consent. If a grant and an end have the same time, the end counts."""
        return bool(self.granted) and self.standing_end is None

    @property
    def standing_end(self) -> Strength | None:
        """The strongest end that nothing has lifted."""
        standing = [each for each, at in self.ended.items() if not self._is_lifted(each, at)]
        return max(standing) if standing else None

    @property
    def latest(self) -> int | None:
        """The latest time of all."""
        return max((*self.granted.values(), *self.ended.values()), default=None)

    @property
    def since(self) -> int:
        """The latest time of the current state, granted or ended. There must be one."""
        return max((self.granted if self.hold else self.ended).values())

    def why_not(self) -> str:
        """Why there is no consent and what restores it, as a sentence."""
        end = self.standing_end
        assert end is not None
        return f"The consent was {_ENDED[end]}; {_REMEDIES[end]}."

    def _is_lifted(self, strength: Strength, ended: int) -> bool:
        granted = self.granted.get(strength)
        return granted is not None and granted > ended


def _moved(moments: dict[Strength, int], strength: Strength, at: int) -> bool:
    if strength in moments and moments[strength] >= at:
        return False
    moments[strength] = at
    return True
