"""Purchases, orders, their items and transactions: read from the events, whatever way these came in."""

from typing import Any

from .test_contact_notes import person
from .world import Api, World, every
from .writing import done, made, refused

ADDRESS = "buyer@sales.example"
LEAVER = "leaver@sales.example"
FIRST, SECOND = "first@sales.example", "second@sales.example"


def buys(world: World, api: Api, *, email: str = ADDRESS, **event: Any) -> None:
    world.happens(api, {"event": "purchase", "email": email, **event})


def attributes(api: Api, path: str, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(each["attributes"][name] for name in names) for each in every(api, path)]


def test_transactions_are_found_by_name_or_email(own_world: World) -> None:
    world, api = own_world, own_world.one
    for email, name in (("zoe.a@names.example", "Zoë Alvarez"), ("someone@names.example", None)):
        world.save(api, {"email": email, **({} if name is None else {"name": name})})
        buys(world, api, email=email, revenue=1)
    found = {
        sought: api.document("/v1/transactions", params={"filter[name_or_email]": sought})["meta"]["total_count"]
        for sought in ("zoe alv", "NAMES.example", "someone", "nobody at all", "alvarez zoe")
    }
    assert list(found.values()) == [1, 2, 1, 0, 0]
    status, _ = refused(api, "GET", "/v1/transactions?filter[name_or_email]=%20")
    assert status == 400


def test_sales_of_a_time_an_address_and_a_product(own_world: World) -> None:
    world, api = own_world, own_world.one
    old, new, other = "old@times.example", "new@times.example", "other@times.example"
    course = made(api, "products", title="Course", key="times-course")
    person(world, api, old)
    world.save(api, {"email": old, "customer_id": "times"})
    world.save(api, {"customer_id": "times", "email": new})
    buys(world, api, email=new, revenue=1, order_id="t1", timestamp="2025-01-01T00:00:00Z", product_id="times-course")
    buys(world, api, email=new, revenue=1, order_id="t1", event_uuid="t1-more", timestamp="2025-01-20T00:00:00Z")
    buys(world, api, email=new, revenue=1, timestamp="2025-01-10T00:00:00Z")
    buys(world, api, email=other, revenue=1, order_id="t3", timestamp="2025-01-10T12:00:00Z")
    number = api.document("/v1/orders", params={"filter[customer_email]": other})["data"][0]["attributes"]

    def found(path: str = "purchases", **filters: str) -> list[str | None]:
        given = {f"filter[{name}]": value for name, value in filters.items()}
        reply = api.document(f"/v1/{path}", params=given | {"sort": "created_at", "page[size]": "100"})
        assert reply["meta"]["total_count"] == len(reply["data"])
        return [each["attributes"]["order_id"] for each in reply["data"]]

    january = {"created_at_gte": "2025-01-01T00:00:00Z", "created_at_lte": "2025-01-31"}
    for path in ("purchases", "orders"):
        assert found(path, **january) == ["t1", None, "t3"]  # an order is of the time of its first report
        assert found(path, created_at_gte="2025-01-01T00:00:00.001Z", created_at_lte="2025-01-10") == [None, "t3"]
        assert found(path, **january, customer_email=new.upper()) == ["t1", None]
        assert found(path, customer_email="nobody@times.example") == []
        assert found(path, customer_email=other, customer_id="0") == []
        for wrong in ({"created_at_gte": "soon"}, {"customer_email": "nobody"}):
            query = "&".join(f"filter[{name}]={value}" for name, value in wrong.items())
            status, faults = refused(api, "GET", f"/v1/{path}?{query}")
            assert (status, faults[0][0]) == (400, query.partition("=")[0])
    order = str(number["order_number"])
    assert found("orders", order_number_eq=order, **january) == ["t3"]
    assert found("orders", order_number_eq=order, created_at_lte="2025-01-09") == []
    assert found(**january, product_id="times-course") == found(**january, product_id=course) == ["t1"]
    assert found(**january, product_id="none") == []


def test_an_order_is_what_its_reports_come_to(own_world: World) -> None:
    world, api = own_world, own_world.one
    customer = person(world, api, ADDRESS)
    mine = f"page[size]=2&filter[customer_id]={customer}"
    buys(world, api, revenue=10, order_id="a", offer_id="gold", timestamp="2026-01-01", coupon="SPRING", quantity=3)
    buys(world, api, revenue=5, order_id="a", event_uuid="second-line", timestamp="2026-01-02")
    buys(world, api, revenue=5, order_id="a", event_uuid="second-line", timestamp="2026-01-02")
    buys(world, api, revenue=7, timestamp="2026-01-03")
    buys(world, api, revenue=0, order_id="free", timestamp="2026-01-04")
    world.happens(
        api, {"event": "refund", "email": ADDRESS, "revenue": 4, "order_id": "a", "timestamp": "2026-01-05T12:00:00Z"}
    )
    expected = [(0, "free"), (700, None), (1500, "a")]
    assert attributes(api, f"/v1/purchases?{mine}", "amount_in_cents", "order_id") == expected
    assert attributes(api, f"/v1/orders?{mine}&sort=created_at", "total_price_in_cents", "order_id") == expected[::-1]
    assert attributes(api, f"/v1/orders?{mine}&page[after]=", "total_price_in_cents", "order_id") == expected
    paid = attributes(api, f"/v1/transactions?{mine}", "action", "amount_in_cents")
    charges = [("free_purchase", 0), ("charge", 700), ("charge", 500), ("charge", 1000)]
    assert paid == [("refund", 400), *charges]
    net = sum(-cents if action == "refund" else cents for action, cents in paid)
    shown = api.document(f"/v1/customers/{customer}")["data"]["attributes"]["net_revenue"]
    assert net == round(float(shown) * 100) == 1800
    first = api.document(f"/v1/purchases?{mine}&sort=created_at&include=offer,customer")
    purchase = first["data"][0]
    assert (purchase["attributes"]["coupon_code"], purchase["attributes"]["quantity"]) == ("SPRING", 3)
    assert len(purchase["relationships"]["transactions"]["data"]) == 3
    assert {each["type"] for each in first["included"]} == {"customers", "offers"}
    (item,) = api.document(f"/v1/order_items/{purchase['id']}?include=order")["included"]
    assert item["id"] == purchase["id"]
    assert first["meta"]["total_count"] == 3
    for bounds, count in (
        ("[start_date]=2026-01-02&filter[end_date]=2026-01-03", 2),
        ("[start_date]=2026-01-05", 1),
        ("[end_date]=2026-01-05", 5),
        ("[end_date]=2025-12-31", 0),
    ):
        document = api.document(f"/v1/transactions?{mine}&filter{bounds}")
        assert document["meta"]["total_count"] == count, bounds
    # Not the first report of its order, so no purchase; but a payment.
    second = api.document(f"/v1/transactions?{mine}&sort=created_at")["data"][1]["id"]
    assert api.get(f"/v1/purchases/{second}").status_code == 404
    assert api.document(f"/v1/transactions/{second}")["data"]["attributes"]["formatted_amount"].endswith("5.00")


