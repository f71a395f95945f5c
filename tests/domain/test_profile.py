"""The profile: what a body of an upsert may say, and what is refused, all faults at once."""

from typing import Any

import msgspec
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.faults import Fault, RefusedError
from regulars.domain.fields import FIELD_RULES, FIELDS_OF, PERCENTILES, SPELLINGS
from regulars.domain.limits import DEFAULT, Limits
from regulars.domain.phone import parse_phone
from regulars.domain.profile import EXPLICIT_FIELDS, Profile, fill_names, merge_attributes, parse_profile, parse_who

UUID = "06743da2-9589-4c01-afda-e3d85e487fa7"
VALID = {
    "firstname": "Anna",
    "lastname": "Smith",
    "name": "Anna Smith",
    "phone_number": "+919742888933",
    "mobile_phone_number": "+4915112345678",
    "gender": "female",
    "locale": "de-DE",
    "address_line_1": "1 High Street",
    "address_line_2": "Flat 2",
    "address_city": "Berlin",
    "address_state": "BE",
    "address_country": "Germany",
    "address_zip": "10115",
}


def read(**body: Any) -> Profile:
    return parse_profile({"email": "a@b.co", **body})


def faults_of(body: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(RefusedError) as refused:
        parse_profile(body, strict=True)
    return {fault.field: fault.detail for fault in refused.value.faults}


# -- who ------------------------------------------------------------------------------------------------------


def test_any_of_three_identifiers_is_enough() -> None:
    who = parse_who({"email": " A@B.co ", "customer_id": 5, "uuid": UUID})
    assert (who.email, who.email_key, who.customer_id) == ("a@b.co", "a@b.co", "5")
    assert who.uuid is not None
    assert who.uuid.hex() == UUID.replace("-", "")
    for field, value in (("email", "a@b.co"), ("customer_id", "c"), ("uuid", UUID)):
        assert parse_profile({field: value}).who == parse_who({field: value})


@pytest.mark.parametrize("body", [{}, {"email": "", "customer_id": None}, {"firstname": "Anna"}, {"email": None}])
def test_a_body_that_names_nobody_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_profile(body)
    assert refused.value.code == "user_identifier_missing"
    assert refused.value.faults == (Fault("email", "No valid identifier found"),)
    assert refused.value.sentence == "email: No valid identifier found"


def test_a_body_that_names_nobody_lists_its_other_faults_too() -> None:
    with pytest.raises(RefusedError) as refused:
        parse_profile({"gender": 5}, strict=True)
    assert refused.value.code == "user_identifier_missing"
    assert [fault.field for fault in refused.value.faults] == ["email", "gender"]


def test_a_malformed_identifier_is_a_fault_of_its_own() -> None:
    with pytest.raises(RefusedError) as refused:
        parse_profile({"email": "nope", "customer_id": "x" * 129, "uuid": "1"})
    assert refused.value.code == "invalid"
    assert [fault.field for fault in refused.value.faults] == ["email", "customer_id", "uuid"]


def test_all_faults_are_listed_at_once() -> None:
    body = {
        "email": "a@b.co",
        "data": [],
        "firstname": "x" * 65,
        "lastname": 5.5,
        "phone_number": "030 123",
        "gender": "x" * 65,
        "locale": "not a locale",
        "joined_at": "soon",
        "predictive_engagement_percentile": 101,
        "unsubscribed": "perhaps",
        "groups": ["ok", 0],
        "subscription_groups": [{"id": "n"}, {"subscribed": True}, 5],
        "_bsft_source": 1,
        "big": 2**64,
    }
    expected = {
        *(set(body) - {"email", "groups", "subscription_groups"}),
        *("groups.1", "subscription_groups.0.subscribed", "subscription_groups.1.id", "subscription_groups.2"),
    }
    assert set(faults_of(body)) == expected


# -- fields ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("field", EXPLICIT_FIELDS)
def test_empty_and_null_at_the_top_mean_absent(field: str, value: object) -> None:
    named = {"customer_id": "c", "email": "a@b.co"}
    without = {key: kept for key, kept in named.items() if key != field}
    assert parse_profile({**named, field: value}) == parse_profile(without)


def test_the_country_codes_are_those_of_the_library() -> None:
    for text in map(str, range(100, 1000)):
        known = any(int(text[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE for length in (1, 2, 3))
        number = f"+{text}1234567"
        if known:
            assert parse_phone(number) == number
        else:
            with pytest.raises(ValueError, match="country code"):
                parse_phone(number)


@pytest.mark.parametrize("number", ["+919742888933", "+123456", "+12345678901234", " +49301234567 "])
def test_phones_have_6_to_14_digits(number: str) -> None:
    assert read(phone_number=number).fields == {"phone_number": number.strip()}


@pytest.mark.parametrize(
    "phone",
    [
        "+12345",
        "+1234567890123456",
        "+0123456",
        "919742888933",
        "+49 30 1",
        "0151 12345678",
        49301234,
        "+49 30 12 ext 5",
        "+999123456789",
        "+999 123 456 789",
        "+210123456789",
    ],
)
def test_other_phones_are_refused(phone: object) -> None:
    assert "must have + and the country code" in faults_of({"email": "a@b.co", "phone_number": phone})["phone_number"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("de-DE", "de-DE"),
        ("de_de", "de-DE"),
        ("EN-us", "en-US"),
        ("fr", "fr"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("iw", "he"),
    ],
)
def test_locales_are_normalised(sent: str, kept: str) -> None:
    assert read(locale=sent).fields == {"locale": kept}


@pytest.mark.parametrize(
    "locale", ["xx-Nowhere-At-All-Really-Not-One-Of-Them", "german!", "q", "de-", 5, True, ["de"], "d\0e"]
)
def test_what_is_no_locale_is_refused(locale: object) -> None:
    assert faults_of({"email": "a@b.co", "locale": locale}) == {"locale": "must be an IETF language tag such as de-DE"}


@pytest.mark.parametrize(
    "phone",
    [
        *(
            "+49 151 12345678",
            "+49-151-123-45678",
            "+49 (151) 123.45678",
            "tel:+4915112345678",
            "(+49) 151 12345678",
            "+49\u00a0151\u00a012345678",
        ),
        *("\u202a+49 151 12345678\u202c", "\uff0b4915112345678", "+49 (0)151 12345678"),
    ],
)
def test_international_numbers_are_read_however_they_are_written(phone: str) -> None:
    profile = read(phone_number=phone)
    assert profile.fields == {"phone_number": "+4915112345678"}
    assert profile.warnings == ()


SOFT: list[tuple[str, Any, Any]] = [
    ("phone_number", "030 123", None),
    ("gender", ["x"], None),
    ("locale", "german!", None),
    ("joined_at", "soon", None),
    ("joined_at", 45292, None),
    ("firstname", "x" * 65, None),
    ("predictive_engagement_percentile", 101, None),
    ("predictive_engagement_percentile", 55.6, 56),
]


@pytest.mark.parametrize(("field", "given", "taken"), SOFT)
def test_a_field_that_cannot_be_read_loses_nobody(field: str, given: object, taken: object) -> None:
    profile = parse_profile({"email": "a@b.co", "lastname": "Lee", field: given})
    assert profile.who.email == "a@b.co"
    assert profile.fields["lastname"] == "Lee"
    assert profile.attributes == {field: given}
    (warning,) = profile.warnings
    assert (warning.field, warning.given, warning.taken) == (field, given, taken)
    assert profile.fields.get(PERCENTILES.get(field, field)) == taken
    assert set(faults_of({"email": "a@b.co", field: given})) == {field}


def test_whichever_spelling_was_written_last_decides_the_field() -> None:
    for unreadable in ("+44 20 7946 0958 or so", "", None):
        assert read(data={"phone": unreadable}).fields == {"phone_number": None}
    assert read(data={"phone": "+44 20 7946 0958"}).fields == {"phone_number": "+442079460958"}
    exported = {
        "firstName": "Zoe",
        "address1": "Main St 1",
        "zipcode": "12345",
        "province": "ON",
        "phoneNumber": "+123456",
    }
    assert read(data=exported).fields == {
        "firstname": "Zoe",
        "address_line_1": "Main St 1",
        "address_zip": "12345",
        "address_state": "ON",
        "phone_number": "+123456",
    }


@pytest.mark.parametrize(
    ("sent", "kept"), [("Male", "male"), (" female", "female"), ("UNKNOWN", "unknown"), ("Non-Binary", "Non-Binary")]
)
def test_genders(sent: str, kept: str) -> None:
    assert read(gender=sent).fields == {"gender": kept}


def test_names_have_limits_and_numbers_are_text() -> None:
    assert read(firstname="x" * 64, lastname=7).fields == {"firstname": "x" * 64, "lastname": "7"}
    assert set(faults_of({"email": "a@b.co", "firstname": "x" * 65, "lastname": True, "name": "a\0b"})) == {
        *("firstname", "lastname", "name")
    }


def test_limits_are_settings() -> None:
    assert parse_profile({"email": "a@b.co", "firstname": "x" * 65}, limits=Limits(name=65)).fields
    with pytest.raises(RefusedError, match="invalid"):
        parse_profile({"email": "a@b.co"}, limits=Limits(email=5))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        ("true", True),
        ("False", False),
        (" 1 ", True),
        ("0", False),
    ],
)
def test_unsubscribed_in_all_spellings(value: object, said: bool) -> None:
    assert read(unsubscribed=value).unsubscribed is said


@pytest.mark.parametrize("value", [2, -1, "yes", "01", [], {}, 1.5])
def test_other_words_on_consent_are_refused(value: object) -> None:
    assert faults_of({"email": "a@b.co", "unsubscribed": value}) == {"unsubscribed": "must be true, false, 1 or 0"}


def test_groups_are_references_each_once() -> None:
    assert read(groups=["grp_1", 7, "7", "grp_1"]).groups == ("grp_1", 7)
    assert list(faults_of({"email": "a@b.co", "groups": "grp_1"})) == ["groups"]
    assert list(faults_of({"email": "a@b.co", "groups": [1] * (DEFAULT.references + 1)})) == ["groups"]


def test_subscription_groups_need_both_fields() -> None:
    listed = [{"id": "n", "subscribed": True}, {"id": 3, "subscribed": "0"}, {"id": "n", "subscribed": False}]
    assert read(subscription_groups=listed).newsletters == (("n", False), (3, False))
    assert faults_of({"email": "a@b.co", "subscription_groups": [{}]}).keys() == {
        *("subscription_groups.0.subscribed", "subscription_groups.0.id")
    }
    assert list(faults_of({"email": "a@b.co", "subscription_groups": {}})) == ["subscription_groups"]


def test_predictions_can_be_set() -> None:
    assert read(predictive_purchase_intent_percentile=0, predictive_retention_percentile=100).fields == {
        "purchase_percentile": 0,
        "retention_percentile": 100,
    }


# -- attributes and spellings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("spelling", "fields"), FIELDS_OF.items())
@pytest.mark.parametrize("in_data", [True, False])
def test_every_spelling_fills_its_fields(spelling: str, fields: tuple[str, ...], in_data: bool) -> None:
    value = VALID[fields[0]]
    profile = read(data={spelling: value}) if in_data else read(**{spelling: value})
    assert {name: profile.fields[name] for name in fields} == dict.fromkeys(fields, value)
    explicit = not in_data and spelling in EXPLICIT_FIELDS
    assert profile.attributes == ({} if explicit else {spelling: value})


def test_the_spellings_are_those_of_the_api() -> None:
    assert set(SPELLINGS) == set(FIELD_RULES) == set(VALID)
    assert read(data={"mobile": "+4915112345678"}).fields == {
        "phone_number": "+4915112345678",
        "mobile_phone_number": "+4915112345678",
    }
    assert read(data={"phone": "+4915112345678"}).fields == {"phone_number": "+4915112345678"}


@pytest.mark.parametrize(("spelling", "fields"), FIELDS_OF.items())
def test_data_that_breaks_a_rule_stays_an_attribute(spelling: str, fields: tuple[str, ...]) -> None:
    for value in ({"deep": [1]}, ["x"], True, 1.5, "x" * 2000):
        profile = read(data={spelling: value})
        assert profile.attributes == {spelling: value}
        is_structure = isinstance(value, dict | list)
        assert profile.fields == ({} if is_structure else dict.fromkeys(fields))  # what was there is not true any more
        assert [each.field for each in profile.warnings] == ([] if is_structure else [spelling])


def test_a_field_outranks_its_spellings_and_they_have_an_order() -> None:
    assert read(firstname="Anna", data={"first_name": "Bob"}).fields == {"firstname": "Anna"}
    assert read(data={"fname": "C", "first_name": "A", "firstname": "B"}).fields == {"firstname": "A"}
    assert read(data={"language": "fr", "locale": "de"}).fields == {"locale": "de"}


def test_null_in_data_clears_the_field_and_the_attribute() -> None:
    profile = read(data={"city": None, "plan": None})
    assert (profile.fields, profile.attributes) == ({"address_city": None}, {"city": None, "plan": None})


def test_any_other_key_is_an_attribute() -> None:
    extra = {"plan": "gold", "tags": ["a", {"b": [1, None]}], "score": 1.5, "vip": True, "": None}
    del extra[""]
    assert read(**extra, data={"plan": "silver", "size": 5}).attributes == {"size": 5, **extra}


def test_reserved_and_impossible_attributes_are_refused() -> None:
    bad = {
        "_bsft_x": 1,
        "nul": "a\0",
        "lone": ["\ud800"],
        "huge": {"deep": [2**63]},
        "nan": float("nan"),
        "inf": [float("inf")],
        "key": {"\0": 1},
        "odd": object(),
    }
    assert set(faults_of({"email": "a@b.co", "data": bad})) == set(bad)
    assert set(faults_of({"email": "a@b.co", **bad})) == set(bad)
    for key in ("", "x" * 129, "a\0"):
        assert list(faults_of({"email": "a@b.co", "data": {key: 1}})) == ["data"]
    assert read(data={"_own": 1, "x" * 128: -(2**63)}).attributes == {"_own": 1, "x" * 128: -(2**63)}


def test_keys_of_the_envelope_are_no_attributes() -> None:
    body = {"email": "a@b.co", "event": "identify", "plan": 1}
    assert parse_profile(body, ignore=frozenset({"event"})).attributes == {"plan": 1}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*EXPLICIT_FIELDS, *FIELDS_OF, "_bsft_a", "plan"]), json_values, max_size=5))
