import math
from datetime import datetime
from typing import Any

import pytest

from regulars.audience.filters.catalogue import FILTERS
from regulars.domain.objects import OWN_NUMBERS
from regulars.http.jsonapi.customer_resource import ATTRIBUTES, FIELDS
from regulars.http.jsonapi.listing import SORTS
from tests.search_keys import search_key_of

from .world import COUNT, World, every, people

COURSE = str(OWN_NUMBERS.start + 1)
"""The number of the one product, which is known by its key."""


def emails(resources: list[dict[str, Any]]) -> list[str]:
    return [each["attributes"]["email"] for each in resources]


def test_a_customer_has_what_the_vendor_shows(world: World) -> None:
    (found,) = world.one.document("/v1/customers?filter[email]=user00@web.de")["data"]
    number = found["id"]
    assert int(number) >> 32 == 1
    attributes = found["attributes"]
    assert list(attributes) == list(ATTRIBUTES)
    assert attributes["name"] == "Anna Meier"
    assert attributes["email"] == "user00@web.de"
    assert attributes["external_user_id"] == "c-0"
    assert attributes["net_revenue"] == "10.00"
    assert attributes["socials"] is None
    assert attributes["bounced_at"] is None
    for moment in ("created_at", "updated_at", "last_request_at"):
        assert datetime.fromisoformat(attributes[moment]).tzinfo is not None
    assert found["links"] == {"contact": f"http://regulars.example/v1/contacts/{number}"}
    assert found["relationships"] == {
        "contact": {"data": {"id": number, "type": "contacts"}},
        "offers": {"links": {"self": f"http://regulars.example/v1/customers/{number}/relationships/offers"}},
        "products": {"data": [{"id": COURSE, "type": "products"}]},
        "site": {"data": {"id": "1", "type": "sites"}},
    }


def test_name_and_email_are_never_null(world: World) -> None:
    (found,) = world.one.document("/v1/customers?filter[name_contains]=only-an-id")["data"]
    assert found["attributes"]["email"] == ""
    assert found["attributes"]["name"] == found["attributes"]["external_user_id"] == "only-an-id"
    assert {"user50"} <= {each["attributes"]["name"] for each in every(world.one)}


@pytest.mark.parametrize("size", [1, 7, 25, 60, 61, 62, 100])
def test_pages_add_up(world: World, size: int) -> None:
    whole = [each["id"] for each in every(world.one)]
    assert len(set(whole)) == COUNT + 1
    assert [each["id"] for each in every(world.one, f"/v1/customers?page[size]={size}")] == whole
    last = math.ceil((COUNT + 1) / size)
    document = world.one.document(f"/v1/customers?page[size]={size}&page[number]={last}")
    assert document["meta"] == {"total_count": COUNT + 1, "total": COUNT + 1, "total_pages": last, "current_page": last}
    assert document["links"]["next"] is None
    assert document["links"]["self"] == document["links"]["last"] == document["links"]["current"]
    assert (document["links"]["prev"] is None) == (last == 1)


def test_a_page_past_the_end_is_empty_and_leads_back(world: World) -> None:
    document = world.one.document("/v1/customers?page[number]=1000000000&page[size]=100")
    assert document["data"] == []
    assert document["meta"]["total"] == COUNT + 1
    assert document["links"]["next"] is None
    assert world.one.document(document["links"]["prev"])["data"]


def test_an_empty_list_has_no_other_pages(world: World) -> None:
    document = world.one.document("/v1/customers?filter[name_contains]=nobody+at+all")
    assert document["meta"] == {"total_count": 0, "total": 0, "total_pages": 0, "current_page": 1}
    assert document["links"]["prev"] is document["links"]["next"] is None
    assert document["links"]["first"] == document["links"]["last"] == document["links"]["self"]


