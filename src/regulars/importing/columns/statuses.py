"""Words for the state of consent, as exporters write them."""

from typing import Final, Literal

from regulars.importing.columns.names import folded

State = Literal["given", "confirmed", "ended", "complained", "bounced", "unknown"]
"""confirmed: given, and proven by a double opt-in. unknown: the word says nothing about consent."""

_WORDS: Final[dict[State, tuple[str, ...]]] = {
    "given": (
        *("subscribed", "subscribe", "active", "yes", "true", "1", "opted in", "opt-in", "single opt-in"),
        *("ja", "oui", "si", "sim"),
    ),
    "confirmed": ("confirmed", "double opt-in", "confirmed opt-in"),
    "ended": (
        *("unsubscribed", "unsubscribe", "opted out", "opt-out", "cancelled", "canceled", "inactive", "suppressed"),
        *("user_suppressed", "blocklisted", "blacklisted", "removed", "archived"),
    ),
    "complained": ("complained", "complaint", "spam", "spam complaint", "spam_complaint", "reported as spam", "abuse"),
    "bounced": (
        "bounced",
        "hard bounced",
        "hard bounce",
        "hard_bounce",
        "cleaned",
        "invalid",
        "invalid_email",
        "undeliverable",
    ),
    "unknown": (
        *("pending", "unconfirmed", "never subscribed", "never_subscribed", "nonsubscribed", "non-subscribed"),
        *("not subscribed", "transactional", "no", "false", "0", "none", "unknown", "enabled", "disabled", "not set"),
    ),
}

_STATES: Final[dict[str, State]] = {folded(word): state for state, words in _WORDS.items() for word in words}

CAUSES: Final[dict[State, str]] = {"ended": "opt_out", "complained": "complaint", "bounced": "bounce"}
"""The cause of an end of consent, by state."""


def state_of(cell: str) -> State | None:
    """The state that a word means, None if the word is not known."""
    return _STATES.get(folded(cell))
