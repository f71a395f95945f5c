"""Other names of events of the catalogue: callers and providers vary case, tense and words.

An event that ends consent must not be stored as an unknown event without effect. So a name is taken for what it
means if it is about email, consent, newsletters, sequences or suppression. Any other name is the caller's own.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from regulars.domain.events import EVENTS

_LONGEST: Final = 64
"""Characters of the longest name that is looked at."""

_STEMS: Final = {
    "sent": ("send",),
    "delivered": ("deliver", "delivery"),
    "deferred": ("defer", "deferral"),
    "dropped": ("drop", "dropout"),
    "failed": ("fail", "failure"),
    "opened": ("open",),
    "clicked": ("click",),
    "bounced": ("bounce",),
    "complained": ("complain", "complaint"),
    "subscribed": ("subscribe", "subscription"),
    "unsubscribed": ("unsubscribe", "unsubscription", "unsub"),
    "suppressed": ("suppress", "suppression"),
    "unsuppressed": ("unsuppress",),
    "cleared": ("clear",),
}
"""Other forms of the last word of a name."""

_PLAIN: Final[dict[str, tuple[str, dict[str, str]]]] = {
    **dict.fromkeys(("bounce", "bounced"), ("email_bounced", {})),
    **dict.fromkeys(
        ("complain", "complained", "complaint", "spam_complaint", "spam_report", "spam_reported", "spamreport"),
        ("email_complained", {}),
    ),
    **dict.fromkeys(
        ("email_spam_complaint", "email_spam_report", "email_spam_reported", "email_spamreport", "email_spam"),
        ("email_complained", {}),
    ),
    **{
        f"{prefix}{kind}_{form}": ("email_bounced", {"bounce_type": kind})
        for prefix in ("", "email_")
        for kind in ("hard", "soft")
        for form in ("bounce", "bounced")
    },
    **dict.fromkeys(("opt_out", "opted_out", "optout"), ("unsubscribed", {"cause": "opt_out"})),
    **dict.fromkeys(("mark_as_spam", "marked_as_spam", "reported_as_spam"), ("email_complained", {})),
    **dict.fromkeys(("list_unsubscribe", "list_unsubscribed"), ("email_unsubscribed", {})),
    **dict.fromkeys(("email_opt_out", "email_opted_out", "email_optout"), ("email_unsubscribed", {})),
}
"""Other names, with the fields that they imply."""


def _guarded() -> Iterator[str]:
    """The events that can be given by other names."""
    for name in EVENTS:
        if name.startswith(("email_", "newsletter_", "sequence_", "bounce_")) or name in (
            *("subscribed", "unsubscribed", "suppressed", "unsuppressed"),
        ):
            yield name


def _variants() -> Iterator[tuple[str, tuple[str, dict[str, str]]]]:
    for name in _guarded():
        head, _, last = name.rpartition("_")
        stems = _STEMS.get(last, ())
        for form in (last, *stems, *(f"{stem}s" for stem in stems)):
            yield f"{head}_{form}" if head else form, (name, {})


MEANT: Final = {**_PLAIN, **dict(_variants())}
"""By name in lower case with underscores: the event that it means, and the fields that it implies."""


BETWEEN_WORDS: Final = re.compile(r"[\s_-]+")
"""What may stand between the words of a name or a bounce type."""


def compact(text: str) -> str:
    """A name in lower case, without what is between its words: `First Name`, `first_name` and `firstName` are one."""
    return BETWEEN_WORDS.sub("", text.lower())


_COMPACT: Final = {compact(name): meant for name, meant in MEANT.items()}
"""The same without what stands between the words: EmailUnsubscribed and email-unsubscribed are written differently."""

BOUNCE_TYPES: Final = {
    **dict.fromkeys(("hard", "permanent", "perm", "permfail", "permanentfail", "permanentfailure"), "hard"),
    **dict.fromkeys(
        ("soft", "transient", "temporary", "temp", "tempfail", "temporaryfail", "temporaryfailure"), "soft"
    ),
    **dict.fromkeys(("undetermined", "block", "blocked"), "soft"),
}
"""What providers call the two types, in lower case, without spaces and the word bounce."""


def as_meant(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event with its name replaced by that of the catalogue; unchanged if the name is the caller's own."""
    name = body.get("event")
    if not isinstance(name, str) or name in EVENTS:
        return body
    found = _COMPACT.get(compact(name)) if len(name) <= _LONGEST else None
    if found is None:
        return body
    meant, implied = found
    return {**body, **implied, "event": meant}