@pytest.mark.parametrize("sort", SORTS)
def test_sorts(world: World, sort: str) -> None:
    field = sort.removeprefix("-")
    shown = every(world.one, f"/v1/customers?sort={sort}&page[size]=9")

    def key(resource: dict[str, Any]) -> Any:
        value = resource["attributes"][field]
        if field == "net_revenue":
            return float(value)
        return (search_key_of(value), value) if field in ("name", "email") else value

    unset = [each for each in shown if each["attributes"][field] in (None, "")]
    rest = sorted((each for each in shown if each not in unset), key=lambda each: int(each["id"]))
    rest.sort(key=key, reverse=sort.startswith("-"))
    unset.sort(key=lambda each: int(each["id"]))
    assert [each["id"] for each in shown] == [each["id"] for each in rest + unset]


def test_newest_first_unless_asked_otherwise(world: World) -> None:
    assert every(world.one) == every(world.one, "/v1/customers?sort=-created_at&page[size]=100")


@pytest.mark.parametrize("named", FILTERS, ids=lambda each: each.name)
def test_every_filter_is_a_parameter(world: World, named: Any) -> None:
    value = "1" if named.name == "site_id" else named.kind.example
    document = world.one.document("/v1/customers", params={f"filter[{named.name}]": value, "page[size]": "1"})
    assert document["meta"]["total"] <= COUNT + 1
    status, error = world.one.error("/v1/customers", params={f"filter[{named.name}]": ""})
    assert (status, error["source"]) == (400, {"parameter": f"filter[{named.name}]"})
    assert "must be" in error["detail"]


def test_filters_select(world: World) -> None:
    def total(query: str) -> int:
        return int(world.one.document(f"/v1/customers?{query}")["meta"]["total"])

    web = sum(person["email"].endswith("web.de") for person in people())
    assert total("filter[email_contains]=WEB.DE") == web
    assert total("filter%5Bemail_contains%5D=web.de") == web
    assert total("filter[email_contains]=web.de&filter[email_contains]=web.de") == web
    assert total("filter[email_contains]=web.de&filter[email_contains]=user1") == sum(
        person["email"].endswith("web.de") and "user1" in person["email"] for person in people()
    )
    assert total("filter[has_offer_id]=1,2") + total("filter[has_no_offer_id]=1,2") == COUNT + 1
    assert total("filter[has_product_id]=course") == COUNT // 5
    assert total("filter[has_product_id]=none-such") == 0
    assert total("filter[created_in_last]=1") == COUNT + 1
    assert total("filter[search]=%C3%A9mile") == sum(person.get("name") == "Émile" for person in people())


def test_an_identifier_selects_its_customer(world: World) -> None:
    def shown(query: str) -> list[str]:
        return emails(world.one.document(f"/v1/customers?{query}")["data"])

    uuid = world.one.get("/api/v1/customers/user00@web.de").json()["customer"]["uuid"]
    assert shown(f"filter[uuid]={uuid}") == shown(f"filter[uuid]={uuid.upper()}") == ["user00@web.de"]
    assert shown("filter[external_user_id]=c-0") == ["user00@web.de"]
    assert shown(f"filter[uuid]={uuid}&filter[external_user_id]=c-4") == []
    assert shown("filter[external_user_id]=C-0") == shown("filter[external_user_id]=c-") == []
    foreign = world.other.get("/api/v1/customers/user00@gmail.com").json()["customer"]["uuid"]
    assert shown(f"filter[uuid]={foreign}") == []


def test_hidden_customers_are_shown_only_when_asked_for(world: World) -> None:
    assert world.one.document("/v1/customers?filter[is_hidden]=false")["meta"]["total"] == COUNT + 1
    assert world.one.document("/v1/customers?filter[is_hidden]=true")["meta"]["total"] == 0


