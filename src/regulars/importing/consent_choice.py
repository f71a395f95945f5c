"""Which of the consent in a file counts."""

from typing import Final, Literal, get_args

import msgspec

from regulars.domain.commands import Upsert
from regulars.domain.consent import CAUSES

ConsentChoice = Literal["all", "ends", "none"]
"""Consent that was given and consent that ended; only what ended; neither."""

CONSENT_CHOICES: Final[tuple[ConsentChoice, ...]] = get_args(ConsentChoice)

_GIVEN_TIMES: Final = frozenset({"subscribed_at"})
_ENDED_TIMES: Final = frozenset({"unsubscribed_at", *filter(None, CAUSES.values())})


def chosen_consent(upsert: Upsert, choice: ConsentChoice) -> Upsert:
    """The upsert without what it says about consent, as far as it is not chosen."""
    if choice == "all":
        return upsert
    profile, restored, has_ends = upsert.profile, upsert.restored, choice == "ends"
    if not (profile.unsubscribed and has_ends):
        profile.unsubscribed = profile.wording = profile.proof = None
    if restored is None:
        return upsert
    left_out = _GIVEN_TIMES if has_ends else _GIVEN_TIMES | _ENDED_TIMES
    chosen = msgspec.structs.replace(
        restored,
        consents=tuple(each for each in restored.consents if has_ends and not each.granted),
        subscriptions=tuple(each for each in restored.subscriptions if has_ends and not each.tie.holds),
        requests=(),
        ties=tuple(each for each in restored.ties if each.relation != "subscribed" or (has_ends and not each.holds)),
        moments={name: at for name, at in restored.moments.items() if name not in left_out},
    )
    return msgspec.structs.replace(upsert, restored=chosen)
