# ruff: noqa: E501 -- tables
"""Both forms say the same: what is written is read back, and what is wrong is told with its place."""

from typing import Any

import pytest
from hypothesis import given

from regulars.audience.questions.catalogue import BY_LEAD, BY_NAME, SUBJECTS
from regulars.audience.questions.faults import CODES, BadQuestionError
from regulars.audience.questions.json_form import read_question, write_question
from regulars.audience.questions.selecting import mentions_hidden, phrase_of, shape_of
from regulars.audience.questions.text_form import parse_question, print_question
from regulars.audience.questions.tree import All, Node, conditions

from .strategies import questions, trees


@given(trees)
def test_what_is_printed_is_read_back(node: Node) -> None:
    assert parse_question(print_question(node)) == node


@given(trees)
def test_what_is_written_is_read_back(node: Node) -> None:
    assert read_question(write_question(node)) == node


@given(questions)
def test_the_canonical_form_is_a_fixed_point(question: dict[str, Any]) -> None:
    canonical = write_question(read_question(question))
    assert write_question(read_question(canonical)) == canonical


@given(trees)
def test_every_question_can_be_said_in_words(node: Node) -> None:
    assert phrase_of(node).strip()
    assert not any(text in shape_of(node) for text in ("vip", "anna", "Ünal"))


@pytest.mark.parametrize("row", SUBJECTS, ids=lambda row: row.name)
def test_the_examples_of_a_subject_are_the_same_question(row: Any) -> None:
    as_json, as_text = row.example
    assert read_question(as_json) == parse_question(as_text)
    assert write_question(parse_question(as_text)).keys() >= {row.name}
    assert isinstance(read_question(as_json), row.node)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("", {"all": []}),
        ("anna smith", {"search": "anna smith"}),
        ("anna tag:vip", {"all": [{"search": "anna"}, {"has": "tag", "any_of": ["vip"]}]}),
        ("NOT tag:vip AND tag:x OR tag:y", {"any": [{"all": [{"not": {"has": "tag", "any_of": ["vip"]}}, {"has": "tag", "any_of": ["x"]}]}, {"has": "tag", "any_of": ["y"]}]}),
        ("tag:a tag:b or tag:c", {"any": [{"all": [{"has": "tag", "any_of": ["a"]}, {"has": "tag", "any_of": ["b"]}]}, {"has": "tag", "any_of": ["c"]}]}),
        ("tag:vip and (revenue >= 5 or city = Berlin)", {"all": [{"has": "tag", "any_of": ["vip"]}, {"any": [{"field": "net_revenue", "gte": "5.00"}, {"field": "address_city", "eq": "Berlin"}]}]}),
        ("opened in last 30D", {"mail": "opened", "when": {"last": "30d"}}),
        ("clicked:(broadcast/8, broadcast/spring)", {"mail": "clicked", "broadcast": [8, "spring"]}),
        ("did purchase", {"did": "purchase"}),
        ("did Purchase = 0 in last 90d", {"did": "Purchase", "times": {"eq": 0}, "when": {"last": "90d"}}),
        ("sum(purchase.revenue) > 500 this year", {"did": "purchase", "sum": {"property": "revenue", "gt": "500.00"}, "when": {"this": "year"}}),
        ("avg(rated.stars) between 3 and 4.5", {"did": "rated", "avg": {"property": "stars", "between": [3, 4.5]}}),
        ("last(visit) to 30d ago", {"did": "visit", "last": {"when": {"ago": [None, "30d"]}}}),
        ("first(visit) in last 30d where page = a among this year", {"did": "visit", "first": {"when": {"last": "30d"}}, "where": [{"property": "page", "eq": "a"}], "when": {"this": "year"}}),
        ("opened:template/welcome >= 2 in previous week", {"mail": "opened", "template": ["welcome"], "times": {"gte": 2}, "when": {"previous": "week"}}),
        ("clicked url \"https://a.example\"", {"mail": "clicked", "url": "https://a.example"}),
        ("steps(did view, absent opened, did purchase) within 7d tag:vip", {"all": [{"sequence": [{"did": "view"}, {"mail": "opened", "absent": True}, {"did": "purchase"}], "within": "7d"}, {"has": "tag", "any_of": ["vip"]}]}),
        ("sum of parts", {"search": "sum of parts"}),
        ("last first", {"search": "last first"}),
        ("has phone", {"field": "phone_number", "set": True}),
        ("created from 2026-01-01 to 2026-02-01", {"field": "created_at", "when": {"from": "2026-01-01", "to": "2026-02-01"}}),
        ("joined from 60d ago to 30d ago", {"field": "joined_at", "when": {"ago": ["60d", "30d"]}}),
        ("revenue between 5 and 10 and is:subscribed", {"all": [{"field": "net_revenue", "between": ["5.00", "10.00"]}, {"is": "subscribed"}]}),
        ("everybody", {"all": []}),
        ("not nobody", {"not": {"any": []}}),
        ("sample 10", {"sample": {"percent": 10}}),
        ("tag in love", None),
        ('"tag:vip"', {"search": "tag:vip"}),
    ],
)  # fmt: skip
def test_what_people_type(text: str, question: dict[str, Any] | None) -> None:
    if question is None:
        parse_question(text)
    else:
        assert write_question(parse_question(text)) == question


