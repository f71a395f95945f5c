"""Exports of the known programs: short files with their headers, and what each line says."""

import json
from pathlib import Path
from typing import Any

import pytest

from regulars.importing.columns.exporters import EXPORTERS
from regulars.importing.inputs import open_input

JANUARY = "2026-01-02T03:04:05+00:00"


def given(at: str | None, line: int = 2, **more: Any) -> dict[str, Any]:
    return {"granted": True, "at": at, "line": line, **more}


def ended(cause: str, at: str | None = None, line: int = 2) -> dict[str, Any]:
    return {"granted": False, "cause": cause, "at": at, "line": line}


FILES: list[tuple[str, str, str, list[dict[str, Any]]]] = [
    (
        "shopify",
        "customers_export.csv",
        "Customer ID,First Name,Email,Accepts Email Marketing,Default Address City,Phone,Total Spent,Tax Exempt,Tags\n"
        "'7,Anna,a@example.com,yes,Rome,'+391,12.50,no,\"vip, two words\"\n",
        [
            {
                "customer_id": "7", "firstname": "Anna", "email": "a@example.com", "phone_number": "+391",
                "tags": ["vip", "two words"], "data": {"city": "Rome", "total_spent": 12.5, "tax_exempt": False},
                "consents": [given(None)],
            },
        ],
    ),
    (
        "mailchimp",
        "unsubscribed_members_export_0a1b.csv",
        "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,CONFIRM_IP,LEID,EUID,TAGS,UNSUB_TIME\n"
        'a@example.com,Anna,2,2026-01-02 03:04:05,,,1,x,"""VIP"",""Blog""",2026-01-02 03:04:05\n',
        [
            {
                "email": "a@example.com", "firstname": "Anna", "tags": ["VIP", "Blog"], "data": {"member_rating": 2},
                "consents": [ended("opt_out", JANUARY), given(JANUARY)],
            },
        ],
    ),
    (
        "mailchimp",
        "renamed.csv",
        "Email Address,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,CONFIRM_IP,LEID,EUID\n"
        "a@example.com,2,2026-01-02 03:04:05,2026-01-02 03:04:05,1.2.3.4,1,x\n",
        [{"email": "a@example.com", "data": {"member_rating": 2}}],
    ),
    (
        "klaviyo",
        "k.csv",
        "Email,Klaviyo ID,First Name,Phone Number,Email Marketing Consent,Email Marketing Consent Timestamp,"
        "Email Suppressions,vip list\n"
        'a@example.com,01X,Anna,+391,SUBSCRIBED,2026-01-02 03:04:05,"[""SPAM_COMPLAINT""]",x\n'
        "b@example.com,02X,,,NEVER_SUBSCRIBED,,,\n",
        [
            {
                "email": "a@example.com", "firstname": "Anna", "phone_number": "+391",
                "data": {"klaviyo_id": "01X", "vip list": "x"},
                "consents": [ended("complaint"), given(JANUARY)],
            },
            {"email": "b@example.com", "data": {"klaviyo_id": "02X"}},
        ],
    ),
    (
        "hubspot",
        "h.csv",
        "Record ID,First Name,Email,Lifecycle Stage,Marketing contact status,Create Date (GMT+7),"
        "Unsubscribed from all email,Additional email addresses\n"
        "9,Anna,a@example.com,lead,Marketing contact,2026-01-02 10:04:05,true,x@example.com;y@example.com\n",
        [
            {
                "firstname": "Anna", "email": "a@example.com", "joined_at": "2026-01-02T10:04:05+07:00",
                "data": {
                    "hubspot_id": "9", "lifecycle_stage": "lead", "marketing_contact_status": "Marketing contact",
                    "additional_emails": ["x@example.com", "y@example.com"],
                },
                "consents": [ended("opt_out")],
            },
        ],
    ),
    (
        "zoho",
        "z.csv",
        "Record Id,Contact Owner,Last Name,Account Name,Account Name.id,Email,Email Opt Out\n"
        "zcrm_1,Me,Berg,ACME,zcrm_2,a@example.com,false\n",
        [
            {
                "lastname": "Berg", "email": "a@example.com",
                "data": {"zoho_id": "zcrm_1", "Contact Owner": "Me", "company": "ACME"},
            },
        ],
    ),
    (
        "salesforce",
        "s.csv",
        "Contact ID,First Name,Email,Account Name,Mailing Street,Mailing City,Email Opt Out\n"
        "003,Anna,a@example.com,ACME,Via 1,Rome,1\n",
        [
            {
                "firstname": "Anna", "email": "a@example.com", "consents": [ended("opt_out")],
                "data": {"salesforce_id": "003", "company": "ACME", "address": "Via 1", "city": "Rome"},
            },
        ],
    ),
    (
        "brevo",
        "b.csv",
        "EMAIL;VORNAME;SMS;EMAIL_BLACKLISTED;SMS_BLACKLISTED;ADDED_TIME;MODIFIED_TIME;DOUBLE_OPT-IN\n"
        "a@example.com;Anna;391234567;No;No;03-04-2026 05:06;03-04-2026 05:06;1\n"
        "b@example.com;;;Yes;No;03-04-2026 05:06;03-04-2026 05:06;2\n",
        [
            {
                "email": "a@example.com", "firstname": "Anna", "joined_at": "2026-04-03T05:06:00+00:00",
                "data": {"mobile_phone_number": "+391234567", "sms_blacklisted": False}, "consents": [given(None)],
            },
            {
                "email": "b@example.com", "joined_at": "2026-04-03T05:06:00+00:00",
                "data": {"sms_blacklisted": False}, "consents": [ended("opt_out", line=3)],
            },
        ],
    ),
    (
        "kit",
        "kit.csv",
        "first_name,email,created_at,status,tags\n"
        "Anna,a@example.com,2026-01-02T03:04:05Z,active,vip\n"
        "Bob,b@example.com,2026-01-02T03:04:05Z,bounced,\n",
        [
            {"firstname": "Anna", "email": "a@example.com", "tags": ["vip"], "consents": [given(JANUARY)]},
            {"firstname": "Bob", "email": "b@example.com", "consents": [ended("bounce", line=3), given(JANUARY, 3)]},
        ],
    ),
    (
        "activecampaign",
        "ac.csv",
        "Email,First Name,Last Name,Phone,Tags,Date Created,IP,Status\n"
        'a@example.com,Anna,Berg,,"vip, blog",2026-01-02 03:04:05,1.2.3.4,Active\n'
        "b@example.com,Bob,,,,2026-01-02 03:04:05,,Unconfirmed\n",
        [
            {
                "email": "a@example.com", "firstname": "Anna", "lastname": "Berg", "tags": ["vip", "blog"],
                "joined_at": JANUARY, "consents": [given(None, proof="1.2.3.4")],
            },
            {"email": "b@example.com", "firstname": "Bob", "joined_at": JANUARY},
        ],
    ),
    (
        "listmonk",
        "l.csv",
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        'u-1,a@example.com,Anna Berg,"{""plan"": ""pro"", ""seats"": 3}",enabled,2026-01-02T03:04:05Z,x\n'
        "u-2,b@example.com,Bob,{},blocklisted,2026-01-02T03:04:05Z,x\n",
        [
            {
                "email": "a@example.com", "name": "Anna Berg", "joined_at": JANUARY,
                "data": {"listmonk_uuid": "u-1", "plan": "pro", "seats": 3},
            },
            {
                "email": "b@example.com", "name": "Bob", "joined_at": JANUARY, "data": {"listmonk_uuid": "u-2"},
                "consents": [ended("opt_out", line=3)],
            },
        ],
    ),
    (
        "mautic",
        "m.csv",
        "id,points,email,firstname,lastname,city,tags\n1,5,a@example.com,Anna,Berg,Rome,vip|blog\n",
        [
            {
                "email": "a@example.com", "firstname": "Anna", "lastname": "Berg", "tags": ["vip", "blog"],
                "data": {"mautic_id": "1", "points": 5, "city": "Rome"},
            },
        ],
    ),
    (
        "woocommerce",
        "w.csv",
        "Name,Username,Last Active,Sign Up,Email,Orders,Total Spend,AOV,Country / Region,City,Region,Postal Code\n"
        "Anna Berg,anna,2026-01-02 03:04:05,2026-01-02 03:04:05,a@example.com,2,"
        '"$1,204.50",602.25,DE,Berlin,BE,01067\n',
        [
            {
                "name": "Anna Berg", "email": "a@example.com", "joined_at": JANUARY,
                "data": {
                    "username": "anna", "last_active": JANUARY, "total_orders": 2, "total_spend": 1204.5,
                    "average_order_value": 602.25, "country": "DE", "city": "Berlin", "state": "BE", "zip": "01067",
                },
            },
        ],
    ),
    (
        "stripe",
        "unified_customers.csv",
        "unified_customers-2\n"
        "id,Description,Email,Name,Created (UTC),Delinquent,Total Spend,Payment Count,plan (metadata)\n"
        "cus_1,,a@example.com,Anna Berg,2026-01-02 03:04:05,false,\"1,204.50\",3,pro\n",
        [
            {
                "email": "a@example.com", "name": "Anna Berg", "joined_at": JANUARY,
                "data": {
                    "stripe_id": "cus_1", "delinquent": False, "total_spend": 1204.5, "payment_count": 3,
                    "plan (metadata)": "pro",
                },
            },
        ],
    ),
    (
        "systeme",
        "sy.csv",
        "Email,First name,Surname,Phone number,Country,Tags,Date registered\n"
        'a@example.com,Anna,Berg,,IT,"vip,blog",2026-01-02 03:04:05\n',
        [
            {
                "email": "a@example.com", "firstname": "Anna", "lastname": "Berg", "tags": ["vip", "blog"],
                "joined_at": JANUARY, "data": {"country": "IT"},
            },
        ],
    ),
    (
        "kajabi",
        "ka.csv",
        "ID,Name,Email,Subscribed,Tags,Created At\n5,Anna Berg,a@example.com,true,vip,2026-01-02 03:04:05\n",
        [
            {
                "name": "Anna Berg", "email": "a@example.com", "tags": ["vip"], "joined_at": JANUARY,
                "data": {"kajabi_id": "5"}, "consents": [given(None)],
            },
        ],
    ),
    (
        "regulars",
        "ours.csv",
        "regulars_id,email,name,phone_number,address_zip,subscribed,subscribed_at,tags,consents,attributes.plan,"
        "attributes.x\n"
        "7,a@example.com,'=Anna,+391,01067,true,2026-01-02T03:04:05.000Z,"
        '"[""vip""]","[{""at"": 1, ""granted"": true}]",\'-pro,"[1, 2]"\n',
        [
            {
                "email": "a@example.com", "name": "=Anna", "phone_number": "+391", "tags": ["vip"],
                "data": {"zip": "01067", "plan": "-pro", "x": [1, 2]}, "consents": [{"at": 1, "granted": True}],
            },
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("exporter", "name", "text", "expected"), FILES, ids=[f"{each[0]}-{each[1]}" for each in FILES]
)
def test_an_export_is_recognized_and_read(
    tmp_path: Path, exporter: str, name: str, text: str, expected: list[dict[str, Any]]
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with open_input(str(path)) as source:
        (part,) = source.parts
        assert part.mapping is not None
        assert part.mapping.exporter is not None
        assert part.mapping.exporter.name == exporter
        found = [json.loads(line.raw) for line in source]
    assert [each | {"consents": plain(each["consents"], path)} if "consents" in each else each for each in found] == [
        each | {"consents": [without_none(one, path) for one in each["consents"]]} if "consents" in each else each
        for each in expected
    ]


def plain(consents: list[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
    """Evidence without the empty fields; an undated grant has the line as its proof, if nothing else proves it."""
    return [{key: value for key, value in each.items() if value is not None} for each in consents]


def without_none(consent: dict[str, Any], path: Path) -> dict[str, Any]:
    if "line" not in consent:
        return consent
    origin = f"{path.name}, line {consent['line']}"
    full = {**consent, "source": origin}
    if full["granted"] and full["at"] is None:
        full.setdefault("proof", origin)
    full.pop("line")
    return {key: value for key, value in full.items() if value is not None}


def test_every_exporter_has_a_file_here() -> None:
    assert {each.name for each in EXPORTERS} == {exporter for exporter, *_ in FILES}
