"""The catalogue: every line gives a predicate the index can evaluate, and refuses what it should."""

import pytest

from regulars.audience.evaluate import evaluate
from regulars.audience.filters import catalogue
from regulars.audience.filters.catalogue import FILTERS, Engagement, Filter, audience_of, parse
from regulars.audience.filters.predicates import (
    All,
    Any,
    Contains,
    HasAddress,
    Identified,
    Member,
    Not,
    Predicate,
    Range,
    Similar,
    SimilarAddress,
    leaves,
)
from regulars.audience.filters.sorts import Sort
from regulars.audience.filters.values import BadFilterValueError
from regulars.domain.changes import COLUMNS, CUSTOMER_NAMES, TEXTS
from regulars.domain.moments import DAY
from regulars.domain.relations import BY_NAME as RELATIONS

from ..model import Model
from ..test_index import loaded

NOW = 1_700_000_000_000

GOOD = {
    "days": ["0", "30", "36500", "007"],
    "flag": ["true", "True", "TRUE", "1", "false", "False", "0"],
    "id": ["7", "a", "1,b , c", "007", "9007199254740992", "1234567890123456789"],
    "text": ["x", "ß y"],
    "address": [" Anna@Example.com", "anna@b\u00fccher.example", "\u200banna@example.com"],
    "uuid": ["06743da2-9589-4c01-afda-e3d85e487fa7", "06743DA295894C01AFDAE3D85E487FA7"],
    "moment": ["2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00 01:00", "1767225600"],
    "money": ["0", "-1.5", "+19.90", "1000000000000"],
}
BAD = {
    "days": ["", "-1", "36501", "1.5", "٣", "x", "999999999999"],
    "flag": ["", "yes", "2"],
    "id": ["", ",", "1,,2", "0", "9" * 5000, "a\nb", "k" * 129, " "],
    "text": [""],
    "address": ["", "anna", "anna@", "a@b@c.example"],
    "uuid": ["", "7", "06743da2-9589-4c01-afda-e3d85e487fa", "x6743da2-9589-4c01-afda-e3d85e487fa7"],
    "moment": ["", "soon", "2026-02-30", "46023"],
    "money": ["", "1.234", "1e400", "NaN", "inf", "1000000000000.01", "-1000000000001", ".", "1.", "٣", "9" * 70],
}


def predicate(name: str, raw: str) -> Predicate:
    return parse(catalogue.BY_NAME[name], raw, NOW)


def test_there_are_the_vendors_74_names_and_ours() -> None:
    assert sum(each.vendors for each in FILTERS) == 74
    assert len(catalogue.BY_NAME) == len(FILTERS)


@pytest.mark.parametrize("line", FILTERS, ids=lambda line: line.name)
def test_every_line(line: Filter) -> None:
    assert line.meaning.endswith(".")
    assert line.kind.read(line.kind.example) is not None
    assert line.kind.read(line.shown_example) is not None
    if line.predicate is None:
        with pytest.raises(ValueError, match="not a predicate"):
            parse(line, "1", NOW)
        return
    for raw in GOOD[line.kind.name]:
        found = parse(line, raw, NOW)
        for leaf in leaves(found):
            match leaf:
                case Member(relation, _):
                    assert relation in RELATIONS
                case Range(column, _, _):
                    assert column in COLUMNS
                case Contains(field, _):
                    assert field in TEXTS
                case Identified(identifier, _, number):
                    assert identifier in CUSTOMER_NAMES
                    assert number is None
    for raw in BAD[line.kind.name]:
        with pytest.raises(BadFilterValueError, match=f"^{line.name} must be "):
            parse(line, raw, NOW)


