from regulars.audience.filters.predicates import All, Any, Contains, Identified, Member, Not, keys, present, resolve


def test_keys_are_found_and_resolved_wherever_they_stand() -> None:
    question = All(
        (
            Not(Member("tag.has", ("vip", 3))),
            Any((Member("coupon.used", ("x",)), Contains("name", "n"))),
            Member("hidden"),
            Identified("uuid", "u"),
            Not(Identified("customer_id", "vip")),
        )
    )
    assert keys(question) == {("tag", "vip"), ("coupon", "x"), ("uuid", "u"), ("customer_id", "vip")}
    assert resolve(question, {("tag", "vip"): 8, ("tag", "x"): 9, ("uuid", "u"): 5}) == All(
        (
            Not(Member("tag.has", (8, 3))),
            Any((Member("coupon.used", ()), Contains("name", "n"))),
            Member("hidden", (0,)),
            Identified("uuid", "u", 5),
            Not(Identified("customer_id", "vip")),
        )
    )
    assert resolve(present("created_at"), {}) == present("created_at")
