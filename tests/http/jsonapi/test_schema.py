"""Replies against the vendor's own description of its API."""

from pathlib import Path
from typing import Any

import pytest

from .world import World

DESCRIPTION = next(
    (
        found
        for folder in Path(__file__).resolve().parents
        if (found := folder.parent / "shared" / "spec" / "kajabi-openapi.yml").is_file()
    ),
    None,
)
pytestmark = pytest.mark.skipif(DESCRIPTION is None, reason="the vendor's description (../shared/spec) is not here")


def json_schema(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` as JSON Schema has it."""
    if isinstance(node, list):
        return [json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {name: json_schema(each) for name, each in node.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


@pytest.fixture(scope="module")
def schemas() -> Any:
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
    for resource in document["included"]:
        validate(schemas, f"{resource['type']}_attributes", resource["attributes"])


def test_errors(world: World, schemas: Any) -> None:
    validate(schemas, "errors_unauthorized", world.nobody.get("/v1/customers").json())
    validate(schemas, "errors_bad_request", world.one.get("/v1/customers?sort=x").json())
    validate(schemas, "errors_not_found", world.one.get("/v1/customers/1").json())
    refused = world.nobody.send("POST", "/v1/oauth/token", data={"grant_type": "x"})
    validate(schemas, "errors_authentication_failed", refused.json())


def test_tokens(world: World, schemas: Any) -> None:
    form = {"grant_type": "client_credentials", "client_id": str(world.key), "client_secret": world.secret}
    validate(schemas, "oauth_token_response", world.nobody.send("POST", "/v1/oauth/token", data=form).json())