def test_values_mean_what_they_say() -> None:
    assert predicate("created_in_last", "2") == Range("created_at", NOW - 2 * DAY, NOW)
    assert predicate("inactive_in_last", "2") == Not(Range("last_request_at", NOW - 2 * DAY, NOW))
    assert predicate("is_hidden", "1") == Member("hidden", (0,))
    assert predicate("is_hidden", "false") == Not(Member("hidden", (0,)))
    assert predicate("has_tag_id", "1, vip,1") == Member("tag.has", (1, "vip"))
    assert predicate("has_all_tag_id", "1,2") == All((Member("tag.has", (1,)), Member("tag.has", (2,))))
    assert predicate("has_no_tag_id", "1,2") == Not(Member("tag.has", (1, 2)))
    assert predicate("net_revenue_equal_to", "-1.5") == Range("net_revenue", -150, -150)
    assert predicate("net_revenue_greater_than", "1.50") == Range("net_revenue", 151, None)
    assert predicate("net_revenue_less_than", "0") == Range("net_revenue", None, -1)
    assert predicate("used_coupon_code", "SUMMER") == Member("coupon.used", ("summer",))
    assert predicate("external_user_id", "Ab 1") == Identified("customer_id", "Ab 1")
    uuid = "06743da2-9589-4c01-afda-e3d85e487fa7"
    assert predicate("uuid", uuid.upper().replace("-", "")) == Identified("uuid", uuid)
    assert predicate("has_product_id", "00123,123") == Member("product.owned", ("00123", 123))
    assert predicate("has_tag_id", "Cafe\u0301") == Member("tag.has", ("Caf\u00e9",))
    assert predicate("email", "Anna a@Example.com") == HasAddress("anna+a@example.com")
    assert predicate("email_contains", "xn--bcher-kva") == Contains("email", "b\u00fccher")
    address = Any((Contains("email", "jo@b.example"), SimilarAddress("jo", "b.example")))
    assert predicate("search", "Jo@B.example") == All((address,))
    assert predicate("search", " A  b a") == All(
        tuple(Any((Contains("name", word), Contains("email", word))) for word in "ab")
    )
    anna, smith = (
        (Contains("name", "anna"), Contains("email", "anna")),
        (Contains("name", "smi"), Contains("email", "smi")),
    )
    assert predicate("search", "Anna smi") == All((Any((*anna, Similar("anna"))), Any(smith)))
    assert predicate("search", "smi Anna") == All((Any(smith), Any((*anna, Similar("anna", is_prefix=True)))))
    whole = (Contains("name", "anna-smi"), Contains("email", "anna-smi"))
    parts = All((Any((*anna, Similar("anna"))), Any(smith)))
    assert predicate("search", "Anna-Smi") == All((Any((*whole, parts)),))
    assert predicate("search", "--") == All((Any((Contains("name", "--"), Contains("email", "--"))),))
    with pytest.raises(BadFilterValueError):
        predicate("search", "  ")


@pytest.mark.parametrize(
    "name", [each.name for each in FILTERS if each.name == "search" or each.name.endswith("_contains")]
)
@pytest.mark.parametrize("needle", [" ", "\u0301", "\u200b\u00a0", "\u2800"])
def test_a_needle_of_which_nothing_is_left_is_refused(name: str, needle: str) -> None:
    with pytest.raises(BadFilterValueError, match="visible"):
        predicate(name, needle)


def test_hidden_customers_are_left_out_unless_asked_about() -> None:
    model = Model()
    model.upsert(None, {}, {}, [("hidden", 0, True)])
    model.upsert(None, {}, {})
    index = loaded(model)
    assert list(evaluate(audience_of([], hidden_asked=False), index)) == [1]
    assert list(evaluate(audience_of([predicate("is_hidden", "true")], hidden_asked=True), index)) == [0]


def test_engagement_classes_part_the_subscribed_who_were_mailed() -> None:
    model = Model()
    ages = [0, 90, 91, 180, 181, 365, 366, None]
    for age in ages:
        at = None if age is None else NOW - age * DAY
        model.upsert(None, {"last_sent_at": 1, "last_clicked_at": at}, {}, [("subscribed", 0, True)])
    model.upsert(None, {"last_opened_at": NOW}, {}, [("subscribed", 0, True)])  # never mailed
    model.upsert(None, {"last_sent_at": 1, "last_opened_at": NOW}, {})  # not subscribed
    names = ["healthy", "passive", "unengaged", "inactive"]

    def found(name: str, engagement: Engagement) -> list[int]:
        question = parse(catalogue.BY_NAME[f"{name}_contacts_with_open_data"], "true", NOW, engagement)
        return model.answer(question, Sort(), 0, 99)[1]

    assert [found(name, Engagement()) for name in names] == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert [found(name, Engagement(0, 1, 2)) for name in names] == [[1], [], [], [2, 3, 4, 5, 6, 7, 8]]


def test_a_site_is_one_number() -> None:
    kind = catalogue.BY_NAME["site_id"].kind
    assert kind.read("12") == 12
    for raw in ("", "1,2", "main", "-1", "٣", "9" * 17):
        with pytest.raises(BadFilterValueError, match=r"^must be the number of one site$"):
            kind.read(raw)