def test_any_body_is_a_profile_or_refused(body: dict[str, Any]) -> None:
    try:
        profile = parse_profile(body)
    except RefusedError as refused:
        assert refused.faults
        assert all(fault.detail for fault in refused.faults)
    else:
        assert profile.who != type(profile.who)()
        assert merge_attributes(None, profile.attributes, longest=10**6) is None or profile.attributes


# -- names in step, attributes merged -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "filled"),
    [
        ({"firstname": "Bo"}, {"firstname": "Bo", "name": "Bo Smith"}),
        ({"lastname": "Lee"}, {"lastname": "Lee", "name": "Anna Lee"}),
        ({"firstname": None}, {"firstname": None, "name": "Smith"}),
        ({"firstname": None, "lastname": None}, {"firstname": None, "lastname": None, "name": None}),
        ({"name": "Jo van Dam"}, {"name": "Jo van Dam", "firstname": "Jo", "lastname": "van Dam"}),
        ({"name": "Cher"}, {"name": "Cher", "firstname": "Cher", "lastname": None}),
        (
            {"name": "Wolfeschlegel Hausenberg"},
            {"name": "Wolfeschlegel Hausenberg", "firstname": "Wolfesch", "lastname": "Hausenbe"},
        ),
        ({"name": None}, {"name": None, "firstname": None, "lastname": None}),
        ({"address_city": "Rome"}, {"address_city": "Rome"}),
    ],
)
def test_the_name_and_its_parts_stay_in_step(fields: dict[str, Any], filled: dict[str, Any]) -> None:
    fill_names(fields, "Anna", "Smith", longest=8)
    assert fields == filled