def test_links_keep_the_other_parameters_as_they_were_sent(world: World) -> None:
    query = "filter%5Bemail_contains%5D=a%2Bb&sort=name&sort=email&filter[search]=an+na&fields[customers]="
    links = world.one.document(f"/v1/customers?page%5Bnumber%5D=9&{query}&page[size]=3&page[size]=5")["links"]
    assert links["self"] == f"http://regulars.example/v1/customers?{query}&page[number]=9&page[size]=5"


def test_the_last_of_repeated_parameters_wins(world: World) -> None:
    document = world.one.document(
        "/v1/customers?page[size]=3&page[size]=2&sort=name&sort=email&fields[customers]=name"
        "&fields[customers]=email&page[number]=5&page[number]=1&include=site&include="
    )
    assert emails(document["data"]) == ["user00@web.de", "user01@gmail.com"]
    assert [list(each["attributes"]) for each in document["data"]] == [["email"]] * 2
    assert "included" not in document


@pytest.mark.parametrize("field", FIELDS)
def test_single_fields(world: World, field: str) -> None:
    resource = world.one.document(f"/v1/customers?fields[customers]={field}&page[size]=1")["data"][0]
    shown = [*resource["attributes"], *resource.get("relationships", ())]
    assert shown == [field]


def test_no_fields(world: World) -> None:
    resource = world.one.document("/v1/customers?fields[customers]=&page[size]=1")["data"][0]
    assert resource["attributes"] == {}
    assert "relationships" not in resource


def test_included_resources_are_linked_and_there_once(world: World) -> None:
    document = world.one.document("/v1/customers?include=contact,offers,products,site&page[size]=100")
    included = [(each["type"], each["id"]) for each in document["included"]]
    assert len(set(included)) == len(included)
    linked = set()
    for resource in document["data"]:
        for relationship in resource["relationships"].values():
            data = relationship["data"]
            linked |= {(each["type"], each["id"]) for each in (data if isinstance(data, list) else [data])}
    assert set(included) == linked
    contacts = {each["id"]: each["attributes"] for each in document["included"] if each["type"] == "contacts"}
    assert {each["id"]: each["attributes"]["email"] for each in document["data"]} == {
        number: attributes["email"] for number, attributes in contacts.items()
    }
    (course,) = [each for each in document["included"] if each["type"] == "products"]
    assert course["attributes"]["title"] == "course"


def test_fields_of_included_resources(world: World) -> None:
    document = world.one.document("/v1/customers?include=contact,site&fields[contacts]=subscribed&fields[sites]=title")
    assert {tuple(each["attributes"]) for each in document["included"]} == {("subscribed",), ("title",)}


def test_one_customer(world: World) -> None:
    for resource in every(world.one)[:10]:
        document = world.one.document(f"/v1/customers/{resource['id']}")
        assert document["links"] == {"self": f"http://regulars.example/v1/customers/{resource['id']}"}
        assert document["data"]["attributes"] == resource["attributes"]
        assert isinstance(document["data"]["relationships"]["offers"]["data"], list)


def test_searching_the_included_objects_of_one_customer(world: World) -> None:
    (found,) = world.one.document("/v1/customers?filter[email]=user00@web.de")["data"]
    path = f"/v1/customers/{found['id']}?include=products"
    assert [each["id"] for each in world.one.document(f"{path}&filter[products_search]=COUR")["included"]] == [COURSE]
    document = world.one.document(f"{path}&filter[products_search]=other")
    assert document["included"] == document["data"]["relationships"]["products"]["data"] == []
    assert (
        world.one.document(f"/v1/customers/{found['id']}?filter[products_search]=other")["data"]
        == (world.one.document(f"/v1/customers/{found['id']}")["data"])
    )


@pytest.mark.parametrize(
    "number", ["0", "1", "4294967296", "4294968296", str(2**53), "9" * 40, "abc", "-1", "1.0", "%00"]
)
def test_ids_that_name_nobody(world: World, number: str) -> None:
    status, error = world.one.error(f"/v1/customers/{number}")
    assert (status, error["code"]) in ((404, "customer_not_found"), (400, "malformed"))


