from typing import Any

import pytest

from regulars.domain.relations import BY_NAME
from regulars.http.jsonapi.kinds import BY_KIND, ResourceType
from regulars.http.jsonapi.relationships import CHANGES, NAMES, methods

from .world import Api, World
from .writing import done, identifiers, made, refused, resource

Ids = list[str]


@pytest.fixture(scope="module")
def world(own_world: World) -> World:
    return own_world


def kind_of(name: str) -> ResourceType:
    return BY_KIND[BY_NAME[NAMES[name].relation].kind or ""]


def somebody(api: Api, email: str, site: int = 1) -> str:
    """The id of a new contact, who is a customer."""
    body = resource("contacts", email=email, site=site)
    return str(done(api, "POST", "/v1/contacts", body, 201)["data"]["id"])


def path_of(customer: str, name: str, owner: str = "customers") -> str:
    return f"/v1/{owner}/{customer}/relationships/{name}"


def related(api: Api, customer: str, name: str) -> Ids:
    return [each["id"] for each in api.document(path_of(customer, name))["data"]]


def objects(api: Api, name: str, prefix: str, count: int = 3) -> Ids:
    kind = kind_of(name)
    keyed = {kind.key: f"{prefix} {{}}"} if kind.by_key else {}
    return [
        made(api, kind.type, **{kind.title: f"{prefix} {i}"}, **{key: text.format(i) for key, text in keyed.items()})
        for i in range(count)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_relationship(world: World, name: str) -> None:
    customer = somebody(world.one, f"{name}@relations.example")
    ids, type_, path = objects(world.one, name, f"rel {name}"), kind_of(name).type, path_of(customer, name)
    document = world.one.document(path)
    assert document == {"data": [], "links": {"self": f"http://regulars.example{path}"}}
    possible = methods(NAMES[name])
    for method in CHANGES.keys() - set(possible):
        reply = world.one.send(method, path, json=identifiers(type_, ids[0]))
        assert reply.status_code == 405
        assert reply.headers["allow"] == ", ".join(sorted({*possible, "HEAD"}))
    if "POST" in possible:
        assert (
            done(world.one, "POST", path, identifiers(type_, ids[0], ids[1], ids[0]))["data"]
            == (identifiers(type_, ids[0], ids[1])["data"])
        )
        done(world.one, "POST", path, identifiers(type_, ids[1]))
        assert related(world.one, customer, name) == ids[:2]
    if "PATCH" in possible:
        assert done(world.one, "PATCH", path, identifiers(type_, ids[1], ids[2])) == {
            **identifiers(type_, ids[1], ids[2]),
            "links": document["links"],
        }
        done(world.one, "DELETE", path, identifiers(type_, ids[0], ids[1]))
        assert related(world.one, customer, name) == [ids[2]]
        assert done(world.one, "PATCH", path, identifiers(type_))["data"] == []


def test_the_index_knows(world: World) -> None:
    customer = somebody(world.one, "index@relations.example")
    (tag,) = objects(world.one, "tags", "indexed", 1)
    path = path_of(customer, "tags", "contacts")
    done(world.one, "POST", path, identifiers("contact_tags", tag))
    assert [each["id"] for each in world.one.document(f"/v1/customers?filter[has_tag_id]={tag}")["data"]] == [customer]
    done(world.one, "DELETE", path, identifiers("contact_tags", tag))
    assert world.one.document(f"/v1/contacts?filter[has_tag_id]={tag}")["data"] == []


def test_keys_name_objects_too(world: World) -> None:
    customer = somebody(world.one, "keys@relations.example")
    number = made(world.one, "offers", title="By key", key="offer-by-key")
    document = done(world.one, "POST", path_of(customer, "offers"), identifiers("offers", "offer-by-key"))
    assert document["data"] == [{"id": number, "type": "offers"}]


class TestOffers:
    @pytest.fixture
    def offer(self, world: World, request: pytest.FixtureRequest) -> tuple[str, Ids]:
        """An offer with two products."""
        (offer,) = objects(world.one, "offers", f"offer of {request.node.name}", 1)
        products = objects(world.one, "products", f"product of {request.node.name}", 3)
        path = f"/v1/offers/{offer}/relationships/products"
        done(world.one, "POST", path, identifiers("products", *products[:2]))
        return offer, products

    def states(self, world: World, customer: str, products: Ids) -> list[str]:
        """Of each product: what its filters say of the customer."""
        found = []
        for product in products:
            words = [
                word
                for word, name in (
                    ("owned", "has_product_id"),
                    ("active", "has_active_product_id"),
                    ("previous", "previously_owned_product_id"),
                )
                if customer
                in [
                    each["id"]
                    for each in world.one.document(f"/v1/customers?filter[{name}]={product}&page[size]=100")["data"]
                ]
            ]
            found.append(" ".join(words))
        return found

    def test_products_of_an_offer(self, world: World, offer: tuple[str, Ids]) -> None:
        number, products = offer
        path = f"/v1/offers/{number}/relationships/products"
        assert world.one.document(path) == {
            **identifiers("products", *products[:2]),
            "links": {"self": f"http://regulars.example{path}"},
        }
        shown = world.one.document(f"/v1/offers/{number}?include=products,site&fields[products]=title")
        assert shown["data"]["relationships"]["products"] == identifiers("products", *products[:2])
        assert [each["type"] for each in shown["included"]] == ["products", "products", "sites"]
        assert (
            done(world.one, "PATCH", path, identifiers("products", products[2]))["data"]
            == (identifiers("products", products[2])["data"])
        )
        done(world.one, "DELETE", f"/v1/products/{products[2]}")
        assert world.one.document(path)["data"] == []
        assert refused(world.one, "POST", path, identifiers("products", products[0], 987654))[1] == [
            ("/data/1/id", "The product 987654 does not exist")
        ]
        assert world.one.document(path)["data"] == []
        assert refused(world.one, "GET", "/v1/offers/987654/relationships/products")[0] == 404
        assert refused(world.one, "POST", "/v1/offers/987654/relationships/products", identifiers("products"))[0] == 404
        assert refused(world.other, "POST", path, identifiers("products"))[0] == 404

    def test_granting_and_revoking(self, world: World, offer: tuple[str, Ids]) -> None:
        number, products = offer
        customer = somebody(world.one, "granted@relations.example")
        path = path_of(customer, "offers", "contacts")
        done(world.one, "POST", path, {**identifiers("offers", number), "meta": {"send_customer_welcome_email": False}})
        assert self.states(world, customer, products) == ["owned active", "owned active", ""]
        assert done(world.one, "DELETE", path, identifiers("offers", number))["data"] == []
        assert self.states(world, customer, products) == ["owned", "owned", ""]
        done(world.one, "PATCH", path, identifiers("offers", number))
        done(world.one, "PATCH", path, identifiers("offers"))
        assert self.states(world, customer, products) == ["owned", "owned", ""]

    def test_only_what_changes_has_effects(self, world: World, offer: tuple[str, Ids]) -> None:
        number, products = offer
        customer = somebody(world.one, "unchanged@relations.example")
        done(world.one, "POST", path_of(customer, "products"), identifiers("products", products[0]))
        done(world.one, "DELETE", path_of(customer, "offers"), identifiers("offers", number))
        assert self.states(world, customer, products) == ["owned active", "", ""]
        done(world.one, "DELETE", path_of(customer, "products"), identifiers("products", products[0], products[1]))
        assert self.states(world, customer, products) == ["previous", "", ""]

    def test_events_have_the_same_effects(self, world: World, offer: tuple[str, Ids]) -> None:
        number, products = offer
        email = "same@relations.example"
        customer = somebody(world.one, email)
        world.happens(world.one, {"event": "purchase", "email": email, "offer_id": number, "product_ids": products[2:]})
        assert self.states(world, customer, products) == ["owned active"] * 3
        world.happens(world.one, {"event": "offer_revoked", "email": email, "offer_id": number})
        assert self.states(world, customer, products) == ["owned", "owned", "owned active"]
        world.happens(world.one, {"event": "offer_granted", "email": email, "offer_id": number, "timestamp": 1})
        assert self.states(world, customer, products) == ["owned", "owned", "owned active"]


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({}, 400, "/data"),
        ({"data": {"type": "contact_tags", "id": "1"}}, 400, "/data"),
        ({"data": ["1"]}, 400, "/data/0"),
        (identifiers("tags", 1), 400, "/data/0/type"),
        ({"data": [{"type": "contact_tags"}]}, 400, "/data/0/id"),
        (identifiers("contact_tags", "a,b"), 400, "/data/0/id"),
        (identifiers("contact_tags", 998877), 404, "/data/0/id"),
        (identifiers("contact_tags", *[1] * 1001), 413, ""),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_refusals_name_the_member(world: World, method: str, body: Any, status: int, where: str) -> None:
    customer = world.one.document("/v1/customers")["data"][0]["id"]
    found, faults = refused(world.one, method, path_of(customer, "tags"), body)
    assert (found, faults[0][0]) == (status, where)


def test_all_or_nothing(world: World) -> None:
    customer = somebody(world.one, "whole@relations.example")
    ids = objects(world.one, "tags", "whole", 2)
    path = path_of(customer, "tags")
    done(world.one, "POST", path, identifiers("contact_tags", ids[0]))
    for method in CHANGES:
        status, faults = refused(world.one, method, path, identifiers("contact_tags", ids[1], 998877, ids[0], "gone"))
        assert status == 404
        assert faults == [
            ("/data/1/id", "The tag 998877 does not exist"),
            ("/data/3/id", "The tag 'gone' does not exist"),
        ]
        assert related(world.one, customer, "tags") == [ids[0]]


def test_accounts_are_apart(world: World) -> None:
    mine = somebody(world.one, "apart@relations.example")
    (tag,) = objects(world.one, "tags", "apart", 1)
    for owner in ("customers", "contacts"):
        for method in ("GET", *CHANGES):
            body = None if method == "GET" else identifiers("contact_tags", tag)
            status, faults = refused(world.other, method, path_of(mine, "tags", owner), body)
            assert (status, faults[0][1]) == (404, f"No {owner[:-1]} has this id.")
    theirs = world.other.document("/v1/customers")["data"][0]["id"]
    status, _ = refused(world.other, "POST", path_of(theirs, "tags"), identifiers("contact_tags", tag))
    assert status == 404
    assert refused(world.one, "GET", path_of("nonsense", "tags"))[0] == 404
    assert refused(world.one, "GET", path_of(mine, "tags") + "?filter[nothing]=1")[0] == 400
    reader = Api(world.app, world.app.secret("one", "main", scopes=("read",))[1])
    assert refused(reader, "POST", path_of(mine, "tags"), identifiers("contact_tags", tag))[0] == 403


def test_a_list_takes_a_page_and_its_site(world: World) -> None:
    mine = somebody(world.one, "pages@relations.example")
    tags = objects(world.one, "tags", "pages", 5)
    for tag in tags:
        assert world.one.send("POST", path_of(mine, "tags"), json=identifiers("contact_tags", tag)).status_code == 200
    for owner in ("customers", "contacts"):
        path = path_of(mine, "tags", owner)
        every_one = world.one.document(path)
        assert len(every_one["data"]) == 5
        assert "meta" not in every_one
        site = world.one.document("/v1/sites")["data"][0]["id"]
        seen = []
        page = world.one.document(f"{path}?page[size]=2&filter[site_id]={site}")
        while True:
            assert page["meta"]["total_count"] == 5
            seen += page["data"]
            if page["links"]["next"] is None:
                break
            page = world.one.document(page["links"]["next"])
        assert seen == every_one["data"]
        assert refused(world.one, "GET", f"{path}?filter[site_id]=999")[0] == 404


def test_a_customer_s_objects_come_in_pages_of_the_vendor_s(world: World) -> None:
    mine = somebody(world.one, "parts@relations.example")
    offers = objects(world.one, "offers", "parts", 5)
    for offer in offers:
        assert world.one.send("POST", path_of(mine, "offers"), json=identifiers("offers", offer)).status_code == 200
    path = f"/v1/customers/{mine}"
    for include in ("", "&include=offers"):
        seen = []
        for number in (1, 2, 3):
            found = world.one.document(f"{path}?filter[offers_page]={number}&filter[offers_per]=2{include}")
            data = found["data"]["relationships"]["offers"]["data"]
            seen += [each["id"] for each in data]
            assert len(data) == (1 if number == 3 else 2)
            if include:
                assert [each["id"] for each in found["included"]] == [each["id"] for each in data]
        assert sorted(seen) == sorted(str(each) for each in offers)
    assert world.one.document(f"{path}?filter[products_page]=2")["data"]["relationships"]["products"]["data"] == []
    for wrong in ("filter[offers_per]=0", "filter[offers_per]=x", "filter[offers_page]=-1", "filter[offers_pages]=1"):
        assert refused(world.one, "GET", f"{path}?{wrong}")[0] == 400
