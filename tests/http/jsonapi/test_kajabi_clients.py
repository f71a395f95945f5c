"""The requests that three public clients of Kajabi make: kajabi-py, the Kajabi app of w6w, and kajabi-saloon.

Each is listed as the client sends it. The reply has what the client reads.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import httpx

from .test_contact_notes import person
from .world import World
from .writing import made

JSON_API: Final = "application/vnd.api+json"
PAGE: Final = {"page[number]": "1", "page[size]": "25"}


class Call(NamedTuple):
    """A request. reads: what the client takes of the reply: a list, one resource, identifiers, or nothing."""

    method: str
    path: str
    reads: str
    query: Mapping[str, str] = MappingProxyType({})
    body: Any = None


def _resource(type_: str, attributes: dict[str, Any], **related: tuple[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = {"type": type_, "attributes": attributes}
    if related:
        data["relationships"] = {name: {"data": {"type": of, "id": each}} for name, (of, each) in related.items()}
    return {"data": data}


def _identifiers(type_: str, name: str) -> dict[str, Any]:
    return {"data": [{"id": f"{{{name}}}", "type": type_}]}


_SITE: Final = {"filter[site_id]": "{site}"}

KAJABI_PY: Final = (
    Call("GET", "/v1/me", "me"),
    Call("GET", "/v1/version", "version"),
    *(
        Call("GET", f"/v1/{name}", "list", PAGE | {"sort": "-created_at"})
        for name in ("contacts", "customers", "orders", "purchases", "contact_notes", "form_submissions")
    ),
    *(
        Call("GET", f"/v1/{name}", "list", PAGE)
        for name in (
            "contact_tags",
            "custom_fields",
            "forms",
            "offers",
            "order_items",
            "products",
            "sites",
            "transactions",
        )
    ),
    Call("GET", "/v1/contacts", "list", PAGE | {"filter[search]": "anna", "fields[contacts]": "name,email"}),
    Call("GET", "/v1/purchases/{purchase}", "one", {"include": "customer,offer"}),
    Call("GET", "/v1/order_items/{item}", "one"),
    Call("GET", "/v1/transactions/{transaction}", "one"),
    Call(
        "POST",
        "/v1/contacts",
        "one",
        body=_resource("contacts", {"name": "New", "email": "py@x.example"}, site=("sites", "{site}")),
    ),
    Call(
        "POST",
        "/v1/contact_notes",
        "one",
        body=_resource("contact_notes", {"body": "Called"}, contact=("contacts", "{contact}")),
    ),
    Call(
        "PATCH",
        "/v1/contact_notes/{note}",
        "one",
        body={"data": {"id": "{note}", **_resource("contact_notes", {"body": "Called twice"})["data"]}},
    ),
    *(
        Call("GET", f"/v1/hooks/{event}_sample", "sample")
        for event in ("tag_added", "tag_removed", "form_submission", "purchase", "payment_succeeded", "order_created")
    ),
)
W6W: Final = (
    Call("GET", "/v1/contacts", "list", _SITE | PAGE | {"filter[search]": "anna", "sort": "name"}),
    Call(
        "GET",
        "/v1/contacts",
        "list",
        {"filter[has_tag_id]": "{tag}", "filter[subscribed]": "true", "filter[created_in_last]": "30"},
    ),
    Call("GET", "/v1/contacts/{contact}", "one", {"include": "site", "fields[contacts]": "name,email"}),
    Call(
        "POST",
        "/v1/contacts",
        "one",
        body=_resource(
            "contacts",
            {"name": "W", "email": "w6w@x.example", "subscribed": True, "custom_1": "a"},
            site=("sites", "{site}"),
        ),
    ),
    Call(
        "PATCH",
        "/v1/contacts/{contact}",
        "one",
        body={"data": {"id": "{contact}", **_resource("contacts", {"address_city": "Lisbon"})["data"]}},
    ),
    Call("POST", "/v1/contacts/{contact}/relationships/tags", "identifiers", body=_identifiers("contact_tags", "tag")),
    Call("PATCH", "/v1/contacts/{contact}/relationships/tags", "identifiers", body=_identifiers("contact_tags", "tag")),
    Call("GET", "/v1/contacts/{contact}/relationships/tags", "identifiers"),
    Call(
        "DELETE", "/v1/contacts/{contact}/relationships/tags", "identifiers", body=_identifiers("contact_tags", "tag")
    ),
    Call(
        "POST",
        "/v1/contacts/{contact}/relationships/offers",
        "identifiers",
        body={**_identifiers("offers", "offer"), "meta": {"send_customer_welcome_email": False}},
    ),
    Call("GET", "/v1/contacts/{contact}/relationships/offers", "identifiers"),
    Call("DELETE", "/v1/contacts/{contact}/relationships/offers", "identifiers", body=_identifiers("offers", "offer")),
    Call("GET", "/v1/contact_notes", "list", PAGE | {"filter[contact_id]": "{contact}"}),
    Call("GET", "/v1/contact_notes/{note}", "one", {"fields[contact_notes]": "body"}),
    Call("GET", "/v1/custom_fields", "list", _SITE),
    Call("GET", "/v1/customers/{contact}", "one"),
    Call("GET", "/v1/forms/{form}", "one"),
    Call(
        "POST",
        "/v1/forms/{form}/submit",
        "one",
        body=_resource("form_submissions", {"name": "Anna", "email": "anna@kajabi.example", "custom_1": "x"}),
    ),
    Call("GET", "/v1/form_submissions", "list", _SITE | PAGE | {"filter[form_id]": "{form}"}),
    Call("GET", "/v1/form_submissions/{submission}", "one"),
    Call("GET", "/v1/offers/{offer}/relationships/products", "identifiers"),
    Call("GET", "/v1/orders", "list", _SITE | {"filter[customer_id]": "{contact}"}),
    Call("GET", "/v1/order_items", "list", _SITE | PAGE),
    Call(
        "GET",
        "/v1/purchases",
        "list",
        _SITE | PAGE | {"filter[active]": "true", "filter[coupon_code_eq]": "SPRING", "sort": "created_at"},
    ),
    Call("GET", "/v1/purchases", "list", {"filter[deactivated]": "true", "filter[referrer]": "news"}),
    Call("POST", "/v1/purchases/{purchase}/deactivate", "one"),
    Call("POST", "/v1/purchases/{purchase}/reactivate", "one"),
    Call("POST", "/v1/purchases/{purchase}/cancel_subscription", "one"),
    Call("GET", "/v1/sites/{site}", "one"),
    Call("GET", "/v1/contact_tags/{tag}", "one"),
    Call(
        "GET",
        "/v1/transactions",
        "list",
        _SITE | {"filter[name_or_email]": "anna", "filter[start_date]": "2026-01-01", "filter[end_date]": "2026-12-31"},
    ),
    Call("DELETE", "/v1/contact_notes/{note}", "nothing"),
)
SALOON: Final = (
    Call("GET", "/v1/contacts", "list", _SITE | {"filter[search]": "anna@kajabi.example", "page[size]": "100"}),
    Call("GET", "/v1/contacts", "list", _SITE | {"filter[has_offer_id]": "{offer}"}),
    Call("GET", "/v1/contacts/{contact}", "one"),
    Call("GET", "/v1/customers", "list", _SITE | PAGE),
    Call("GET", "/v1/customers/{contact}/relationships/offers", "identifiers"),
    Call("GET", "/v1/offers", "list", _SITE | PAGE),
    Call("GET", "/v1/products", "list", _SITE | PAGE),
    Call("GET", "/v1/products/{product}", "one"),
    Call("GET", "/v1/custom_fields", "list", _SITE | {"page[size]": "50"}),
    Call("GET", "/v1/purchases", "list", _SITE | {"filter[customer_id]": "{contact}", "include": "offer,customer"}),
    Call(
        "GET",
        "/v1/purchases",
        "list",
        _SITE
        | {"filter[created_at_gte]": "2020-01-01T00:00:00Z", "filter[created_at_lte]": "2999-12-31T23:59:59Z"}
        | {"filter[customer_email]": "anna@kajabi.example", "filter[product_id]": "{product}"}
        | {"include": "offer,customer", "limit": "100", "max_pages": "10"},
    ),
    Call(
        "GET",
        "/v1/purchases",
        "list",
        {"filter[customer_id]": "0", "filter[created_at_gte]": "2999-12-31T23:59:59Z", "include": "offer,customer"},
    ),
    Call("GET", "/v1/contacts/{contact}/relationships/offers", "identifiers", _SITE | PAGE),
    Call("GET", "/v1/contacts", "list", _SITE | {"filter[has_offer_id]": "{offer}", "start_page": "1"}),
    Call("GET", "/v1/offers/{offer}", "one"),
    Call("GET", "/v1/products", "list", _SITE | {"filter[name_cont]": "Cou", "filter[description_cont]": "x"}),
    Call("GET", "/v1/sites/{site}", "one"),
    Call("GET", "/v1/purchases/{purchase}", "one", {"include": "offer,customer"}),
    Call("GET", "/v1/orders", "list", _SITE | PAGE),
    Call(
        "GET",
        "/v1/orders",
        "list",
        _SITE
        | {"filter[created_at_gte]": "2020-01-01T00:00:00Z", "filter[created_at_lte]": "2999-12-31T23:59:59Z"}
        | {"filter[customer_id]": "{contact}"},
    ),
    Call("GET", "/v1/orders/{purchase}", "one"),
    Call("GET", "/v1/sites", "list", PAGE),
    Call(
        "POST",
        "/v1/contacts",
        "one",
        body=_resource("contacts", {"name": "Saloon", "email": "saloon@x.example"}, site=("sites", "{site}")),
    ),
    Call(
        "PATCH",
        "/v1/contacts/{contact}",
        "one",
        body={
            "data": {
                "id": "{contact}",
                "type": "contacts",
                "attributes": {
                    "name": "Anna Keller",
                    "email": "anna@kajabi.example",
                    "external_user_id": "7",
                    "custom_1": "b",
                },
            }
        },
    ),
    Call(
        "POST",
        "/v1/contacts/{contact}/relationships/offers",
        "identifiers",
        body={**_identifiers("offers", "offer"), "meta": {"send_customer_welcome_email": True}},
    ),
    Call("DELETE", "/v1/contacts/{contact}/relationships/offers", "identifiers", body=_identifiers("offers", "offer")),
    Call("DELETE", "/v1/contacts/{contact}", "nothing"),
)
CLIENTS: Final = {"kajabi-py": KAJABI_PY, "w6w": W6W, "kajabi-saloon": SALOON}


def test_what_the_clients_send_is_answered_with_what_they_read(own_world: World) -> None:
    ids = known_ids(own_world)
    grant = {"client_id": str(own_world.key), "client_secret": own_world.secret, "grant_type": "client_credentials"}
    token = own_world.nobody.send("POST", "/v1/oauth/token", data=grant).json()
    assert token.keys() >= {"access_token", "token_type", "expires_in", "refresh_token"}
    renewed = {"refresh_token": token["refresh_token"], "grant_type": "refresh_token"}
    token = own_world.nobody.send("POST", "/v1/oauth/token", data=renewed).json()
    headers = {"Authorization": f"Bearer {token['access_token']}", "Accept": JSON_API}
    wrong = []
    for client, calls in CLIENTS.items():
        for call in calls:
            more: dict[str, Any] = {"headers": headers, "params": _filled(dict(call.query), ids)}
            if call.body is not None:
                more["json"] = _filled(call.body, ids)
                more["headers"] = {**headers, "Content-Type": JSON_API}
            reply = own_world.nobody.send(call.method, _filled(call.path, ids), **more)
            if not (reply.is_success and is_readable(call.reads, reply)):
                wrong.append((client, call.method, call.path, dict(call.query), reply.status_code, reply.text[:300]))
    assert wrong == []


def known_ids(world: World) -> dict[str, str]:
    """The ids of one of everything, by what stands for it in the table."""
    api = world.one
    address = "anna@kajabi.example"
    contact = person(world, api, address)
    offer, product = made(api, "offers", title="Gold"), made(api, "products", title="Course")
    form, tag = made(api, "forms", title="Sign up"), made(api, "contact_tags", name="vip")
    bought = {
        "event": "purchase",
        "email": address,
        "revenue": 5,
        "order_id": "o1",
        "offer_id": int(offer),
        "coupon": "SPRING",
    }
    world.happens(api, bought)
    world.happens(api, {"event": "form_submitted", "email": address, "form_id": int(form)})
    note = api.send(
        "POST", "/v1/contact_notes", json=_resource("contact_notes", {"body": "First"}, contact=("contacts", contact))
    ).json()
    first = {
        name: api.document(f"/v1/{path}?filter[customer_id]={contact}")["data"][0]["id"]
        for name, path in (
            ("purchase", "purchases"),
            ("transaction", "transactions"),
            ("submission", "form_submissions"),
        )
    }
    return {
        **first,
        "contact": contact,
        "offer": offer,
        "product": product,
        "form": form,
        "tag": tag,
        "note": note["data"]["id"],
        "item": first["purchase"],
        "site": api.document("/v1/sites")["data"][0]["id"],
    }


def _filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, str):
        return value.format(**ids)
    if isinstance(value, dict):
        return {name: _filled(each, ids) for name, each in value.items()}
    return [_filled(each, ids) for each in value] if isinstance(value, list) else value


def is_readable(reads: str, reply: httpx.Response) -> bool:
    """Whether a reply has what the client takes of it."""
    if reads == "nothing":
        return True
    body = {} if reply.status_code == 204 else reply.json()
    if reads == "sample":
        return isinstance(body, list) and bool(body)
    if reads == "version":
        return {"title", "version"} <= body["meta"].keys() and "version" in body["jsonapi"]
    if reads == "me":
        return bool(body["data"]["id"]) and isinstance(body["data"]["attributes"], dict)
    if reads == "identifiers":
        return reply.status_code == 204 or all(_is_identifier(each) for each in body["data"])
    if reads == "one":
        return _is_resource(body["data"])
    meta, links = body["meta"], body["links"]
    return (
        all(_is_resource(each) for each in body["data"])
        and {"total", "total_pages", "total_count", "current_page"} <= meta.keys()
        and links.keys() >= {"self", "first", "prev", "next", "last"}
    )


def _is_identifier(each: Any) -> bool:
    return isinstance(each["id"], str) and isinstance(each["type"], str)


def _is_resource(each: Any) -> bool:
    return _is_identifier(each) and isinstance(each["attributes"], dict)
