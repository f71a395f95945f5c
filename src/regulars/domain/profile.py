"""The profile: what one upsert says about a customer, validated."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from regulars.domain.consent import MANUAL
from regulars.domain.consent_fields import ATTRIBUTES, NO_FLAG, as_meant, flag_of
from regulars.domain.existing_fields import Existing
from regulars.domain.faults import Fault, FieldWarning, RefusedError
from regulars.domain.fields import PERCENTILES, TOP_RULES, fields_of, rank_of, rules_in
from regulars.domain.identity import Who, parse_address, parse_customer_id, parse_uuid
from regulars.domain.limits import DEFAULT, Limits
from regulars.domain.references import Reference, parse_reference
from regulars.domain.text import composed, is_blank, is_storable
from regulars.domain.visitors import visitor_of

NO_LOCALE: Final = "not set"
"""How a customer without a locale is shown. Sent back, it is ignored."""

READ_ONLY: Final = frozenset(
    {
        *("object", "created", "created_at", "updated_at", "unsubscribed_at", "bsft_control_bucket"),
        *("email_domain", "email_hash", "email_hard_bounced", "email_spam_reported"),
        *("lifetime_orders", "lifetime_revenue", "lifetime_visits"),
    }
)
"""Read-only fields of a customer object: ignored at the top level when a customer is sent back."""

EVIDENCE: Final = ("wording", "proof")
"""Keys that are evidence of consent next to `unsubscribed` or `subscription_groups`, and attributes elsewhere."""

RESERVED_PREFIX: Final = "_bsft_"


class Profile(Struct):
    """What one upsert says about a customer, validated and under our names. Fields that it leaves out are absent.

    fields: profile fields with their new values (None clears). attributes: to merge key by key (None clears a key).
    groups: to join. newsletters: (which, subscribed). unsubscribed: the caller's statement on consent, None for none.
    cause: why, if it says that consent has ended, a key of `consent.CAUSES`. wording, proof: the evidence of it.
    forget_customer_id: the customer has no customer_id any more; never set together with one in `who`.
    is_echo: it may be sent back as it was shown: who was never asked is shown as not subscribed, and who has no name
    under what stands for it; neither is news. visitor: the cookie and device that come along.
    existing: what becomes of the fields of a customer who is there; consent and ties apply in any case.
    """

    who: Who
    fields: dict[str, Any]
    attributes: dict[str, Any]
    groups: tuple[Reference, ...] = ()
    newsletters: tuple[tuple[Reference, bool], ...] = ()
    unsubscribed: bool | None = None
    cause: str = MANUAL
    wording: str | None = None
    proof: str | None = None
    forget_customer_id: bool = False
    is_echo: bool = False
    warnings: tuple[FieldWarning, ...] = ()
    visitor: tuple[tuple[str, str], ...] = ()
    existing: Existing = "overwrite"


def parse_profile(
    body: Mapping[str, Any],
    *,
    limits: Limits = DEFAULT,
    ignore: frozenset[str] = frozenset(),
    strict: bool = False,
    country: str | None = None,
) -> Profile:
    """Validate the body of an upsert. Keys in `ignore` belong to the envelope and are skipped.

    An invalid optional field is left out or rounded, kept as an attribute as it was sent, and listed in the
    warnings; `strict` refuses it. Invalid identifiers, structure and consent are always refused. country: national
    phone numbers are read as numbers of this country.

    Raises RefusedError with every fault of the body: `user_identifier_missing` when nothing names the customer.
    """
    profile = _Validator(limits, strict=strict, country=country).read(body, ignore)
    profile.visitor = visitor_of(body)
    return profile


def parse_who(body: Mapping[str, Any], *, limits: Limits = DEFAULT) -> Who:
    """The identifiers in a body. Raises RefusedError if one is malformed or there are none."""
    reading = _Validator(limits)
    who = reading.who(body)
    reading.finish(who)
    return who


class _Validator:
    """Validates one body and collects its faults."""

    def __init__(self, limits: Limits, *, strict: bool = False, country: str | None = None) -> None:
        self.limits = limits
        self.field_rules, self.top_rules = rules_in(country)
        self.strict = strict
        self.faults: list[Fault] = []
        self.warnings: list[FieldWarning] = []

    def read(self, body: Mapping[str, Any], ignore: frozenset[str]) -> Profile:
        body, faults = as_meant(body, ignore)
        self.faults += faults
        who = self.who(body)
        fields: dict[str, Any] = {}
        attributes: dict[str, Any] = {}
        for key in ATTRIBUTES:  # we show the attributes under both names
            data = body.get(key)
            if isinstance(data, dict):
                attributes.update(data)
            elif data is not None and data != "":
                self.fault(key, "must be an object")
        rules = self.top_rules
        evidence = EVIDENCE if "unsubscribed" in body or "subscription_groups" in body else ()
        for key, value in body.items():
            rule = rules.get(key)
            if rule is not None:
                if value is None or is_blank(value) or (key == "locale" and value == NO_LOCALE):
                    continue
                try:
                    taken = fields[PERCENTILES.get(key, key)] = rule(value, self.limits)
                    if key in PERCENTILES and taken != (float(value) if isinstance(value, str) else value):
                        self.soft(key, value, taken, "must be a whole number", attributes)
                except ValueError as error:
                    self.soft(key, value, None, str(error), attributes)
            elif key not in _ENVELOPE and key not in READ_ONLY and key not in ignore and key not in evidence:
                attributes[key] = value
        if len(attributes) * _SHORTEST_MEMBER > self.limits.attributes:
            self.faults.append(_too_large(self.limits.attributes))  # judging so many would take long
        elif attributes:
            if not all(map(str.isascii, attributes)):
                attributes = {composed(key): value for key, value in attributes.items()}
            self.attributes(attributes, fields)
        groups = self.groups(body["groups"]) if "groups" in body else ()
        newsletters = self.newsletters(body["subscription_groups"]) if "subscription_groups" in body else ()
        unsubscribed = self.flag("unsubscribed", body["unsubscribed"]) if "unsubscribed" in body else None
        if unsubscribed is False and _is_shown_as_reachable(body):
            unsubscribed = None
        wording, proof = (self.evidence(key, body.get(key)) for key in EVIDENCE) if evidence else (None, None)
        self.finish(who)
        return Profile(
            *(who, fields, attributes, groups, newsletters, unsubscribed),
            wording=wording,
            proof=proof,
            warnings=tuple(self.warnings),
        )

    def fault(self, field: str, detail: str) -> None:
        self.faults.append(Fault(field, detail))

    def soft(self, field: str, given: Any, taken: Any, detail: str, attributes: dict[str, Any]) -> None:
        """An invalid optional field: kept as an attribute with a warning, unless the caller wants a refusal."""
        if self.strict:
            self.fault(field, detail)
        else:
            attributes[field] = given
            self.warnings.append(FieldWarning(field, given, taken, detail))

    def finish(self, who: Who) -> None:
        if who == _NOBODY and not any(fault.field in IDENTIFIERS for fault in self.faults):
            missing = Fault("email", "No valid identifier found")
            raise RefusedError("user_identifier_missing", (missing, *self.faults))
        if self.faults:
            raise RefusedError("invalid", self.faults)

    def who(self, body: Mapping[str, Any]) -> Who:
        email = key = customer_id = uuid = None
        value = body.get("email")
        if value is not None and not is_blank(value):
            try:
                email, key = parse_address(value, longest=self.limits.email)
            except ValueError as error:
                self.fault("email", str(error))
        value = body.get("customer_id")
        if value is not None and not is_blank(value):
            try:
                customer_id = parse_customer_id(value, longest=self.limits.customer_id)
            except ValueError as error:
                self.fault("customer_id", str(error))
        value = body.get("uuid")
        if value is not None and not is_blank(value):
            try:
                uuid = parse_uuid(value)
            except ValueError as error:
                self.fault("uuid", str(error))
        return Who(email, key, customer_id, uuid)

    def attributes(self, attributes: dict[str, Any], fields: dict[str, Any]) -> None:
        """Validate the attributes, and fill profile fields from them that no explicit field has set.

        A blank text stays an attribute and clears the field, as None does. So does an invalid value.
        """
        spelled: dict[str, tuple[str, ...]] = {}
        for key, value in attributes.items():
            filled = _fields_of_plain(key) if len(key) <= _LONGEST_PLAIN else None
            if filled is None or not _is_plain(value):
                self.attribute_rules(key, value)
                filled = fields_of(key) if len(key) <= _LONGEST_PLAIN else ()
            if filled and not isinstance(value, dict | list):
                spelled[key] = filled
        said: dict[str, str] = {}
        for key, filled in spelled.items():
            for field in () if is_blank(attributes[key]) else filled:
                if field not in said or rank_of(key, field) < rank_of(said[field], field):
                    said[field] = key
        cleared: list[str] = []
        for key, filled in spelled.items():
            value = attributes[key]
            for field in filled:
                if field in fields or (field in said and said[field] != key):
                    continue
                if is_blank(value):
                    cleared.append(field)
                    continue
                if value is None:
                    fields[field] = None
                    continue
                try:
                    fields[field] = self.field_rules[field](value, self.limits)
                except ValueError as error:
                    fields[field] = None  # what was there is not true any more
                    if self.strict:
                        self.fault(key, str(error))
                    elif not any(each.field == key for each in self.warnings):
                        self.warnings.append(FieldWarning(key, value, None, str(error)))

        for field in cleared:
            fields.setdefault(field, None)  # unless another spelling says something

    def attribute_rules(self, key: str, value: Any) -> None:
        if key.startswith(RESERVED_PREFIX):
            self.fault(key, f"must not start with {RESERVED_PREFIX}, which is reserved")
        elif not 1 <= len(key) <= self.limits.attribute_key or not is_storable(key):
            self.fault("data", f"attribute names must have 1 to {self.limits.attribute_key} characters, without NUL")
        elif problem := _unstorable(value):
            self.fault(key, problem)

    def evidence(self, key: str, value: Any) -> str | None:
        if value is None or is_blank(value):
            return None
        if not isinstance(value, str) or len(value) > self.limits.text or not is_storable(value):
            self.fault(key, f"must be text of at most {self.limits.text} characters")
            return None
        return value

    def groups(self, value: Any) -> tuple[Reference, ...]:
        if value is None or is_blank(value):
            return ()
        if not isinstance(value, list) or len(value) > self.limits.references:
            self.fault("groups", f"must be a list of at most {self.limits.references} group ids")
            return ()
        found = []
        for place, item in enumerate(value):
            try:
                found.append(parse_reference(item, "group", longest=self.limits.object_key))
            except ValueError as error:
                self.fault(f"groups.{place}", str(error))
        return tuple(dict.fromkeys(found))

    def newsletters(self, value: Any) -> tuple[tuple[Reference, bool], ...]:
        if value is None or is_blank(value):
            return ()
        if not isinstance(value, list) or len(value) > self.limits.references:
            self.fault("subscription_groups", f"must be a list of at most {self.limits.references} objects")
            return ()
        found = []
        for place, item in enumerate(value):
            path = f"subscription_groups.{place}"
            if not isinstance(item, dict):
                self.fault(path, "must be an object with id and subscribed")
                continue
            subscribed = self.flag(f"{path}.subscribed", item.get("subscribed"), required=True)
            try:
                reference = parse_reference(item.get("id"), "newsletter", longest=self.limits.object_key)
            except ValueError as error:
                self.fault(f"{path}.id", str(error))
                continue
            if subscribed is not None:
                found.append((reference, subscribed))
        return tuple(dict(found).items())

    def flag(self, field: str, value: Any, *, required: bool = False) -> bool | None:
        if value is None or is_blank(value):
            if required:
                self.fault(field, "is required: true or false")
            return None
        known = flag_of(value)
        if known is None:
            self.fault(field, NO_FLAG)
        return known


_NOBODY: Final = Who()
IDENTIFIERS: Final = frozenset({"email", "customer_id", "uuid"})
"""The keys that identify a customer."""


_SHORTEST_MEMBER: Final = 5
"""The minimum size of an attribute in JSON (bytes): a quoted name, a colon and a value of one character."""

_LONGEST_PLAIN: Final = 64
"""The longest attribute name (characters) that is cached; longer ones would let callers fill the memory."""


@lru_cache(maxsize=4096)
def _fields_of_plain(key: str) -> tuple[str, ...] | None:
    """The profile fields that an ordinary attribute name fills, mostly none; None if the full check is needed."""
    if key and key[0] != "_" and key.isascii() and "\0" not in key:
        return fields_of(key)
    return None


def _is_plain(value: Any) -> bool:
    """Whether a value is of the common kinds and can be kept: judged at once."""
    if type(value) is str:
        return is_storable(value)
    return value is None or value is True or value is False or (type(value) is int and -(2**63) <= value < 2**63)


def _unstorable(value: Any) -> str | None:
    """Why a JSON value cannot be stored, None if it can."""
    if isinstance(value, str):
        return None if is_storable(value) else "must not contain NUL or unpaired surrogates"
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else "must be a whole number of at most 64 bits"
    if isinstance(value, float):
        return None if value - value == 0 else "must be a finite number"
    if isinstance(value, Mapping):
        parts: Any = (*value.keys(), *value.values())
    elif isinstance(value, list):
        parts = value
    else:
        return "must be a JSON value"
    return next(filter(None, map(_unstorable, parts)), None)


_ENVELOPE: Final = IDENTIFIERS | {"data", "custom_attributes", "groups", "subscription_groups", "unsubscribed"}
"""Top-level keys that are neither fields nor attributes."""

EXPLICIT_FIELDS: Final = (*TOP_RULES, *sorted(_ENVELOPE))
"""Every top-level key of an upsert that is not an attribute; for the docs."""


def _is_shown_as_reachable(body: Mapping[str, Any]) -> bool:
    """Whether a body is a customer object of someone who never unsubscribed: subscribed and never asked look alike.

    Sent back, perhaps after the person has unsubscribed, it is nobody's word on consent.
    """
    return body.get("object") == "customer" and "unsubscribed_at" in body and body["unsubscribed_at"] is None


def fill_names(fields: dict[str, Any], firstname: str | None, lastname: str | None, *, longest: int) -> None:
    """Keep `name` and its two parts in step within the fields of one call.

    Writing a part sets the name to "first last" (the other part from the customer as it is); writing the name
    splits it at its first white space, and no part is longer than `longest` characters.
    """
    given_parts = "firstname" in fields or "lastname" in fields
    if given_parts and "name" not in fields:
        fields["name"] = joined_name(fields.get("firstname", firstname), fields.get("lastname", lastname))
    elif "name" in fields and not given_parts:
        first, *rest = (fields["name"] or "").split(None, 1) or ("",)
        fields["firstname"] = first[:longest] or None
        fields["lastname"] = rest[0].strip()[:longest].rstrip() or None if rest else None


def joined_name(firstname: str | None, lastname: str | None) -> str | None:
    """The name composed of two parts, "first last"; None if both are absent."""
    return " ".join(filter(None, (firstname, lastname))) or None


def merge_attributes(current: str | None, patch: dict[str, Any], *, longest: int) -> str | None:
    """The attributes (JSON text, None when empty) after `patch`, key by key; a None clears its key.

    Raises RefusedError when the result would be larger than `longest` bytes.
    """
    merged: dict[str, Any] = msgspec.json.decode(current) if current else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    if not merged:
        return None
    text = msgspec.json.encode(merged)
    if len(text) > longest:
        raise RefusedError("invalid", (_too_large(longest),))
    return text.decode()


def _too_large(longest: int) -> Fault:
    return Fault("data", f"all attributes of a customer must fit in {longest} bytes of JSON")
