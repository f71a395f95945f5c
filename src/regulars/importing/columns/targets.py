"""What a column can fill: the table of fields, and how a column's target is written (`attribute:plan`, `tags`)."""

import difflib
from typing import Final, Literal, get_args

from msgspec import Struct

Kind = Literal["text", "number", "date", "flag", "list", "json"]
"""How the cells of an attribute are read. `json`: lists and objects in JSON; other cells are text."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

FIELDS: Final[dict[str, str]] = {
    "email": "the address; of several in a cell, the first",
    "customer_id": "the customer's id in your system",
    "uuid": "the customer's UUID here",
    "name": "the whole name",
    "firstname": "the first name",
    "lastname": "the last name",
    "phone": "a phone number; national ones are read as numbers of the site's country",
    "mobile": "a mobile phone number",
    "address_line_1": "street and number",
    "address_line_2": "the rest of the street address",
    "city": "the city",
    "state": "the state, province or region",
    "country": "the country",
    "zip": "the postal code",
    "gender": "the gender",
    "locale": "the language, such as de-DE",
    "joined_at": "when the customer joined",
    "created_at": "when the customer was created",
    "updated_at": "when the line was last changed",
    "control_bucket": "the control bucket, 1 to 100",
    "tags": "tags, separated by commas, semicolons or bars",
    "groups": "groups, separated likewise",
    "newsletters": "newsletters that the customer is subscribed to",
    "subscribed": "yes: marketing email is agreed to; no: nothing is said",
    "unsubscribed": "yes: consent to marketing email has ended; no: nothing is said",
    "consent_status": "a word that says so, such as subscribed, unsubscribed, bounced or complained",
    "subscribed_at": "when consent was given",
    "confirmed_at": "when the customer confirmed the address (double opt-in)",
    "unsubscribed_at": "when consent ended",
    "complained_at": "when the customer reported an email as spam",
    "bounced_at": "when email to the address came back for good",
    "consent_proof": "evidence of consent, such as the IP address",
    "consent_wording": "what the customer agreed to",
    "consents": "the evidence of consent in JSON, as in exports of our own",
    "attributes": "an object in JSON, whose keys are attributes",
    "ignore": "nothing: the column is left out",
}
"""The fields of customers, each with what it is."""

ATTRIBUTE: Final = "attribute"

CONSENT_FIELDS: Final = frozenset(
    {
        *("subscribed", "unsubscribed", "consent_status", "subscribed_at", "confirmed_at", "unsubscribed_at"),
        *("complained_at", "bounced_at", "consent_proof", "consent_wording", "consents"),
    }
)
DATE_FIELDS: Final = frozenset(
    {
        *("joined_at", "created_at", "updated_at", "subscribed_at", "confirmed_at", "unsubscribed_at"),
        *("complained_at", "bounced_at", "timestamp"),
    }
)
SHARED: Final = frozenset({"tags", "groups", "newsletters", "ignore"})
"""Fields that several columns may fill."""


class Target(Struct, frozen=True):
    """What a column fills: a field, or an attribute with its name and kind."""

    field: str
    key: str | None = None
    kind: Kind = "text"

    def __str__(self) -> str:
        if self.field != ATTRIBUTE:
            return self.field
        return f"{ATTRIBUTE}:{self.key}" if self.kind == "text" else f"{ATTRIBUTE}:{self.key}:{self.kind}"

    @property
    def is_date(self) -> bool:
        """Whether the cells are dates."""
        return self.field in DATE_FIELDS or self.kind == "date"


def attribute(key: str, kind: Kind = "text") -> Target:
    """The target of an attribute."""
    return Target(ATTRIBUTE, key, kind)


IGNORED: Final = Target("ignore")


def parse_target(text: str) -> Target:
    """Read a target as it is written. Raises ValueError with a sentence."""
    field, _, rest = text.strip().partition(":")
    if field == ATTRIBUTE and rest:
        key, _, kind = rest.rpartition(":")
        if key and kind in KINDS:
            return attribute(key, kind)
        return attribute(rest)
    if field in FIELDS and not rest:
        return Target(field)
    near = difflib.get_close_matches(field, FIELDS, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; use one of {', '.join(FIELDS)}, or {ATTRIBUTE}:NAME"
    raise ValueError(f"there is no field {text.strip()!r}{hint}")
