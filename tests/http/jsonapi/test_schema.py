"""Replies against the vendor's own description of its API."""

from pathlib import Path
from typing import Any

import pytest

from . import vendor_schemas
from .world import World, every
from .writing import done, identifiers, made, resource

DESCRIPTION = next(
    (
        found
        for folder in Path(__file__).resolve().parents
        if (found := folder.parent / "shared" / "spec" / "kajabi-openapi.yml").is_file()
    ),
    None,
)
PUBLISHED = pytest.param(
    "published",
    # Reason: the vendor's file is not ours to copy. The same tests always run on an extract of our own.
    marks=pytest.mark.skipif(
        DESCRIPTION is None,
        reason="the vendor's own description is not ours to ship: put kajabi-openapi.yml into ../shared/spec",
    ),
)


def json_schema(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` as JSON Schema has it."""
    if isinstance(node, list):
        return [json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {name: json_schema(each) for name, each in node.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


@pytest.fixture(scope="module", params=["extract", PUBLISHED])
def schemas(request: pytest.FixtureRequest) -> Any:
    """Our extract of the vendor's schemas, and the vendor's own."""
    if request.param == "extract":
        return vendor_schemas.components()
    yaml = pytest.importorskip("yaml")
    assert DESCRIPTION is not None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return json_schema(yaml.load(DESCRIPTION.read_text(), Loader=loader)["components"])


def validate(schemas: Any, name: str, value: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = {"$ref": f"#/components/schemas/{name}", "components": schemas}
    jsonschema.Draft202012Validator(schema).validate(value)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/customers?page[size]=100", "customers_index_response"),
        ("/v1/customers?page[size]=100&include=contact,offers,products,site", "customers_index_response"),
        ("/v1/customers/4294967297", "customers_show_response"),
        ("/v1/customers/4294967297?include=contact,offers,products,site", "customers_show_response"),
        ("/v1/sites", "sites_index_response"),
        ("/v1/sites/1", "sites_show_response"),
        ("/v1/me", "me_response"),
        ("/v1/version", "version_response"),
    ],
)
def test_documents(world: World, schemas: Any, path: str, name: str) -> None:
    validate(schemas, name, world.one.document(path))


def test_included_resources(world: World, schemas: Any) -> None:
    document = world.one.document("/v1/customers?page[size]=100&include=contact,offers,products,site")
    for included in document["included"]:
        validate(schemas, f"{included['type']}_attributes", included["attributes"])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/contacts?page[size]=100", "contacts_index_response"),
        ("/v1/contacts?page[size]=100&include=customer,offers,tags,site", "contacts_index_response"),
        ("/v1/contacts/4294967297?include=customer,offers,tags,site", "contacts_show_response"),
        ("/v1/contacts/4294967297/relationships/tags", "contacts_relationships_tags_response"),
        ("/v1/contacts/4294967297/relationships/offers", "contacts_relationships_tags_response"),
        ("/v1/customers/4294967297/relationships/offers", "customers_relationships_offers_response"),
        ("/v1/contact_tags", "contact_tags_index_response"),
        ("/v1/contact_tags/tag", "contact_tags_show_response"),
        ("/v1/offers?include=products", "offers_index_response"),
        ("/v1/offers/offer?include=products,site", "offers_show_response"),
        ("/v1/offers/offer/relationships/products", "contacts_relationships_tags_response"),
        ("/v1/products", "products_index_response"),
        ("/v1/products/product", "products_show_response"),
        ("/v1/forms", "forms_index_response"),
        ("/v1/forms/form", "forms_show_response"),
    ],
)
def test_documents_of_what_was_written(own_world: World, schemas: Any, path: str, name: str) -> None:
    api = own_world.one
    if api.get("/v1/offers/offer").status_code == 404:
        for type_, title in (("offers", "title"), ("products", "title"), ("forms", "title"), ("contact_tags", "name")):
            key = type_.removeprefix("contact_").removesuffix("s")
            made(api, type_, **{title: f"A {key}", "key": key})
        done(api, "POST", "/v1/offers/offer/relationships/products", identifiers("products", "product"))
        done(api, "POST", "/v1/contacts/4294967297/relationships/offers", identifiers("offers", "offer"))
        done(api, "POST", "/v1/contacts/4294967297/relationships/tags", identifiers("contact_tags", "tag"))
    document = api.document(path)
    assert document["data"]
    validate(schemas, name, document)
    for included in document.get("included", ()):
        validate(schemas, f"{included['type']}_attributes", included["attributes"])


def test_writes(own_world: World, schemas: Any) -> None:
    api = own_world.one
    body = resource("contacts", site=1, email="schema@contacts.example")
    made_contact = done(api, "POST", "/v1/contacts", body, 201)
    validate(schemas, "contacts_show_response", made_contact)
    path = f"/v1/contacts/{made_contact['data']['id']}"
    validate(schemas, "contacts_show_response", done(api, "PATCH", path, resource("contacts", name="Schema")))
    validate(schemas, "errors_unprocessable", api.send("POST", "/v1/contacts", json=body).json())
    validate(schemas, "errors_bad_request", api.send("POST", "/v1/contacts", json=resource("contacts")).json())
    validate(schemas, "empty_response", done(api, "DELETE", path))
    validate(schemas, "errors_not_found", api.get(path).json())


def test_sales(world: World, schemas: Any) -> None:
    for type_ in ("purchases", "orders", "order_items", "transactions"):
        document = world.one.document(f"/v1/{type_}?page[size]=5")
        assert document["data"]
        validate(schemas, f"{type_}_index_response", document)
        included = "include=customer" if type_ != "order_items" else "include=order"
        shown = world.one.document(f"/v1/{type_}/{document['data'][0]['id']}?{included}")
        validate(schemas, f"{type_}_show_response", shown)
        for each in shown["included"]:
            validate(schemas, f"{each['type']}_attributes", each["attributes"])


def test_form_submissions(own_world: World, schemas: Any) -> None:
    api = own_world.one
    form = made(api, "forms", title=f"Form {len(every(api, '/v1/forms'))}")
    body = resource("form_submissions", name="Anna", email="anna@schema.example", address_city="Lisbon")
    submitted = done(api, "POST", f"/v1/forms/{form}/submit", body, 201)
    validate(schemas, "form_submission_response", submitted)
    shown = api.document(f"/v1/form_submissions/{submitted['data']['id']}?include=site,form")
    validate(schemas, "form_submissions_show_response", shown)
    assert {each["type"] for each in shown["included"]} == {"sites", "forms"}
    validate(schemas, "form_submissions_index_response", api.document(f"/v1/form_submissions?filter[form_id]={form}"))


def test_samples_of_hooks(world: World, schemas: Any) -> None:
    for event, types in (
        ("tag_added", ["contacts", "contact_tags"]),
        ("tag_removed", ["contacts", "contact_tags"]),
        ("form_submission", ["form_submissions", "forms"]),
        ("purchase", ["purchases", "offers", "customers"]),
        ("payment_succeeded", ["transactions", "customers", "offers"]),
        ("order_created", ["transactions", "customers", "offers", "orders", "order_items"]),
    ):
        resources: Any = world.one.document(f"/v1/hooks/{event}_sample")
        assert [each["type"] for each in resources] == types
        for each in resources:
            name = {"form_submissions": "form_submission", "forms": "form"}.get(each["type"], each["type"])
            validate(schemas, f"{name}_attributes", each["attributes"])
            shown = world.one.get(f"/v1/{each['type']}/{each['id']}").status_code
            assert shown == 404, each["type"]
        assert world.nobody.get(f"/v1/hooks/{event}_sample").status_code == 401


def test_payouts(world: World) -> None:
    home = "/v1/kajabi_payments_payouts"
    for query in ("", "?filter[site_id]=1&filter[status]=paid&filter[start_date]=2026-01-01&page[number]=1"):
        document = world.one.document(f"{home}{query}")
        assert (document["data"], document["meta"]["total_count"]) == ([], 0)
        assert document["links"]["next"] is None
    assert world.one.get(f"{home}?filter[status]=lost").status_code == 400
    assert world.one.get(f"{home}?filter[end_date]=soon").status_code == 400
    assert world.one.get(f"{home}/payout_1").status_code == 404


def test_notes(own_world: World, schemas: Any) -> None:
    api = own_world.one
    body = resource("contact_notes", body="Called")
    body["data"]["relationships"] = {"contact": {"data": {"type": "contacts", "id": "4294967297"}}}
    made_note = done(api, "POST", "/v1/contact_notes", body, 201)
    validate(schemas, "contact_notes_show_response", made_note)
    path = f"/v1/contact_notes/{made_note['data']['id']}"
    validate(schemas, "contact_notes_show_response", done(api, "PATCH", path, resource("contact_notes", body="New")))
    shown = api.document(f"{path}?include=contact")
    validate(schemas, "contact_notes_show_response", shown)
    validate(schemas, "contacts_attributes", shown["included"][0]["attributes"])
    validate(schemas, "contact_notes_index_response", api.document("/v1/contact_notes"))
    validate(
        schemas, "errors_unprocessable", api.send("POST", "/v1/contact_notes", json=resource("contact_notes")).json()
    )
    assert done(api, "DELETE", path) == {"data": {}}


def test_errors(world: World, schemas: Any) -> None:
    validate(schemas, "errors_unauthorized", world.nobody.get("/v1/customers").json())
    validate(schemas, "errors_bad_request", world.one.get("/v1/customers?sort=x").json())
    validate(schemas, "errors_not_found", world.one.get("/v1/customers/1").json())
    refused = world.nobody.send("POST", "/v1/oauth/token", data={"grant_type": "x"})
    validate(schemas, "errors_authentication_failed", refused.json())


def test_tokens(world: World, schemas: Any) -> None:
    form = {"grant_type": "client_credentials", "client_id": str(world.key), "client_secret": world.secret}
    validate(schemas, "oauth_token_response", world.nobody.send("POST", "/v1/oauth/token", data=form).json())