def test_purchases_end_and_begin_again_with_what_was_bought(own_world: World) -> None:
    world, api = own_world, own_world.one
    customer = person(world, api, LEAVER)
    made(api, "offers", title="Silver", key="silver")
    mine = f"filter[customer_id]={customer}"
    for order, bought in (("o", {"offer_id": "silver"}), ("p", {"product_ids": ["book", "film"]}), ("n", {})):
        told: dict[str, Any] = {"order_id": f"end-{order}", "referrer": f"from-{order}", "coupon": f"c{order}"}
        buys(world, api, email=LEAVER, revenue=3, **told, **bought)
    known = {each["attributes"]["order_id"]: each["id"] for each in every(api, f"/v1/purchases?{mine}")}
    for order in ("end-o", "end-p"):
        path = f"/v1/purchases/{known[order]}"
        for call in ("deactivate", "cancel_subscription"):
            ended = done(api, "POST", f"{path}/{call}")["data"]["attributes"]
            assert ended["deactivated_at"] is not None
            assert ended["deactivation_reason"] is not None
        for query, expected in (("active]=true", 2), ("active]=0", 1), ("deactivated]=true", 1)):
            document = api.document(f"/v1/purchases?{mine}&filter[{query}")
            assert document["meta"]["total_count"] == expected == len(document["data"])
        assert done(api, "POST", f"{path}/reactivate")["data"]["attributes"]["deactivated_at"] is None
    assert done(
        api, "DELETE", f"/v1/customers/{customer}/relationships/offers", {"data": [{"type": "offers", "id": "silver"}]}
    )
    assert api.document(f"/v1/purchases/{known['end-o']}")["data"]["attributes"]["deactivated_at"] is not None
    assert refused(api, "POST", f"/v1/purchases/{known['end-n']}/deactivate")[0] == 422
    for query in ("referrer]=FROM-P", "coupon_code_eq]=CP"):
        (found,) = api.document(f"/v1/purchases?{mine}&filter[{query}")["data"]
        assert found["id"] == known["end-p"]
    assert api.document(f"/v1/orders?{mine}&filter[order_number_eq]=0")["data"] == []
    assert api.document(f"/v1/order_items?{mine}&filter[item_type_eq]=Product")["meta"]["total_count"] == 1
    assert api.document(f"/v1/orders?{mine}&filter[fulfilled_at_null]=false")["data"] == []
    other = person(world, world.other, LEAVER)
    for path in ("purchases", "orders", "order_items", "transactions"):
        assert world.other.get(f"/v1/{path}/{known['end-o']}").status_code == 404
        assert api.document(f"/v1/{path}?filter[customer_id]={other}")["data"] == []
        assert refused(api, "GET", f"/v1/{path}?filter[customer_id]=x")[1][0][0] == "filter[customer_id]"
        for wrong in ("0", "x", 2**60, str(2**32)):
            assert api.get(f"/v1/{path}/{wrong}").status_code == 404
    for call in ("deactivate", "reactivate", "cancel_subscription"):
        assert world.other.send("POST", f"/v1/purchases/{known['end-o']}/{call}").status_code == 404
    assert refused(api, "GET", "/v1/purchases?filter[active]=maybe")[0] == 400
    assert refused(api, "GET", "/v1/transactions?filter[start_date]=soon")[0] == 400


def test_merged_customers_have_their_orders_together(own_world: World) -> None:
    world, api = own_world, own_world.one
    customer, other = person(world, api, FIRST), person(world, api, SECOND)
    for address in (FIRST, SECOND):
        buys(world, api, email=address, revenue=9, order_id="both")
    buys(world, api, email=SECOND, revenue=2, order_id="one")
    (merge,) = api.send("POST", f"/v1/customers/{customer}/merge", json={"data": [{"id": other}]}).json()["data"]
    for named in (customer, other):
        found = attributes(api, f"/v1/purchases?filter[customer_id]={named}", "order_id", "amount_in_cents")
        assert sorted(found) == [("both", 900), ("one", 200)]
    listed = every(api, f"/v1/orders?filter[customer_id]={other}")
    ids = {each["relationships"]["customer"]["data"]["id"] for each in listed}
    assert ids == {customer}
    assert api.send("POST", f"/v1/merges/{merge['id']}/undo").status_code == 200
    assert attributes(api, f"/v1/purchases?filter[customer_id]={customer}", "order_id") == [("both",)]