@pytest.mark.parametrize(
    ("text", "offset", "code", "said"),
    [
        ("tagg:vip", 0, "unknown_subject", "Did you mean tag?"),
        ("is subscribd", 3, "unknown_name", "subscribed"),
        ("(tag:vip", 8, "invalid_question", "Expected: )"),
        ("tag:", 4, "invalid_question", "a value"),
        ("tag:vip and", 11, "invalid_question", "a condition"),
        ("or tag:vip", 0, "invalid_question", "a condition"),
        ("tag:vip)", 7, "invalid_question", "the end of the question"),
        ('name = "x', 7, "invalid_question", "not closed"),
        ("created > 2026-02-30", 10, "invalid_value", "a date that exists"),
        ("created = soon", 10, "invalid_value", "a date such as"),
        ("revenue > much", 10, "invalid_value", "an amount"),
        ("revenue:5 starts", None, "", ""),
        ("revenue starts 5", 8, "unknown_operator", "between"),
        ("did purchase >= x", 16, "invalid_value", "a whole number"),
        ("did purchase > 3 < 2", 13, "invalid_value", "possible"),
        ("did purchase != 3", 13, "invalid_question", "Expected"),
        ("did purchase where revenue starts 5", 27, "unknown_operator", "between"),
        ("did purchase where revenue >= much", 27, "invalid_value", "an amount"),
        ("sum(purchase) > 3", 4, "invalid_value", "1 to 1024"),
        ("sum(rated.stars) > many", 17, "invalid_value", "a number"),
        ("sum(rated.stars) = x", 4, "invalid_value", "a number"),
        ("opened:template/5:template/6", 18, "invalid_value", "in lists of their own"),
        ("opened url x", 7, "invalid_value", "clicked only"),
        ("steps(absent did view, did purchase)", 5, "invalid_value", "cannot be absent"),
        ("steps(did view)", 5, "invalid_value", "2 to 5"),
        ("steps(did view, did purchase >= 2)", 16, "invalid_value", "how often"),
        (" or ".join(["did purchase"] * 21), 0, "question_too_large", "at most 20"),
        ("opened:8", 7, "invalid_value", "broadcast/8"),
        ("is hidden in last 3d", 10, "invalid_value", "not known"),
        ("sample 0", 7, "invalid_value", "0.01 to 100"),
        ("filter.no_such = 1", 0, "unknown_name", "filter"),
        ("created in last 30x", 16, "invalid_value", "12h, 30d or 4w"),
        ("created from 2026-01-01 to 3d ago", 33, "invalid_question", "both ends"),
        ("x" * 4097, 4096, "question_too_large", "4096"),
        (" or ".join(["tag:a"] * 201), 0, "question_too_large", "200"),
        ("(" * 17 + "tag:a" + ")" * 17, 16, "question_too_large", "16 levels"),
        ("not " * 5_000, 4096, "question_too_large", "4096"),
    ],
)
def test_what_is_wrong_in_a_text(text: str, offset: int | None, code: str, said: str) -> None:
    if not code:
        parse_question(text)
        return
    with pytest.raises(BadQuestionError) as refused:
        parse_question(text)
    (fault,) = refused.value.faults
    assert (fault.offset, fault.code) == (offset, code)
    assert said in fault.detail
    assert fault.code in CODES


NESTED: Any = {"has": "tag", "any_of": [1]}
for _ in range(17):
    NESTED = {"not": NESTED}


