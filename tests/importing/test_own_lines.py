"""Lines that look like our own exports are validated like any other."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.faults import RefusedError
from regulars.domain.limits import DEFAULT
from regulars.domain.restored import LATEST_TIMES, PROFILE_FIELDS
from regulars.importing.parsing import ImportKind, line_parser

NOW = 1_780_000_000_000
_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8))
_TIMES = st.sampled_from(["2026-01-01T00:00:00.000Z", "1970-01-01", "nonsense", 10**12, "9999-12-31"])
_TEXTS = st.sampled_from(["tag.has", "subscribed", "hidden", "audience.member", "vip", "8", "", "x" * 2000, "a@x.org"])
_VALUES = st.one_of(_SCALARS, _TIMES, _TEXTS)
_ITEMS = st.lists(
    st.one_of(
        _VALUES,
        st.dictionaries(
            st.sampled_from(
                [
                    *("relation", "id", "name", "holds", "at", "granted", "cause", "source", "email", "event"),
                    *("event_uuid", "newsletter", "expires_at", "wording", "confirmed_at", "deleted"),
                ]
            ),
            _VALUES,
        ),
    ),
    max_size=3,
)
_NAMES = [*PROFILE_FIELDS, *LATEST_TIMES, "created_at", "updated_at", "bsft_control_bucket", "customer_id", "uuid"]
_LINES = st.dictionaries(
    st.sampled_from(
        [
            *(*_NAMES, "ties", "consents", "former_addresses", "custom_attributes", "email"),
            *("newsletter_consents", "consent_requests"),
        ]
    ),
    st.one_of(_VALUES, _ITEMS, st.dictionaries(st.text(max_size=3), _SCALARS, max_size=2)),
)
_HISTORY = st.dictionaries(
    st.sampled_from(
        ["event", "timestamp", "event_uuid", "events", "status", "status_at", "created_at", "email", "uuid"]
    ),
    st.one_of(_VALUES, _ITEMS, st.sampled_from(["email_sent", "sent", "purchase", "identify"])),
)
_MARKS = st.dictionaries(
    st.sampled_from(["lacks", "repeats", "hidden", "mail", "key"]),
    st.one_of(_VALUES, _ITEMS, st.dictionaries(st.sampled_from(["key", "ref", "address", "name", "id"]), _VALUES)),
)


def parsed(kind: ImportKind, line: dict[str, Any]) -> None:
    try:
        raw = msgspec.json.encode(line)
    except (OverflowError, msgspec.MsgspecError):
        return
    try:
        line_parser(kind, DEFAULT).parse(raw, NOW)
    except RefusedError as refusal:
        assert refusal.sentence


@given(_LINES)
def test_any_line_of_a_customer_is_taken_or_refused(line: dict[str, Any]) -> None:
    parsed("customers", {"regulars_id": 1, "email": "a@x.org", **line})


@given(_HISTORY, _MARKS)
def test_any_line_of_history_is_taken_or_refused(line: dict[str, Any], mark: dict[str, Any]) -> None:
    parsed("activity", {"email": "a@x.org", **line, "_regulars": mark})


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"ties": "x"}, "ties"),
        ({"ties": [{"relation": "no.such", "at": 1}]}, "ties.0.relation"),
        ({"ties": [{"relation": "tag.has", "at": 1}]}, "ties.0.id"),
        ({"ties": [{"relation": "tag.has", "at": "soon", "id": "a"}]}, "ties.0.at"),
        ({"former_addresses": [{"email": "x"}]}, "former_addresses.0"),
        ({"last_opened_at": "soon"}, "last_opened_at"),
        ({"consents": [{"at": 1}]}, "consents.0"),
        ({"newsletter_consents": {}}, "newsletter_consents"),
        ({"newsletter_consents": [{"granted": True, "at": 1}]}, "newsletter_consents.0"),
        ({"newsletter_consents": [{"newsletter": "a", "granted": True}]}, "newsletter_consents.0.at"),
        (
            {"newsletter_consents": [{"newsletter": "a" * 9999, "granted": True, "at": 1}]},
            "newsletter_consents.0.newsletter",
        ),
        (
            {"newsletter_consents": [{"newsletter": "a", "granted": False, "at": 1, "cause": "?"}]},
            "newsletter_consents.0.cause",
        ),
        ({"consent_requests": [{"id": "1"}]}, "consent_requests.0"),
        ({"consent_requests": [{"id": "-1", "at": 1, "expires_at": 2, "wording": ""}]}, "consent_requests.0.id"),
        ({"consent_requests": [{"id": "9" * 19, "at": 1, "expires_at": 2, "wording": ""}]}, "consent_requests.0.id"),
        (
            {"consent_requests": [{"id": "1", "at": 1, "expires_at": "?", "wording": ""}]},
            "consent_requests.0.expires_at",
        ),
        ({"consent_requests": [{"id": "1", "at": 1, "expires_at": 2, "wording": "x" * 99_999}]}, "consent_requests.0"),
    ],
)
def test_a_fault_names_its_place(line: dict[str, Any], field: str) -> None:
    with pytest.raises(RefusedError) as refused:
        line_parser("customers", DEFAULT).parse(
            msgspec.json.encode({"regulars_id": 1, "email": "a@x.org", **line}), NOW
        )
    assert [fault.field for fault in refused.value.faults] == [field]


def test_an_invalid_field_of_a_profile_is_left_out_with_a_warning() -> None:
    line = {"regulars_id": 1, "email": "a@x.org", "phone_number": "nonsense", "firstname": "Anna"}
    command = line_parser("customers", DEFAULT).parse(msgspec.json.encode(line), NOW)
    assert command.profile.fields == {"name": None, "firstname": "Anna", "lastname": None}  # type: ignore[union-attr]
    assert [warning.field for warning in command.profile.warnings] == ["phone_number"]  # type: ignore[union-attr]