simple = st.dictionaries(st.sampled_from("abcd"), st.none() | st.integers(0, 3) | st.lists(st.none(), max_size=2))


@given(simple, simple)
def test_attributes_are_merged_key_by_key(old: dict[str, Any], patch: dict[str, Any]) -> None:
    current = merge_attributes(None, old, longest=1000)
    merged = merge_attributes(current, patch, longest=1000)
    expected = {key: value for key, value in {**old, **patch}.items() if value is not None}
    assert (msgspec.json.decode(merged) if merged else {}) == expected
    assert merge_attributes(merged, patch, longest=1000) == merged


def test_attributes_have_a_largest_size() -> None:
    assert merge_attributes(None, {"a": "x" * 10}, longest=18) == '{"a":"xxxxxxxxxx"}'
    with pytest.raises(RefusedError, match="18 bytes"):
        merge_attributes('{"b":1}', {"a": "x" * 10}, longest=18)


# -- blank texts ----------------------------------------------------------------------------------------------

BLANK = st.text(alphabet=" \t\n\u00a0\u3000", max_size=3)


@given(st.sampled_from(sorted(FIELDS_OF)), BLANK)
def test_a_blank_text_clears_the_field_that_its_attribute_spells(key: str, blank: str) -> None:
    found = read(data={key: blank})
    assert found.fields == dict.fromkeys(FIELDS_OF[key])
    assert found.attributes == {key: blank}


