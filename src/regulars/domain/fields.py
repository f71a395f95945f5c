"""The fields of a profile: their rules, and the many spellings under which callers send them."""

import re
from collections.abc import Callable
from functools import cache, lru_cache, partial
from operator import attrgetter
from typing import Any, Final

from regulars.domain import libraries
from regulars.domain.event_names import compact
from regulars.domain.limits import Limits
from regulars.domain.moments import parse_moment
from regulars.domain.phone import parse_phone
from regulars.domain.text import is_storable, trim

SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    "firstname": ("first_name", "firstname", "fname", "firstName", "First Name", "given_name", "givenName"),
    "lastname": ("last_name", "lastname", "lname", "lastName", "Last Name", "surname", "family_name", "familyName"),
    "name": ("name", "full_name", "fullName", "Full Name"),
    "phone_number": (
        *("phone", "phone_number", "phoneNumber", "Phone", "Phone Number", "telephone"),
        *("mobile", "mobile_phone_number", "mobilePhone", "mobile_phone"),
    ),
    "mobile_phone_number": ("mobile", "mobile_phone_number", "mobilePhone", "mobile_phone"),
    "address_line_1": ("address", "address_1", "address_line_1", "address1", "addressLine1", "street", "Address"),
    "address_line_2": ("address_2", "address_line_2", "address2", "addressLine2"),
    "address_city": ("city", "address_city", "City"),
    "address_state": ("state", "region", "address_state", "province", "State", "Province"),
    "address_country": ("country", "address_country", "Country"),
    "address_zip": (
        "zip",
        "zip_code",
        "postal_code",
        "address_zip",
        "zipcode",
        "postcode",
        "zipCode",
        "postalCode",
        "Zip",
    ),
    "gender": ("gender",),
    "locale": ("locale", "language"),
}
"""The attribute keys that also fill a profile field. If a call has several, the first in this list wins.

Keys that differ from one of these only in case, or in what is between words, fill the field, too (`fields_of`).
"""

FIELDS_OF: Final[dict[str, tuple[str, ...]]] = {}
for _field, _spellings in SPELLINGS.items():
    for _spelling in _spellings:
        FIELDS_OF[_spelling] = (*FIELDS_OF.get(_spelling, ()), _field)

_COMPACT_FIELDS: Final[dict[str, dict[str, None]]] = {}
for _spelling, _fields in FIELDS_OF.items():
    _COMPACT_FIELDS.setdefault(compact(_spelling), {}).update(dict.fromkeys(_fields))

_RANKS: Final = {
    _field: {_spelling: _place for _place, _spelling in enumerate(_spellings)}
    for _field, _spellings in SPELLINGS.items()
}


def fields_of(key: str) -> tuple[str, ...]:
    """The profile fields that an attribute fills, mostly none."""
    return FIELDS_OF.get(key) or tuple(_COMPACT_FIELDS.get(compact(key), ()))


def rank_of(key: str, field: str) -> int:
    """The place of an attribute among those that fill a field. Keys that are not listed come last."""
    ranks = _RANKS[field]
    return ranks.get(key, len(ranks))


PERCENTILES: Final[dict[str, str]] = {
    "predictive_engagement_percentile": "engagement_percentile",
    "predictive_purchase_intent_percentile": "purchase_percentile",
    "predictive_retention_percentile": "retention_percentile",
}
"""Predictions that callers may set, with the customer's field for each."""

GENDERS: Final = ("male", "female", "unknown")
"""Genders that are stored in lower case; any other text is stored unchanged."""

LONGEST_GENDER: Final = 64


def _text(limit: str) -> Callable[[Any, Limits], str]:
    longest_of = attrgetter(limit)

    def rule(value: Any, limits: Limits) -> str:
        if not isinstance(value, str):
            if not isinstance(value, int) or isinstance(value, bool):
                raise ValueError("must be text")
            value = str(value)
        text: str = trim(value)
        longest = longest_of(limits)
        if len(text) > longest or not is_storable(text):
            raise ValueError(f"must be text of at most {longest} characters, without NUL or unpaired surrogates")
        return text

    return rule


def _phone(value: Any, limits: Limits, *, country: str | None = None) -> str:
    return parse_phone(value, country=country)


def _gender(value: Any, limits: Limits) -> str:
    if isinstance(value, str) and len(text := trim(value)) <= LONGEST_GENDER and is_storable(text):
        return text.lower() if text.lower() in GENDERS else text
    raise ValueError(f"must be text of at most {LONGEST_GENDER} characters")


def _locale(value: Any, limits: Limits) -> str:
    if isinstance(value, str) and len(value) <= 35 and (tag := _standard_tag(value.strip())):
        return tag
    raise ValueError("must be an IETF language tag such as de-DE")


@lru_cache(maxsize=1024)
def _standard_tag(text: str) -> str | None:
    if not _TAG.fullmatch(text):
        return None
    langcodes = libraries.languages()
    try:
        return langcodes.standardize_tag(text) if langcodes.tag_is_valid(text) else None
    except (ValueError, LookupError):
        return None


_TAG: Final = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*", re.ASCII)


def _moment(value: Any, limits: Limits) -> int:
    return parse_moment(value)


_DECIMAL: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,20})?", re.ASCII)


def _percentile(value: Any, limits: Limits) -> int:
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100:
        return round(value)
    raise ValueError("must be a whole number from 0 to 100")


_short = _text("name")
_long = _text("text")

Rules = dict[str, Callable[[Any, Limits], Any]]
"""The rule of each field, which raises ValueError with a sentence."""

FIELD_RULES: Final[Rules] = {
    "firstname": _short,
    "lastname": _short,
    "name": _long,
    "phone_number": _phone,
    "mobile_phone_number": _phone,
    "gender": _gender,
    "locale": _locale,
    **dict.fromkeys(
        ("address_line_1", "address_line_2", "address_city", "address_state", "address_country", "address_zip"), _long
    ),
}
"""The rule of each profile field."""

TOP_RULES: Final[Rules] = {
    **{name: FIELD_RULES[name] for name in ("firstname", "lastname", "name", "phone_number", "gender", "locale")},
    "joined_at": _moment,
    **dict.fromkeys(PERCENTILES, _percentile),
}
"""Top-level keys that are fields. An invalid value is kept as an attribute, with a warning; see `profile`."""


@cache
def rules_in(country: str | None) -> tuple[Rules, Rules]:
    """FIELD_RULES and TOP_RULES, with national phone numbers read as numbers of the country."""
    if country is None:
        return FIELD_RULES, TOP_RULES
    phones = {name: partial(rule, country=country) for name, rule in FIELD_RULES.items() if rule is _phone}
    return {**FIELD_RULES, **phones}, {**TOP_RULES, **{name: phones[name] for name in TOP_RULES if name in phones}}
