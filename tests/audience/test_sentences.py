import pytest

from regulars.audience.filters.catalogue import FILTERS, Engagement, Filter
from regulars.audience.filters.sorts import SORTS, Sort
from regulars.audience.filters.values import BadFilterValueError
from regulars.audience.sentences import describe

NEWEST = Sort("created_at", descending=True)


def told(*filters: tuple[str, str]) -> str:
    sentence = describe(filters, site=1, sort=NEWEST)
    assert sentence.startswith("customers of site 1 who ")
    assert sentence.endswith(", newest first")
    return sentence.removeprefix("customers of site 1 who ").removesuffix(", newest first")


def test_every_filter_has_a_phrase_and_no_other() -> None:
    assert [each.name for each in FILTERS if each.phrase] == [each.name for each in FILTERS if each.predicate]


def test_every_order_has_words() -> None:
    words = [Sort(column, descending).words for column in SORTS for descending in (False, True)]
    assert len(set(words)) == len(words) == 2 * len(SORTS)


@pytest.mark.parametrize("named", [each for each in FILTERS if each.predicate], ids=lambda each: each.name)
def test_every_filter_can_be_said(named: Filter) -> None:
    phrase, sentence = named.phrase, told((named.name, named.shown_example))
    assert phrase is not None
    assert "{" not in sentence
    assert "  " not in sentence
    assert bool(phrase.noun) == (named.kind.name == "id")
    assert bool(phrase.denies) == (named.kind.name == "flag")
    if named.kind.name == "flag":
        assert told((named.name, "0")) == told((named.name, "false")) != sentence
    else:
        assert "{}" in phrase.says


def test_different_filters_say_different_things() -> None:
    said = [told((each.name, each.kind.example)) for each in FILTERS if each.predicate]
    doubled = {each for each in said if said.count(each) > 1}
    assert doubled == {"were not sent any of the broadcasts 7 and “spring-sale”"}  # the vendor has it in two spellings


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (
            [("sent_email_broadcast_id", "7"), ("no_opened_email_broadcast_id", "7")],
            "were sent broadcast 7 and did not open it",
        ),
        (
            [("sent_email_broadcast_id", "7"), ("no_opened_email_broadcast_id", "7"), ("has_tag_id", "vip")],
            "were sent broadcast 7, did not open it, and have tag “vip”",
        ),
        (
            [("opened_email_broadcast_id", "7,8"), ("no_clicked_email_broadcast_id", "7,8")],
            "opened any of the broadcasts 7 and 8 and did not click in any of them",
        ),
        ([("has_tag_id", "7"), ("has_product_id", "7")], "have tag 7 and own product 7"),
        ([("opened_email_broadcast_id", "7"), ("no_clicked_email_broadcast_id", "8")], None),
        (
            [("sent_email_broadcast_id", "7"), ("subscribed", "1"), ("no_opened_email_broadcast_id", "7")],
            "were sent broadcast 7, are subscribed to email marketing, and did not open broadcast 7",
        ),
        ([("has_all_tag_id", "1,2,vip")], "have all of the tags 1, 2, and “vip”"),
        ([("has_no_tag_id", "1")], "do not have tag 1"),
        (
            [("created_in_last", "1"), ("inactive_in_last", "30")],
            "were created within the last day and were not active within the last 30 days",
        ),
        ([("net_revenue_greater_than", "-0.5")], "have a net revenue of more than -0.50"),
        ([("net_revenue_less_than", "+1200")], "have a net revenue of less than 1200.00"),
        ([("search", "Anna  Smith")], "match the search “Anna  Smith”"),
        ([("name_contains", "{0} {healthy}")], "have “{0} {healthy}” in their name"),
        (
            [("subscribed", "0"), ("never_subscribed", "false")],
            "are not subscribed to email marketing and subscribed to email marketing at some time",
        ),
        (
            [("external_user_id", "Ab 1"), ("uuid", "06743DA295894C01AFDAE3D85E487FA7")],
            "have the external user id “Ab 1” and have the uuid 06743da2-9589-4c01-afda-e3d85e487fa7",
        ),
        ([("site_id", "1"), ("is_hidden", "true")], "are hidden"),
    ],
)
def test_sentences(filters: list[tuple[str, str]], words: str | None) -> None:
    assert told(*filters) == (words or "opened broadcast 7 and did not click in broadcast 8")


def test_orders_and_places() -> None:
    assert describe([], site=3, sort=Sort("net_revenue", descending=True)) == (
        "customers of site 3, highest net revenue first"
    )
    assert describe([], site=None, sort=Sort("name")) == "customers of no site, by name"


def test_the_settings_count() -> None:
    filters = [("passive_contacts_with_open_data", "1")]
    assert "60 to 120 days" in describe(filters, site=1, sort=NEWEST, engagement=Engagement(60, 120, 365))


def test_wrong_values_are_refused() -> None:
    with pytest.raises(BadFilterValueError):
        told(("created_in_last", "soon"))