@given(st.sampled_from(sorted(set(EXPLICIT_FIELDS) & set(FIELD_RULES))), BLANK)
def test_a_blank_text_at_the_top_is_absent(field: str, blank: str) -> None:
    assert read(**{field: blank}) == read()


def test_a_blank_spelling_leaves_the_field_to_the_next_one() -> None:
    assert read(data={"first_name": " ", "fname": "Anna"}).fields["firstname"] == "Anna"
    assert read(firstname="", data={"first_name": "Anna"}).fields["firstname"] == "Anna"
    assert read(data={"first_name": None, "fname": "Anna"}).fields["firstname"] is None


def test_strict_refuses_a_spelling_that_cannot_be_read() -> None:
    body = {"email": "a@b.co", "data": {"phone": "call me"}}
    assert [warning.field for warning in parse_profile(body).warnings] == ["phone"]
    with pytest.raises(RefusedError) as caught:
        parse_profile(body, strict=True)
    assert [fault.field for fault in caught.value.faults] == ["phone"]


def test_names_of_attributes_have_one_form() -> None:
    composed = parse_profile({"email": "a@example.com", "cl\u00e9": 1})
    decomposed = parse_profile({"email": "a@example.com", "data": {"cle\u0301": 1}})
    assert composed.attributes == decomposed.attributes == {"cl\u00e9": 1}


