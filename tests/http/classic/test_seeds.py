"""The sample requests of the vendors' own documentation, with the keys and types that their clients read."""

from typing import Any

import pytest

from tests.http.checks import Shape, done, fits
from tests.in_process import NOTHING, Client

DONE: dict[str, Any] = {"success": bool, "status": str}
TEXT = (str, type(None))
SENDWITHUS: dict[str, Any] = {
    "object": str,
    "email": str,
    "data": dict,
    "created": int,
    "locale": str,
    "groups": [str],
}
BLUESHIFT: dict[str, Any] = {
    "email": TEXT,
    "email_domain": TEXT,
    "email_hard_bounced": bool,
    "email_hash": TEXT,
    "email_spam_reported": bool,
    "customer_id": TEXT,
    "firstname": TEXT,
    "lastname": TEXT,
    "gender": TEXT,
    "phone_number": TEXT,
    "created_at": str,
    "joined_at": TEXT,
    "lifetime_orders": int,
    "lifetime_revenue": (int, float),
    "lifetime_visits": int,
    "bsft_control_bucket": str,
    "custom_attributes": dict,
    "predictive_engagement_percentile": (int, type(None)),
    "predictive_purchase_intent_percentile": (int, type(None)),
    "predictive_retention_percentile": (int, type(None)),
    "uuid": str,
}
LOG: dict[str, Any] = {
    "object": str,
    "id": str,
    "created": int,
    "recipient_name": str,
    "recipient_address": str,
    "status": str,
    "message": str,
    "email_id": str,
    "email_name": str,
    "email_version": str,
}
MATT = {
    "email": "matt@sendwithus.com",
    "data": {"first_name": "Matt", "city": "San Francisco"},
    "locale": "de-DE",
    "groups": ["grp_djd1234950", "grp_jdkj497283"],
}
MIKE = {
    "email": "mike@yahoo.com",
    "customer_id": "38759877",
    "firstname": "Mike",
    "lastname": "Doel",
    "phone_number": "+919742888933",
    "gender": "male",
    "subscription_groups": [{"id": "newsletter", "subscribed": True}, {"id": "weekly_promo", "subscribed": False}],
}

CALLS = [
    pytest.param("POST", "customers", MATT, {**DONE, "customer": SENDWITHUS}, id="create, with data and groups"),
    pytest.param("POST", "customers", {"email": "matt@sendwithus.com", "locale": "de-DE"}, DONE, id="create"),
    pytest.param("GET", "customers/matt@sendwithus.com", None, {**DONE, "customer": SENDWITHUS}, id="get"),
    pytest.param("GET", "customers/matt@sendwithus.com/logs", None, {**DONE, "logs": [LOG]}, id="logs"),
    pytest.param(
        "GET",
        "customers/matt@sendwithus.com/logs?count=5&created_lt=1234567891&created_gt=1234567889",
        None,
        {**DONE, "logs": [LOG]},
        id="logs, bounded",
    ),
    pytest.param("POST", "customers/matt@sendwithus.com/groups(grp_jdkj497283)", None, DONE, id="join a group"),
    pytest.param("DELETE", "customers/matt@sendwithus.com/groups(grp_jdkj497283)", None, DONE, id="leave a group"),
    pytest.param("POST", "customers", MIKE, {**DONE, "customer": BLUESHIFT}, id="Blueshift's create or update"),
    pytest.param("GET", "customers?email=mike@yahoo.com", None, {"customers": [BLUESHIFT]}, id="Blueshift's search"),
    pytest.param("DELETE", "customers/matt@sendwithus.com", None, DONE, id="delete"),
]


@pytest.fixture(scope="module")
def told(api: Client) -> Client:
    """Matt is there and has opened a mail, so that every sample finds what it shows."""
    done(api.post("customers", MATT))
    mail = {"email": MATT["email"], "log_id": "log_asdf1234qwerty", "template_id": "tem_as8dfjha8dap"}
    for event, second in (("email_sent", 1234567890), ("email_opened", 1234567899)):
        done(api.post("event", {"event": event, "timestamp": second, **mail}))
    return api


@pytest.mark.parametrize("caller", ["json", "sendwithus"])
@pytest.mark.parametrize(("method", "path", "body", "shape"), CALLS)
def test_a_sample_of_the_documentation(
    told: Client, method: str, path: str, body: dict[str, Any] | None, shape: Shape, caller: str
) -> None:
    client = told if caller == "json" else told.having(X_SWU_API_CLIENT="python-5.4.0")
    reply = done(client.send(method, path, NOTHING if body is None else body))
    assert fits(reply, shape), reply


def test_what_the_samples_say_comes_back(told: Client) -> None:
    told.delete("customers/matt@sendwithus.com")
    matt = done(told.post("customers", MATT))["customer"]
    assert matt["object"] == "customer"
    assert {key: matt[key] for key in MATT} == MATT
    mike = done(told.post("customers", MIKE))["customer"]
    assert {key: mike[key] for key in MIKE} == MIKE
    assert (mike["email_domain"], mike["email_hash"]) == ("yahoo.com", "50d2b663e423bd59a2ea6e8d1fd624a9")
    [log] = done(told.get("customers/matt@sendwithus.com/logs"))["logs"]
    assert (log["object"], log["id"], log["created"]) == ("log", "log_asdf1234qwerty", 1234567890)
    assert (log["recipient_address"], log["status"]) == ("matt@sendwithus.com", "opened")
    assert log["email_id"] == "tem_as8dfjha8dap"


def test_the_years_of_the_samples_need_more_than_32_bits(told: Client) -> None:
    """`created` is 5858858124 in the samples: far ahead for a signed or unsigned 32-bit number."""
    done(told.post("customers", MIKE))
    reply = done(told.get("customers/mike@yahoo.com/logs?created_lt=5858858124&created_gt=-5858858124"))
    assert reply["logs"] == []
