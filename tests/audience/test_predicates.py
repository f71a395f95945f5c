from regulars.audience.predicates import All, Any, Contains, Member, Not, keys, present, resolve


def test_keys_are_found_and_resolved_wherever_they_stand() -> None:
    question = All(
        (
            Not(Member("tag.has", ("vip", 3))),
            Any((Member("coupon.used", ("x",)), Contains("name", "n"))),
            Member("hidden"),
        )
    )
    assert keys(question) == {("tag", "vip"), ("coupon", "x")}
    assert resolve(question, {("tag", "vip"): 8, ("tag", "x"): 9}) == All(
        (
            Not(Member("tag.has", (8, 3))),
            Any((Member("coupon.used", ()), Contains("name", "n"))),
            Member("hidden", (0,)),
        )
    )
    assert resolve(present("created_at"), {}) == present("created_at")