@pytest.mark.parametrize(
    ("key", "field"),
    [
        *(("FNAME", "firstname"), ("FirstName", "firstname"), ("FIRST-NAME", "firstname"), ("Last name", "lastname")),
        *(("Address Line 1", "address_line_1"), ("ZIP Code", "address_zip"), ("PostCode", "address_zip")),
        *(("MOBILE_PHONE", "mobile_phone_number"), ("Language", "locale"), ("Full name", "name")),
    ],
)
def test_case_and_what_is_between_words_do_not_matter(key: str, field: str) -> None:
    value = VALID[field]
    profile = parse_profile({"email": "anna@example.com", "data": {key: value}})
    assert profile.fields[field] == FIELD_RULES[field](value, DEFAULT)
    assert profile.attributes == {key: value}


def test_a_listed_spelling_wins_over_other_writings_of_it() -> None:
    for data in ({"FNAME": "Ann", "fname": "Zoe"}, {"fname": "Zoe", "FNAME": "Ann"}):
        assert parse_profile({"email": "anna@example.com", "data": data}).fields["firstname"] == "Zoe"
    first = parse_profile({"email": "anna@example.com", "data": {"FNAME": "Ann", "FirstName": "Zoe"}})
    assert first.fields["firstname"] == "Ann"


@pytest.mark.parametrize(("given", "taken", "warns"), [("55", 55, 0), (" 7.0 ", 7, 0), ("55.6", 56, 1), ("x", None, 1)])
def test_a_percentile_may_be_text(given: str, taken: int | None, warns: int) -> None:
    profile = parse_profile({"email": "anna@example.com", "predictive_retention_percentile": given})
    assert (profile.fields.get("retention_percentile"), len(profile.warnings)) == (taken, warns)
