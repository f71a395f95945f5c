"""The document against its own standard, the routes, the tables it is made of, and real replies."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import openapi_spec_validator
import pytest
from jsonschema import Draft202012Validator

from regulars.audience.filters.catalogue import FILTERS
from regulars.http.errors import ERRORS
from regulars.http.jsonapi.kinds import KINDS, ResourceType
from regulars.http.jsonapi.listing import SORTS
from regulars.http.openapi.document import document
from regulars.http.operations import OPERATIONS as DECLARED
from regulars.settings import Settings

from ...in_process import Client, InProcess

MADE = document(DECLARED, Settings())
OPERATIONS = [
    (path, method, operation) for path, methods in MADE["paths"].items() for method, operation in methods.items()
]


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for each in node.values():
            yield from walk(each)
    elif isinstance(node, list):
        for each in node:
            yield from walk(each)


def resolved(target: str) -> Any:
    node: Any = MADE
    assert target.startswith("#/")
    for part in target[2:].split("/"):
        node = node[part]
    return node


def test_it_is_json_and_follows_the_standard() -> None:
    assert json.loads(json.dumps(MADE)) == MADE
    openapi_spec_validator.validate(MADE)


def test_every_operation_is_there_and_nothing_else() -> None:
    ours = {(path, each.method.lower()) for each in DECLARED for path in each.paths if each.is_listed}
    assert ours == {(path, method) for path, methods in MADE["paths"].items() for method in methods}


def test_every_reference_leads_somewhere() -> None:
    targets = {node["$ref"] for node in walk(MADE) if isinstance(node.get("$ref"), str)}
    assert targets
    for target in targets:
        assert resolved(target), target


def test_every_schema_is_one() -> None:
    schemas = list(MADE["components"]["schemas"].values())
    schemas += [node["schema"] for node in walk(MADE["paths"]) if "schema" in node]
    for schema in {json.dumps(schema): schema for schema in schemas}.values():  # each once: most are repeated
        Draft202012Validator.check_schema(schema)


def test_every_operation_says_what_it_does(subtests: pytest.Subtests) -> None:
    for path, method, operation in OPERATIONS:
        with subtests.test(f"{method} {path}"):
            assert operation["summary"][0].isupper() or operation["summary"][0].isdigit()
            assert "/" not in operation["summary"]
            assert operation["tags"][0] in {tag["name"] for tag in MADE["tags"]}
            named = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
            assert path.count("{") == len(named)
            assert all("{" + name + "}" in path for name in named)
            names = [(each["in"], each["name"]) for each in operation.get("parameters", ())]
            assert len(names) == len(set(names))
            assert operation["responses"].keys() & {"200", "201", "202"}
            assert operation["responses"].keys() >= {"400", "500", "503"}
            for requirement in operation["security"]:
                assert requirement.keys() <= MADE["components"]["securitySchemes"].keys()


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names))


def test_who_needs_a_key() -> None:
    for each in (each for each in DECLARED if each.is_listed):
        operation = MADE["paths"][each.path][each.method.lower()]
        assert bool(operation["security"]) == (each.caller is not None)
        assert (f"`{each.scope}`" in operation.get("description", "")) == (each.scope is not None)


def test_customers_can_be_asked_everything() -> None:
    given = {each["name"]: each for each in MADE["paths"]["/v1/customers"]["get"]["parameters"]}
    for named in FILTERS:
        parameter = given[f"filter[{named.name}]"]
        assert parameter["description"].startswith(named.meaning)
        jsonschema.validate(parameter["example"], parameter["schema"])
    assert given["sort"]["schema"]["enum"] == list(SORTS)
    assert given["page[size]"]["schema"]["maximum"] == 100
    assert {"page[number]", "page[after]", "page[before]", "describe", "include", "fields[customers]"} <= set(given)


def test_limits_are_those_of_the_server() -> None:
    other = document(DECLARED, Settings(page_size_limit=7, email_limit=99))
    given = {each["name"]: each["schema"] for each in other["paths"]["/v1/customers"]["get"]["parameters"]}
    assert (given["page[size]"]["maximum"], given["page[size]"]["default"]) == (7, 7)
    assert other["components"]["schemas"]["CustomerInput"]["properties"]["email"]["maxLength"] == 99


def test_every_error_code_is_explained() -> None:
    text = " ".join(each["description"] for each in MADE["components"]["responses"].values())
    assert all(f"`{code}`" in text for code in ERRORS)


CALLS: list[tuple[str, str, str, Any]] = [
    ("post", "/api/v1/customers", "/api/v1/customers", {"email": "anna@example.com", "groups": ["vip"]}),
    ("get", "/api/v1/customers/{who}", "/api/v1/customers/anna@example.com", None),
    ("get", "/api/v1/customers", "/api/v1/customers?email=anna@example.com", None),
    ("post", "/api/v1/customers/bulk", "/api/v1/customers/bulk", {"customers": [{"email": "b@example.com"}, {}]}),
    ("post", "/api/v1/event", "/api/v1/event", {"event": "view", "email": "anna@example.com", "offer_id": 7}),
    ("post", "/api/v1/bulkevents", "/api/v1/bulkevents", {"events": [{"event": "view", "email": "b@example.com"}, 1]}),
    ("get", "/api/v1/customers/{who}/logs", "/api/v1/customers/anna@example.com/logs", None),
    ("post", "/api/v1/groups", "/api/v1/groups", {"name": "Best"}),
    ("get", "/api/v1/groups", "/api/v1/groups", None),
    ("put", "/api/v1/groups/{group}", "/api/v1/groups/vip", {"description": "most valued"}),
    ("post", "/api/v1/customers/{who}/groups/{group}", "/api/v1/customers/b@example.com/groups/vip", None),
    ("delete", "/api/v1/customers/{who}/groups/{group}", "/api/v1/customers/b@example.com/groups/vip", None),
    ("post", "/api/v1/batch", "/api/v1/batch", [{"path": "groups", "method": "GET"}]),
    ("get", "/v1/customers", "/v1/customers?include=contact,offers,products,site&describe=1", None),
    ("get", "/v1/customers", "/v1/customers?page[after]=&page[size]=1&fields[customers]=name", None),
    ("get", "/v1/customers/{id}", "/v1/customers/4294967297", None),
    ("get", "/v1/sites", "/v1/sites", None),
    ("get", "/v1/sites/{id}", "/v1/sites/1", None),
    ("get", "/v1/me", "/v1/me", None),
    ("get", "/v1/version", "/v1/version", None),
    ("get", "/healthz", "/healthz", None),
    ("get", "/v1/customers", "/v1/customers?sort=x", None),
    ("get", "/v1/customers/{id}", "/v1/customers/1", None),
    ("post", "/api/v1/customers", "/api/v1/customers", {"email": "x"}),
    ("post", "/v1/oauth/token", "/v1/oauth/token", {"grant_type": "x"}),
    ("post", "/api/v1/customers/delete", "/api/v1/customers/delete", {"email": "b@example.com"}),
    ("delete", "/api/v1/customers/{who}", "/api/v1/customers/b@example.com", None),
    ("delete", "/api/v1/groups/{group}", "/api/v1/groups/vip", None),
]  # fmt: skip


def exchange(client: Client, method: str, path: str, url: str, body: Any) -> httpx.Response:
    """A call, whose reply must be one that the document has, and whose body must be too, if it was accepted."""
    operation = MADE["paths"][path][method]
    reply = client.send(method.upper(), url, **({} if body is None else {"json": body}))
    described = operation["responses"][str(reply.status_code)]
    described = resolved(described["$ref"]) if "$ref" in described else described
    content = described["content"][reply.headers["content-type"]]
    schema = {**content["schema"], "components": MADE["components"]}
    Draft202012Validator(schema).validate(reply.json())
    if body is not None and reply.status_code < 300 and url != "/api/v1/bulkevents":
        sent = operation["requestBody"]["content"]["application/json"]["schema"]
        Draft202012Validator({**sent, "components": MADE["components"]}).validate(body)
    return reply


def test_replies_are_as_described(app: InProcess) -> None:
    client = app.client()
    for method, path, url, body in CALLS:
        exchange(client, method, path, url, body)


@pytest.mark.parametrize("kind", KINDS, ids=lambda each: each.kind)
def test_objects_and_relationships_are_as_described(app: InProcess, kind: ResourceType) -> None:
    client = app.client()
    customer = client.post("customers", {"email": f"{kind.kind}@example.com"}).json()["customer"]
    (shown,) = client.get(f"/v1/customers?filter[email]={customer['email']}").json()["data"]
    base, one = f"/v1/{kind.type}", f"/v1/{kind.type}/{{id}}"
    attributes = {kind.title: "First", kind.key: f"first-{kind.kind}"}
    made = exchange(client, "post", base, base, {"data": {"type": kind.type, "attributes": attributes}})
    assert made.status_code == 201, made.text
    number = made.json()["data"]["id"]
    change = {"data": {"type": kind.type, "id": number, "attributes": {"description": "the best"}}}
    assert exchange(client, "patch", one, f"{base}/{number}", change).status_code == 200
    assert exchange(client, "get", base, f"{base}?include=site", None).status_code == 200
    assert exchange(client, "get", one, f"{base}/{number}", None).status_code == 200
    name = f"{kind.kind}s"
    path = f"/v1/customers/{{id}}/relationships/{name}"
    for method in ("post", "get", "patch", "delete"):
        if method in MADE["paths"].get(path, ()):
            body = None if method == "get" else {"data": [{"type": kind.type, "id": number}]}
            reply = exchange(client, method, path, f"/v1/customers/{shown['id']}/relationships/{name}", body)
            assert reply.status_code == 200, reply.text
    assert exchange(client, "delete", one, f"{base}/{number}", None).status_code == 200
    assert exchange(client, "get", one, f"{base}/{number}", None).status_code == 404


def test_contacts_are_as_described(app: InProcess) -> None:
    client = app.client()
    body = {
        "data": {
            "type": "contacts",
            "attributes": {"email": "contact@example.com", "name": "Con Tact", "subscribed": True},
            "relationships": {"site": {"data": {"type": "sites", "id": "1"}}},
        }
    }
    made = exchange(client, "post", "/v1/contacts", "/v1/contacts", body)
    assert made.status_code == 201
    assert exchange(client, "post", "/v1/contacts", "/v1/contacts", body).status_code == 422
    place = f"/v1/contacts/{made.json()['data']['id']}"
    change = {"data": {"type": "contacts", "attributes": {"name": "Other"}}}
    assert exchange(client, "patch", "/v1/contacts/{id}", place, change).status_code == 200
    assert exchange(client, "get", "/v1/contacts", "/v1/contacts?describe=true", None).status_code == 200
    assert exchange(client, "get", "/v1/contacts/{id}", place, None).status_code == 200
    assert exchange(client, "delete", "/v1/contacts/{id}", place, None).status_code == 200
    assert exchange(client, "delete", "/v1/contacts/{id}", place, None).status_code == 404


def test_the_customer_object_has_just_these_fields(app: InProcess) -> None:
    client = app.client()
    shown = client.post("customers", {"email": "fields@example.com"}).json()["customer"]
    assert list(shown) == list(MADE["components"]["schemas"]["Customer"]["properties"])


def test_every_example_fits_its_schema(subtests: pytest.Subtests) -> None:
    for path, method, operation in OPERATIONS:
        with subtests.test(f"{method} {path}"):
            content = [*operation.get("requestBody", {}).get("content", {}).values()]
            content += [
                each
                for response in operation["responses"].values()
                for kind, each in response.get("content", {}).items()
                if kind.endswith(("/json", "+json"))
            ]
            for each in content:
                schema = {**each["schema"], "components": MADE["components"]}
                Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
                    each["example"]
                )


def test_examples_inside_a_schema_fit_it(subtests: pytest.Subtests) -> None:
    for name in MADE["components"]["schemas"]:
        with subtests.test(name):
            for node in walk(MADE["components"]["schemas"][name]):
                if isinstance(node.get("examples"), list):
                    for each in node["examples"]:
                        Draft202012Validator({**node, "components": MADE["components"]}).validate(each)


UNDERSTOOD = ("_not_found", "address_taken", "duplicate_name")
"""What a well-formed request may be refused for: what it names is not there, or there already."""


def test_every_example_of_a_request_is_understood(app: InProcess) -> None:
    """What the documentation shows can be sent as it is; at most what it names is not there."""
    client = app.client(account="examples", site="main", scopes=("read", "write", "admin"))
    assert client.post("customers", {"email": "known@example.com"}).status_code == 200
    (known,) = client.get("/v1/customers").json()["data"]
    assert client.post("customers", {"email": "anna@example.com"}).status_code == 200
    anna = client.get("/v1/customers?filter[email]=anna@example.com").json()["data"][0]
    site = str(int(known["id"]) >> 32)
    told = set()
    for path, methods in MADE["paths"].items():
        for method, operation in methods.items():
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                if not kind.endswith("json") or "/oauth/" in path:
                    continue
                named = anna if path.endswith("/erase") else known
                url = path.replace("{id}", named["id"]).replace("{group}", "1").replace("{who}", "known@example.com")
                body = json.dumps(content["example"]).replace('"sites", "id": "1"', f'"sites", "id": "{site}"')
                reply = client.send(method.upper(), url, content=body.encode(), headers={"Content-Type": kind})
                if reply.status_code not in (200, 201, 202):
                    assert any(code in reply.text for code in UNDERSTOOD), (url, reply.text)
                told.add(reply.status_code)
    assert {200, 201} <= told