@pytest.mark.parametrize(
    ("question", "pointer", "code", "said"),
    [
        ([], "/question", "invalid_question", "object"),
        ({}, "/question", "unknown_subject", "must have a subject"),
        ({"tags": [1]}, "/question/tags", "unknown_subject", "Allowed: all, any, not"),
        ({"is": "subscribed", "has": "tag"}, "/question", "invalid_question", "has 2: is, has"),
        ({"all": {}}, "/question/all", "invalid_question", "list"),
        ({"all": [{"field": "net_revenue", "gtt": 5}]}, "/question/all/0/gtt", "unknown_operator", "gt"),
        ({"field": "nam", "eq": "x"}, "/question/field", "unknown_name", "Allowed: name"),
        ({"field": "name", "eq": ""}, "/question/eq", "invalid_value", "1 to 1024"),
        ({"field": "name", "eq": "x", "ne": "y"}, "/question/ne", "invalid_question", "Only one"),
        ({"field": "name"}, "/question", "invalid_question", "operator is required"),
        ({"field": "created_at", "when": {"last": "30"}}, "/question/when", "invalid_value", "30d"),
        ({"field": "created_at", "when": {"lst": "30d"}}, "/question/when", "invalid_value", "last"),
        ({"field": "created_at", "when": {"ago": ["3d", "9d"]}}, "/question/when", "invalid_value", "longer"),
        ({"field": "created_at", "when": {"this": "fortnight"}}, "/question/when", "invalid_value", "quarter"),
        ({"has": "tag", "any_of": []}, "/question/any_of", "invalid_value", "1 to 1000"),
        ({"has": "tag", "any_of": [True]}, "/question/any_of", "invalid_value", "tag's number or key"),
        ({"has": "tag", "any_of": list(range(1, 1002))}, "/question/any_of", "invalid_value", "1 to 1000"),
        ({"has": "tag", "any_of": [1], "passed": True}, "/question/passed", "invalid_value", "assessment"),
        ({"mail": "opened", "url": "x"}, "/question/url", "invalid_value", "clicked only"),
        ({"mail": "opened", "tmes": 3}, "/question/tmes", "unknown_operator", "times"),
        ({"did": "a b"}, "/question/did", "invalid_value", "white space"),
        ({"did": "purchase", "times": {"ne": 3}}, "/question/times", "invalid_value", "comparisons"),
        ({"did": "purchase", "times": True}, "/question/times", "invalid_value", "whole numbers"),
        ({"did": "purchase", "times": 3, "first": {"last": "3d"}}, "/question/first", "invalid_question", "Only one"),
        ({"did": "purchase", "sum": 5}, "/question/sum", "invalid_value", "property"),
        ({"did": "purchase", "sum": {"property": "revenue", "gtt": 5}}, "/question/sum/gtt", "unknown_operator", "gt"),
        ({"did": "rated", "avg": {"property": "stars", "gt": "x"}}, "/question/avg/gt", "invalid_value", "a number"),
        (
            {"did": "purchase", "where": [{"property": "revenue", "gt": "x"}]},
            "/question/where/0/gt",
            "invalid_value",
            "an amount",
        ),
        (
            {"did": "purchase", "where": [{"property": "sku", "is": "x"}]},
            "/question/where/0/is",
            "unknown_operator",
            "eq",
        ),
        ({"did": "purchase", "where": [{"field": "sku"}]}, "/question/where/0", "invalid_question", "property"),
        ({"did": "purchase", "last": {"lst": "3d"}}, "/question/last", "invalid_value", "30d"),
        ({"sequence": [{"did": "view"}]}, "/question/sequence", "invalid_value", "2 to 5"),
        ({"sequence": [{"did": "view"}, {"is": "hidden"}]}, "/question/sequence/1", "invalid_question", "did or mail"),
        (
            {"sequence": [{"did": "view"}, {"did": "buy", "times": 2}]},
            "/question/sequence/1/times",
            "unknown_operator",
            "absent",
        ),
        (
            {"sequence": [{"did": "a", "absent": True}, {"did": "b"}]},
            "/question/sequence/0/absent",
            "invalid_value",
            "first",
        ),
        ({"sequence": [{"did": "a"}, {"did": "b"}], "within": "0d"}, "/question/within", "invalid_value", "longer"),
        ({"all": [{"did": "a"}] * 21}, "/question", "question_too_large", "at most 20"),
        ({"filter": "site_id", "value": 1}, "/question/filter", "unknown_name", "no filter"),
        ({"filter": "subscribed", "value": "maybe"}, "/question/value", "invalid_value", "true, 1, false or 0"),
        ({"not": [{"is": "subscribed"}]}, "/question/not", "invalid_question", "object"),
        ({"sample": {"percent": 0}}, "/question/sample", "invalid_value", "0.01"),
        ({"any": [{"is": "subscribed"}] * 201}, "/question/any", "question_too_large", "200"),
        (NESTED, "/question" + "/not" * 16, "question_too_large", "16 levels"),
    ],
)
def test_what_is_wrong_in_json(question: Any, pointer: str, code: str, said: str) -> None:
    with pytest.raises(BadQuestionError) as refused:
        read_question(question)
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.code) == (pointer, code)
    assert said in fault.detail


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BadQuestionError) as refused:
        read_question({"all": [{"is": "x"}, {"not": {"field": "name", "gt": 1}}, {"hass": "tag"}]})
    assert [(fault.pointer, fault.did_you_mean) for fault in refused.value.faults] == [
        ("/question/all/0/is", None),
        ("/question/all/1/not/gt", None),
        ("/question/all/2/hass", "has"),
    ]


def test_no_leading_word_belongs_to_two_subjects() -> None:
    leads = [lead for row in SUBJECTS for lead in row.leads]
    assert len(leads) == len(set(leads)) == len(BY_LEAD)
    assert len(BY_NAME) == len(SUBJECTS)


def test_everybody_has_no_conditions() -> None:
    assert list(conditions(All())) == []


def test_hidden_customers_are_asked_about_only_where_a_question_mentions_them() -> None:
    asked = ["is hidden", "not (tag:vip and not is hidden)", "filter.is_hidden = false"]
    assert all(mentions_hidden(parse_question(text)) for text in asked)
    assert not mentions_hidden(parse_question("is subscribed and hidden"))
