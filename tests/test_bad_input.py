"""Input that nobody should send: never a 5xx, and what is refused changes nothing."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .contents import inconsistencies
from .effort import examples, slow
from .in_process import NOTHING, Client, InProcess

POSTS = ("customers", "customers/bulk", "customers/delete", "groups", "event", "bulkevents", "batch")


@pytest.fixture(autouse=True, scope="module")
def _still_whole(app: InProcess) -> Iterator[None]:
    """After all of it; to replay the change log after each test would take longer than the tests."""
    yield
    assert inconsistencies(app.path) == []


def refuse(app: InProcess, response: httpx.Response, *statuses: int) -> None:
    assert response.status_code in (statuses or (400,)), response.text
    assert response.json()["error"]


# -- bodies that cannot be read ---------------------------------------------------------------------------------

UNREADABLE = {
    "nothing": b"",
    "white space": b" \n",
    "truncated object": b'{"email": "a@example.com"',
    "truncated text": b'{"email": "a@exam',
    "truncated escape": b'{"email": "a@example.com\\u00"}',
    "two documents": b'{"email": "a@example.com"} {}',
    "trailing comma": b'{"email": "a@example.com",}',
    "single quotes": b"{'email': 'a@example.com'}",
    "comment": b'{"email": "a@example.com" /* me */}',
    "unquoted key": b'{email: "a@example.com"}',
    "control character": b'{"email": "a@example.com", "data": {"x": "a\x01b"}}',
    "raw NUL": b'{"email": "a@example.com", "data": {"x": "a\x00b"}}',
    "escaped NUL": b'{"email": "a@example.com", "data": {"x": "a\\u0000b"}}',
    "escaped NUL in a key": b'{"email": "a@example.com", "data": {"a\\u0000b": 1}}',
    "escaped NUL in the event": b'{"email": "a@example.com", "event": "view\\u0000"}',
    "lone surrogate": b'{"email": "a@example.com", "data": {"x": "\\ud800"}}',
    "lone low surrogate": b'{"email": "a@example.com", "data": {"x": "\\udc00\\ud800"}}',
    "raw surrogate": b'{"email": "a@example.com", "data": {"x": "\xed\xa0\x80"}}',
    "bytes that are no UTF-8": b'{"email": "\xff\xfe@example.com"}',
    "overlong UTF-8": b'{"email": "\xc0\xaf@example.com"}',
    "UTF-16": '{"email": "a@example.com"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"email": "a@example.com"}',
    "NaN": b'{"email": "a@example.com", "data": {"x": NaN}}',
    "Infinity": b'{"email": "a@example.com", "data": {"x": -Infinity}}',
    "a float that no float holds": b'{"email": "a@example.com", "data": {"x": 1e400}}',
    "leading zero": b'{"email": "a@example.com", "data": {"x": 007}}',
    "form": b"email=a%40example.com",
    "XML": b"<email>a@example.com</email>",
    **{
        f"nested {depth} {what}": opening * depth + b"1" + closing * depth
        for depth in (100, 10_000, 100_000)
        for what, opening, closing in (("lists", b"[", b"]"), ("objects", b'{"a":', b"}"))
    },
    "nested 100000 and cut off": b"[" * 100_000,
    "nested below a field": b'{"email": "a@example.com", "data": {"x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}}",
    "10 MB of text": b'{"email": "a@example.com", "data": {"x": "' + b"x" * 10_000_000 + b'"}}',
    "10 MB of white space": b" " * 10_000_000,
}


@pytest.mark.parametrize("body", UNREADABLE)
def test_a_body_that_cannot_be_read_is_refused_by_every_call(app: InProcess, api: Client, body: str) -> None:
    before = app.contents()
    for path in POSTS:
        refuse(app, api.post(path, content=UNREADABLE[body]), 400, 413)
    assert app.contents() == before


@pytest.mark.parametrize("pieces", [1, 20])
def test_a_chunked_body_has_the_same_limit(app: InProcess, api: Client, pieces: int) -> None:
    before = app.contents()
    size = app.settings.body_limit + 1
    content = [b" " * (size // pieces + 1)] * pieces
    refuse(app, api.post("customers", content=content), 413)
    assert app.contents() == before


NO_OBJECTS: list[Any] = [None, True, 0, 1.5, "text", [], [[]], [1], [None]]


@pytest.mark.parametrize(
    ("path", "value"),
    # An empty batch is not refused: there is nothing to do.
    [(path, value) for path in POSTS for value in NO_OBJECTS if (path, value) != ("batch", [])],
    ids=json.dumps,
)
def test_a_body_that_is_no_object_is_refused(app: InProcess, api: Client, path: str, value: Any) -> None:
    before = app.contents()
    refuse(app, api.post(path, value))
    assert app.contents() == before


def test_of_a_key_given_twice_the_last_counts(api: Client) -> None:
    reply = api.post("customers", content=b'{"email": "first@example.com", "email": "last@example.com"}')
    assert reply.json()["customer"]["email"] == "last@example.com"
    assert api.get("customers/first@example.com").status_code == 404


# -- wrong types at every field ---------------------------------------------------------------------------------

ODD: list[Any] = [
    True, -1, 0, 2**31, 2**53, 2**63, -(2**63) - 1, 10**400, 1.5, -0.0, 1e308, 5e-324, "", " ", "x" * 5000, "'; --",
    "\u202e", "\ufeff", "\U0001f600", "\x7f", "e\u0301", "NaN", "null", [], [None], [[]], {}, {"": ""}, {"id": None},
]  # fmt: skip
FIELDS = {
    "customers": (
        "email", "customer_id", "uuid", "firstname", "lastname", "name", "phone_number", "gender", "locale",
        "joined_at", "unsubscribed", "subscription_groups", "groups", "data", "anything", "created_at", "_bsft_x",
        "predictive_engagement_percentile",
    ),
    "event": (
        "event", "email", "customer_id", "uuid", "timestamp", "event_uuid", "revenue", "amount", "order_id", "offer_id",
        "product_ids", "product_id", "coupon", "anything",
    ),
    "groups": ("name", "description", "id"),
    "customers/bulk": ("customers",),
    "bulkevents": ("events",),
}  # fmt: skip
SOUND = {
    "customers": {"email": "typed@example.com"},
    "event": {"event": "purchase", "email": "typed@example.com"},
    "groups": {"name": "Typed"},
    "customers/bulk": {},
    "bulkevents": {},
}


@pytest.mark.parametrize(("path", "field"), [(path, field) for path, fields in FIELDS.items() for field in fields])
def test_a_field_of_any_type_is_taken_or_refused_and_never_half(
    app: InProcess, api: Client, path: str, field: str
) -> None:
    for odd in ODD:
        before = app.contents()
        reply = api.post(path, content=json.dumps({**SOUND[path], field: odd}).encode())
        assert reply.status_code < 500, (odd, reply.text)
        if reply.status_code >= 400:
            assert app.contents() == before, odd


MAIL_FIELDS = ("broadcast_id", "sequence_id", "template_id", "log_id", "message_id", "message", "newsletter_id")


KINDS = (
    *("email_opened", "email_unsubscribed", "email_bounced", "unsubscribed", "assessment_completed", "tag_added"),
    "coupon_used",
)


@pytest.mark.parametrize("kinds_of_each", [1, slow(len(KINDS))])
@pytest.mark.parametrize(
    "field", [*MAIL_FIELDS, "cause", "wording", "proof", "bounce_type", "passed", "code", "tag_id"]
)
def test_a_field_of_one_kind_of_event_is_checked_too(
    app: InProcess, api: Client, field: str, kinds_of_each: int
) -> None:
    """Each odd value in each field; the kinds of events take turns, unless there is time for all of them."""
    for place, odd in enumerate(ODD):
        for kind in [*KINDS, *KINDS][place % len(KINDS) :][:kinds_of_each]:
            before = app.contents()
            sound = {"event": kind, "email": "typed@example.com", "assessment_id": 1, "tag_id": 1, "code": "c"}
            reply = api.post("event", content=json.dumps({**sound, field: odd}).encode())
            assert reply.status_code < 500, (kind, odd, reply.text)
            if reply.status_code >= 400:
                assert app.contents() == before, (kind, odd)


# -- addresses, paths and queries -------------------------------------------------------------------------------

ADDRESSES = (
    '"quoted"@example.com',
    '"a@b"@example.com',
    '"a\\"b"@example.com',
    "a b@example.com",
    "a@exam ple.com",
    "@",
    "a@",
    "@a",
    "a@b",
    "a@@b.example",
    "a@b@c.example",
    ".a@b.example",
    "a.@b.example",
    "a..b@c.example",
    "a@.example",
    "a@b..example",
    "a@-b.example",
    "a@b.example.",
    "a@[127.0.0.1]",
    "a@[::1]",
    "a@127.0.0.1",
    "a,b@c.example",
    "a;b@c.example",
    "<a@b.example>",
    "Anna <a@b.example>",
    "mailto:a@b.example",
    "a@b.example\n",
    "a@b.example\r\nX: y",
    "ä@example.com",
    "a@ä.example",
    "用户@例子.公司",
    "\u202ea@example.com",
    "a\u0301@example.com",
    "ﬀ@example.com",
    "İ@example.com",
    "a\u200b@example.com",
    "😀@example.com",
    "a@xn--.example",
    "a" * 300 + "@example.com",
    "a@" + "b" * 300 + ".example",
    "a@" + ".".join(["b" * 60] * 5),
    "%00@example.com",
    "%40",
    "null",
    "undefined",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_taken_everywhere_or_nowhere(app: InProcess, api: Client, address: str) -> None:
    before = app.contents()
    made = api.post("customers", {"email": address})
    path = "customers/" + httpx.QueryParams({"": address}).__str__()[1:].replace("+", "%20")
    found = api.get(path)
    searched = api.get(f"customers?{httpx.QueryParams({'email': address})}")
    if made.status_code == 200:
        assert found.json()["customer"]["email"] == made.json()["customer"]["email"]
        assert searched.json()["user"] == found.json()["customer"]
        assert api.delete(path).json()["result"] == "deleted"
        assert api.post("customers/delete", {"email": address}).json()["result"] == "unchanged"
    else:
        for reply in (made, api.post("event", {"event": "view", "email": address})):
            refuse(app, reply)
        if " " not in address.strip():  # a bare + in a URL arrives as a space
            refuse(app, searched)
        refuse(app, found, 400, 404)
        assert app.contents() == before


PATHS = (
    "customers/%00",
    "customers/a%00@example.com",
    "customers/%ff",
    "customers/%ff@example.com",
    "customers/%",
    "customers/%4",
    "customers/%zz@example.com",
    "customers/%2e%2e",
    "customers/%2e%2e%2fgroups",
    "customers/%2F",
    "customers/a%2Fb@example.com",
    "customers/a%252Fb@example.com",
    "customers/%25%30%30",
    "customers/%ed%a0%80@b.example",
    "customers/%c0%af@b.example",
    "customers/%0d%0aX-Y:1@b.example",
    "customers//",
    "customers///logs",
    "customers/;",
    "customers/x@b.example;v=1",
    "customers/x@b.example/logs/",
    "customers/x@b.example/groups/%00",
    "customers/x@b.example/groups/%ff",
    "customers/x@b.example/groups/" + "9" * 400,
    "customers/x@b.example/groups()",
    "customers/x@b.example/groups/,",
    "customers/x@b.example/groups/0",
    "customers/x@b.example/groups/-1",
    "customers/" + "a" * 8000,
    "customers/" + "%61" * 3000 + "@b.example",
    "groups/%00",
    "groups/%ff",
    "groups/" + "9" * 17,
    "groups/%2e%2e",
    "groups/" + "x" * 5000,
    "%2e%2e/%2e%2e/etc/passwd",
    "customers/{who}",
    "customers/${7*7}@b.example",
    "customers/x@b.example/logs?count=%00",
    "customers/x@b.example/logs?count=%ff",
    "customers/x@b.example/logs?created_gt=%",
    "customers/x@b.example/logs?count=1&count=2",
    "customers/x@b.example/logs?=&&=&?",
    "customers?email=%00@b.example",
    "customers?email=%ff@b.example",
    "customers?uuid=%00",
    "customers?customer_id=%00",
    "customers?customer_id=%ff",
    "customers?customer_id=" + "9" * 5000,
    "customers?email[]=x@b.example",
    "customers?" + "a=b&" * 2000,
    "customers?email=x@b.example&email=y@b.example",
)


@pytest.mark.parametrize("path", PATHS)
def test_an_odd_path_never_gives_an_error_of_ours_nor_changes_anything(
    app: InProcess, api: Client, swu: Client, path: str
) -> None:
    before = app.contents()
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
        reply = api.send(method, path, {"name": None} if method in ("POST", "PUT") else NOTHING)
        assert reply.status_code < 500, (method, reply.text)
        told = swu.send(method, path)
        assert told.status_code < 500
        assert told.status_code < 400 or method == "HEAD" or told.text.strip()
    assert app.contents() == before


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
def test_a_wrong_method_is_405_and_changes_nothing(app: InProcess, api: Client, method: str) -> None:
    before = app.contents()
    for path in POSTS:
        assert api.send(method, path, {"email": "wrong@example.com"}).status_code == 405, path
    assert app.contents() == before


# -- the list of /v1 ----------------------------------------------------------------------------------------------

QUERIES = (
    "filter[nonsense]=1",
    "filter[]=1",
    "filter=1",
    "filter[name_contains][x]=1",
    "filter[has_tag_id]=",
    "nonsense=1",
    "filter[has_tag_id]=1,,2",
    "filter[created_in_last]=-1",
    "filter[created_in_last]=36501",
    "filter[subscribed]=maybe",
    "filter[created_in_last]=" + "9" * 400,
    "filter[net_revenue_equal_to]=1.005",
    "filter[net_revenue_equal_to]=NaN",
    "filter[net_revenue_greater_than]=1e3",
    "filter[name_contains]=",
    "filter[name_contains]=%00",
    "sort=uuid",
    "sort=",
    "filter[site_id]=x,,",
    "sort=--name",
    "sort=name,email",
    "sort=%00",
    "fields[customers]=nonsense",
    "fields[nonsense]=name",
    "include=nonsense",
    "include=offers.products",
    "page=1",
    "page[number]=0",
    "page[number]=-1",
    "page[number]=1.5",
    "page[number]=x",
    "page[number]=",
    "page[number]=%D9%A3",
    "page[size]=0",
    "page[size]=101",
    "page[size]=-1",
    "page[size]=" + "9" * 400,
    "page[offset]=1",
    "page[number]=1%00",
)


@pytest.mark.parametrize("query", QUERIES)
def test_a_parameter_that_is_not_allowed_is_named(app: InProcess, api: Client, query: str) -> None:
    reply = api.having(Prefer="handling=strict").get(f"/v1/customers?{query}")
    assert reply.status_code == 400, reply.text
    assert reply.headers["content-type"] == "application/vnd.api+json"
    [error] = reply.json()["errors"]
    assert error["source"]["parameter"] == query.partition("=")[0]
    assert error["detail"]


@pytest.mark.parametrize("number", [10**18, 10**18 - 1, 2**31, 2])
def test_a_page_far_behind_the_last_is_empty_or_refused(api: Client, number: int) -> None:
    api.post("customers", {"email": "listed@example.com"})
    total = api.get("/v1/customers").json()["meta"]["total_count"]
    reply = api.get(f"/v1/customers?page[size]=100&page[number]={number + 10}")
    assert reply.status_code in (200, 400), reply.text
    if reply.status_code == 200:
        assert (reply.json()["data"], reply.json()["meta"]["total_count"]) == ([], total)


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "9" * 30, "%00", "%ff", "%D9%A3", "1%2F2", str(2**53)])
def test_an_id_that_is_none_is_not_found(api: Client, number: str) -> None:
    reply = api.get(f"/v1/customers/{number}")
    assert reply.status_code in (400, 404), reply.text
    assert reply.json()["errors"]


def test_an_id_of_another_account_is_answered_like_one_that_is_not_there(app: InProcess, api: Client) -> None:
    theirs = app.client(account="other", site="shop")
    theirs.post("customers", {"email": "theirs@example.com"})
    [customer] = theirs.get("/v1/customers").json()["data"]
    site = customer["relationships"]["site"]["data"]["id"]
    unknown = str(int(customer["id"]) + 1000)
    for path in (f"/v1/customers/{customer['id']}", f"/v1/sites/{site}"):
        assert theirs.get(path).status_code == 200
        assert api.get(path).status_code == 404
    told, expected = (api.get(f"/v1/customers/{number}").text for number in (customer["id"], unknown))
    assert told.replace(customer["id"], "") == expected.replace(unknown, "")
    for number in (site, "99999"):
        listed = api.get(f"/v1/customers?filter[site_id]={number}").json()
        assert (listed["data"], listed["meta"]["total_count"]) == ([], 0)


FORMS = (
    b"",
    b"grant_type=",
    b"grant_type=nonsense",
    b"grant_type=client_credentials",
    b"grant_type=refresh_token&refresh_token=%00",
    b"grant_type=client_credentials&client_id=%ff&client_secret=%ff",
    b"grant_type=client_credentials&client_id=" + b"9" * 400 + b"&client_secret=x",
    b"\xff\x00",
    b'{"grant_type": "client_credentials"}',
    b"&=&=&",
    b"a=b&" * 5000,
    b"grant_type=client_credentials&client_id=1&client_id=2&client_secret=x",
    b"x" * 10_000_000,
)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[:40].decode("latin-1"))
def test_a_request_for_a_token_that_is_malformed_is_refused(app: InProcess, form: bytes) -> None:
    nobody = Client(app, {"Content-Type": "application/x-www-form-urlencoded"})
    for path in ("/v1/oauth/token", "/v1/oauth/revoke"):
        reply = nobody.post(path, content=form)
        assert reply.status_code in (400, 401, 413), reply.text


# -- lists: duplicates, empty items ------------------------------------------------------------------------------


def test_duplicate_and_empty_items_are_checked_one_by_one(app: InProcess, api: Client) -> None:
    items: list[Any] = [
        {},
        {},
        None,
        "",
        0,
        [],
        {"email": "dup@example.com"},
        {"email": "dup@example.com"},
        {"email": ""},
    ]
    before = app.contents()
    reply = api.post("customers/bulk", {"customers": items}).json()
    assert len(reply["customers"]) == len(reply["errors"]) == 7
    assert [result["result"] for result in reply["results"]] == ["failed"] * 6 + ["created", "unchanged", "failed"]
    events = [{**item, "event": "view"} if isinstance(item, dict) else item for item in items]
    assert api.post("bulkevents", {"events": events}).json()["count"] == 2
    rows = app.contents().rows
    assert rows["customers"] == before.rows["customers"] + 1
    assert rows["activities"] == before.rows["activities"] + 2


# -- random input -------------------------------------------------------------------------------------------------

text = st.text(max_size=8) | st.sampled_from(
    [
        "email",
        "a@example.com",
        "b@example.com",
        "event",
        "view",
        "purchase",
        "identify",
        "grp_a",
        "data",
        "\0",
        "\ud800",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=4), max_leaves=8
)
known_keys = [
    "email", "customer_id", "uuid", "data", "groups", "subscription_groups", "unsubscribed", "firstname", "name",
    "phone", "gender", "joined_at", "timestamp", "event_uuid", "revenue", "order_id", "broadcast_id", "log_id",
    "tag_id", "product_ids", "cause",
]  # fmt: skip
EVENT_NAMES = ["view", "purchase", "refund", "identify", "email_clicked", "email_bounced", "unsubscribed", "group_left"]
bodies = st.fixed_dictionaries(
    {"email": st.sampled_from(["a@example.com", "b@example.com"]) | values},
    optional={**dict.fromkeys(known_keys[1:], values), "event": st.sampled_from(EVENT_NAMES) | values},
)
items = st.fixed_dictionaries(
    {"path": st.sampled_from(["customers", "event", "groups", "/api/v1/customers/a@example.com", "batch"]) | text},
    optional={"method": st.sampled_from(["GET", "POST", "DELETE", "put"]) | values, "body": bodies | values},
)
documents = st.one_of(
    bodies,
    values,
    st.fixed_dictionaries({"customers": st.lists(bodies | values, max_size=4)}),
    st.fixed_dictionaries({"events": st.lists(bodies | values, max_size=4)}),
    st.lists(items | values, max_size=3),
)
EXAMPLES = examples(20, 400)
fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.hypothesis
@pytest.mark.parametrize("path", POSTS)
def test_random_json_never_gives_an_error_of_ours(app: InProcess, api: Client, path: str) -> None:
    # The server's own checks are tried on SQLite; on the second engine, what they let through.
    @settings(fuzz, max_examples=EXAMPLES if app.path.suffix == ".db" else EXAMPLES // 4)
    @given(documents)
    def post(document: Any) -> None:
        before = app.contents() if path != "batch" else None
        reply = api.post(path, content=json.dumps(document).encode())
        assert reply.status_code < 500, (document, reply.text)
        if before and reply.status_code >= 400:
            assert app.contents() == before
        if path == "batch" and reply.status_code == 200:
            assert all(item["status_code"] < 500 for item in reply.json()), (document, reply.json())

    post()


PARTS = ("customers", "groups", "a@example.com", "logs", "batch", "sites", "me", "..", "")
PARAMETERS = ("email", "count", "created_lt", "uuid", "page[size]", "filter[search]", "filter[has_tag_id]", "sort")


@fuzz
@given(
    method=st.sampled_from(["GET", "DELETE", "PUT", "POST", "PATCH", "HEAD"]),
    parts=st.lists(st.sampled_from(PARTS) | text, max_size=5),
    query=st.lists(st.tuples(st.sampled_from(PARAMETERS) | text, text), max_size=3),
    surface=st.sampled_from(["/api/v1/", "/api/v1_0/", "/v1/", "/"]),
)
def test_random_paths_and_queries_never_give_an_error_of_ours(
    app: InProcess, api: Client, method: str, parts: list[str], query: list[tuple[str, str]], surface: str
) -> None:
    def quoted(part: str) -> str:
        return "".join(f"%{byte:02x}" for byte in part.encode("utf-8", "surrogatepass"))

    path = surface + "/".join(part if part.isascii() and part.isalnum() else quoted(part) for part in parts)
    reply = api.send(method, f"{path}?" + "&".join(f"{quoted(name)}={quoted(value)}" for name, value in query))
    assert reply.status_code < 500, reply.text