def test_accounts_do_not_see_each_other(world: World) -> None:
    mine = {each["id"] for each in every(world.one)}
    (theirs,) = every(world.other)
    assert theirs["id"] not in mine
    assert theirs["attributes"]["name"] == "Somebody Else"
    foreign = world.one.get(f"/v1/customers/{theirs['id']}")
    unknown = world.one.get(f"/v1/customers/{(9 << 32) + 1}")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content
    site = theirs["relationships"]["site"]["data"]["id"]
    there, nowhere = (world.one.document(f"/v1/customers?filter[site_id]={each}") for each in (site, "999999"))
    assert there["data"] == nowhere["data"] == []
    assert there["meta"] == nowhere["meta"]
    assert world.one.document("/v1/customers?filter[has_offer_id]=9")["meta"]["total"] == 0


def test_a_key_asks_about_the_site_that_it_was_made_for_unless_it_names_another(world: World) -> None:
    sites = [each["id"] for each in world.many.document("/v1/sites")["data"]]
    assert len(sites) == 2
    own = emails(every(world.many, "/v1/customers"))
    assert own in (["first@many.example"], ["second@many.example"])
    found = [emails(every(world.many, f"/v1/customers?filter[site_id]={site}")) for site in sites]
    assert found == [["first@many.example"], ["second@many.example"]]
    both = "&".join(f"filter[site_id]={site}" for site in sites)
    assert world.many.document(f"/v1/customers?{both}")["data"] == []


def test_a_write_is_seen_at_once(world: World) -> None:
    before = world.other.document("/v1/customers")["meta"]["total"]
    for more in range(1, 6):
        world.save(world.other, {"email": f"new{more}@other.example"})
        assert world.other.document("/v1/customers")["meta"]["total"] == before + more
    assert world.other.send("DELETE", "/api/v1/customers/new1@other.example").status_code == 200
    assert world.other.document("/v1/customers")["meta"]["total"] == before + 4


def test_the_question_in_words(world: World) -> None:
    query = "filter[sent_email_broadcast_id]=7&filter[no_opened_email_broadcast_id]=7&filter[has_tag_id]=vip&sort=-name"
    meta = world.one.document(f"/v1/customers?{query}&describe=true")["meta"]
    assert meta["description"] == (
        "customers of site 1 who were sent broadcast 7, did not open it, and have tag “vip”, "
        "by name from the end of the alphabet"
    )
    assert world.one.document("/v1/customers?filter[site_id]=99&describe=1")["meta"]["description"].endswith(
        "of no site, newest first"
    )
    for query in ("", "describe=false", "describe=true&describe=0"):
        assert "description" not in world.one.document(f"/v1/customers?{query}")["meta"]
    status, error = world.one.error("/v1/customers?describe=yes")
    assert (status, error["source"]) == (400, {"parameter": "describe"})


@pytest.mark.parametrize("named", FILTERS, ids=lambda each: each.name)
def test_every_filter_is_put_into_words(world: World, named: Any) -> None:
    value = "1" if named.name == "site_id" else named.kind.example
    document = world.one.document("/v1/customers", params={f"filter[{named.name}]": value, "describe": "true"})
    assert document["meta"]["description"].startswith("customers of site 1")


@pytest.mark.parametrize("flag", ["true", "True", "TRUE"])
def test_flags_are_of_any_case(world: World, flag: str) -> None:
    plain = world.one.document("/v1/customers?filter[subscribed]=true&describe=true")
    assert world.one.document(f"/v1/customers?filter[subscribed]={flag}&describe={flag}")["data"] == plain["data"]


def test_excluded_product_types_are_passed_over(world: World) -> None:
    path = "/v1/products?filter[exclude_product_types][]=A&filter[exclude_product_types][]=B"
    (warning,) = world.one.document(path)["meta"]["warnings"]
    assert warning["source"] == {"parameter": "filter[exclude_product_types][]"}
