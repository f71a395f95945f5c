# ruff: noqa: E501 -- a table
"""Random questions as trees, and in JSON as callers write them."""

from hypothesis import strategies as st

from regulars.audience.questions.json_form import read_question
from regulars.audience.questions.tree import All, Any, Node, Not

PIECES = (
    "anna",
    "vip",
    "Ünal",
    "and",
    "not",
    "a b",
    '"',
    "\\",
    "in",
    "last",
    "(",
    ")",
    ":",
    "=",
    "<",
    "!",
    "7",
    "%",
    "é",
)
texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join)
ids = st.integers(1, 5) | st.sampled_from(["vip", "spring sale", "and", "none", "007", 'a"b', "ä:(=)"])
id_lists = st.lists(ids, min_size=1, max_size=3)
durations = st.builds(lambda n, unit: f"{n}{unit}", st.integers(0, 400), st.sampled_from("hdw"))
times = st.sampled_from(
    ["2026-01-01", "2024-02-29", "2026-03-01T12:30:00Z", "2026-03-01T12:30:00.250+02:00", "1970-01-01"]
)
windows = st.one_of(
    durations.map(lambda each: {"last": each}),
    durations.map(lambda each: {"next": each}),
    st.builds(lambda a, b: {"ago": [f"{a + b}d", f"{b}d"]}, st.integers(0, 99), st.integers(0, 99)),
    durations.map(lambda each: {"ago": [None, each]}),
    durations.map(lambda each: {"ago": [each, None]}),
    st.builds(lambda a, b: {"from": a, "to": b}, times, times),
    times.map(lambda each: {"from": each}),
    times.map(lambda each: {"to": each}),
    st.sampled_from(
        [{form: period} for form in ("this", "previous") for period in ("day", "week", "month", "quarter", "year")]
    ),
    st.integers(0, 30).map(lambda days: {"anniversary": {"next": f"{days}d"}}),
)
reaching = durations.map(lambda each: {"last": each}) | times.map(lambda each: {"from": each})
text_fields = st.sampled_from(["name", "email", "phone", "city", "address_line_1", "address_zip"])
time_fields = st.sampled_from(["created_at", "joined", "last_opened_at", "bounced_at", "last_request_at"])
money = st.sampled_from(["0", "19.90", "-5", "100.00"]) | st.integers(-3, 30)
comparisons = st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"])

attribute_names = st.sampled_from(["plan", "Score", "address.city", "renews", "colors", "vip", 'a "b" c'])
figures = st.sampled_from([0, 1, 7, -3, 2.5, 100])
scalars = st.sampled_from(["pro", "PRO", "007", "7", "2.5", "", "é", True, False, 0, 1, 7, 2.5, "2026-01-01"])

bounds = st.sampled_from(["0", "5", "19.90", "30"]) | st.integers(0, 30)
counts = st.one_of(
    st.integers(0, 3),
    st.builds(lambda how, n: {how: n}, st.sampled_from(["eq", "gt", "gte", "lte"]), st.integers(0, 3)),
    st.builds(lambda a, b: {"gte": a, "lte": a + b}, st.integers(0, 2), st.integers(0, 2)),
)
event_names = st.sampled_from(["purchase", "refund", "visit", "visit", "rated", "email_opened", "in", "odd:(name"])
properties = st.sampled_from(["revenue", "amount", "stars", "shop.city", 'a "b" c'])
orders = st.sampled_from(["eq", "gt", "gte", "lt", "lte"])
wheres = st.lists(
    st.one_of(
        st.builds(lambda how, each: {"property": "revenue", how: each}, orders | st.just("ne"), bounds),
        st.builds(lambda how, each: {"property": "stars", how: each}, orders | st.just("ne"), figures),
        st.builds(
            lambda how, each: {"property": "shop.city", how: each}, st.sampled_from(["eq", "ne", "has"]), scalars
        ),
        st.builds(lambda each: {"property": "shop.city", "contains": each}, texts),
        st.builds(lambda name, is_set: {"property": name, "set": is_set}, properties, st.booleans()),
    ),
    max_size=2,
)
did_parts = st.builds(
    lambda name, where, when: {"did": name} | ({"where": where} if where else {}) | when,
    event_names,
    wheres,
    windows.map(lambda each: {"when": each}) | st.just({}),
)
template_ids = st.lists(st.sampled_from([1, 2, "welcome"]), min_size=1, max_size=2, unique=True)
mail_parts = st.builds(
    lambda status, kind, which, when: {"mail": status} | ({kind: which} if kind else {}) | when,
    st.sampled_from(["sent", "opened", "clicked", "bounced", "unsubscribed"]),
    st.sampled_from(["", "broadcast", "template", "sequence"]),
    template_ids,
    windows.map(lambda each: {"when": each}) | st.just({}),
)
urls = st.sampled_from(["https://a.example/1", "HTTPS://A.example/1", 'x "y"'])
activity = st.one_of(
    st.builds(lambda part, times: part | {"times": times}, did_parts, counts),
    did_parts,
    st.builds(
        lambda part, how, name, operator, each: part | {how: {"property": name, operator: each}},
        did_parts, st.sampled_from(["sum", "avg", "min", "max"]), st.sampled_from(["revenue", "amount", "stars"]), orders, bounds,
    ),
    st.builds(
        lambda part, how, low, high: part | {how: {"property": "revenue", "between": [low, high]}},
        did_parts, st.sampled_from(["sum", "avg", "max"]), bounds, bounds,
    ),
    st.builds(lambda part, how, when: part | {how: {"when": when}}, did_parts, st.sampled_from(["first", "last"]), windows),
    mail_parts,
    st.builds(lambda part, times: part | {"times": times}, mail_parts, counts),
    urls.map(lambda each: {"mail": "clicked", "url": each}),
    st.builds(
        lambda first, steps, within: {"sequence": [first, *steps]} | within,
        did_parts | mail_parts,
        st.lists(st.builds(lambda part, absent: part | ({"absent": True} if absent else {}), did_parts | mail_parts, st.booleans()), min_size=1, max_size=3),
        st.sampled_from([{}, {"within": "1h"}, {"within": "1d"}, {"within": "12w"}]),
    ),
)  # fmt: skip
"""Conditions about events and emails."""

tied_since = st.builds(
    lambda kind, how, which, when: {"has": kind, how: which, "when": when},
    st.sampled_from(["tag", "offer", "product", "coupon", "newsletter_left", "list"]),
    st.sampled_from(["any_of", "all_of", "none_of"]),
    st.lists(st.sampled_from([1, 2, 3, "t", "save"]), min_size=1, max_size=3),
    windows,
)

conditions = activity | tied_since | st.one_of(
    st.sampled_from([{"is": state} for state in ("subscribed", "hidden", "forgotten", "never_subscribed", "healthy", "inactive", "spam_reported")]),
    windows.map(lambda each: {"is": "subscribed", "since": each}),
    st.builds(
        lambda kind, how, which: {"has": kind, how: which},
        st.sampled_from(["tag", "group", "offer", "coupon", "newsletter_left", "assessment", "list"]),
        st.sampled_from(["any_of", "all_of", "none_of"]),
        id_lists,
    ),
    st.builds(lambda noun, which: {"in": {noun: which}}, st.sampled_from(["audience", "list"]), ids),
    st.builds(lambda which, passed: {"has": "assessment", "any_of": which, "passed": passed}, id_lists, st.booleans()),
    st.builds(lambda name, how, text: {"field": name, how: text}, text_fields, st.sampled_from(["eq", "ne", "contains", "starts", "ends"]), texts.filter(str.strip)),
    st.builds(lambda name, each: {"field": name, "one_of": each}, text_fields, st.lists(texts.filter(str.strip), min_size=1, max_size=3)),
    st.builds(lambda how, each: {"field": "customer_id", how: each}, st.sampled_from(["eq", "ne"]), texts),
    st.builds(lambda how, each: {"field": "revenue", how: each}, comparisons, money),
    st.builds(lambda a, b: {"field": "net_revenue", "between": [a, b]}, money, money),
    st.builds(lambda name, how, each: {"field": name, how: each}, time_fields, comparisons, times),
    st.builds(lambda name, a, b: {"field": name, "between": [a, b]}, time_fields, times, times),
    st.builds(lambda name, when: {"field": name, "when": when}, time_fields, windows),
    st.builds(lambda name, is_set: {"field": name, "set": is_set}, text_fields | time_fields, st.booleans()),
    st.builds(lambda name, how, each: {"attribute": name, how: each}, attribute_names, st.sampled_from(["eq", "ne", "has"]), scalars),
    st.builds(lambda name, how, each: {"attribute": name, how: each}, attribute_names, st.sampled_from(["one_of", "has_any", "has_all"]), st.lists(scalars, min_size=1, max_size=3)),
    st.builds(lambda name, how, each: {"attribute": name, how: each}, attribute_names, st.sampled_from(["contains", "starts", "ends"]), texts),
    st.builds(lambda name, how, each: {"attribute": name, how: each}, attribute_names, st.sampled_from(["gt", "gte", "lt", "lte"]), figures | times),
    st.builds(lambda name, a, b: {"attribute": name, "between": [a, b]}, attribute_names, figures, figures),
    st.builds(lambda name, a, b: {"attribute": name, "between": [a, b]}, attribute_names, times, times),
    st.builds(lambda name, when: {"attribute": name, "when": when}, attribute_names, windows),
    st.builds(lambda name, is_set: {"attribute": name, "set": is_set}, attribute_names, st.booleans()),
    st.builds(lambda name, how, each: {"attribute": name, "count": {how: each}}, attribute_names, st.sampled_from(["eq", "gt", "gte", "lt", "lte"]), st.integers(0, 3)),
    st.builds(lambda status, which: {"mail": status, "broadcast": which}, st.sampled_from(["sent", "opened", "dropped"]), id_lists),
    st.sampled_from([{"mail": status} for status in ("sent", "delivered", "opened", "clicked", "bounced", "complained")]),
    st.builds(lambda status, when: {"mail": status, "when": when}, st.sampled_from(["sent", "opened"]), reaching),
    texts.filter(lambda text: bool(text.strip(' "\\():=<!%'))).map(lambda text: {"search": text}),
    st.builds(lambda bucket: {"sample": {"bucket": bucket}}, st.integers(1, 100)),
    st.builds(lambda percent, seed: {"sample": {"percent": percent, "seed": seed}}, st.sampled_from([0.01, 10, 33.3, 50, 100]), st.sampled_from(["", "a", 'x"'])),
    st.sampled_from([{"filter": "has_tag_id", "value": "vip,7"}, {"filter": "created_in_last", "value": 30}, {"filter": "subscribed", "value": True}, {"filter": "name_contains", "value": 'a "b"'}]),
)  # fmt: skip


def _groups(parts: st.SearchStrategy[dict[str, object]]) -> st.SearchStrategy[dict[str, object]]:
    several = st.lists(parts, max_size=3)
    return st.one_of(
        several.map(lambda each: {"all": each}),
        several.map(lambda each: {"any": each}),
        parts.map(lambda each: {"not": each}),
    )


questions: st.SearchStrategy[dict[str, object]] = st.recursive(conditions, _groups, max_leaves=8)
"""Questions in JSON, as callers may write them."""

trees: st.SearchStrategy[Node] = questions.map(read_question)


def depth(node: Node) -> int:
    """How deep a tree is."""
    match node:
        case All(parts) | Any(parts):
            return 1 + max(map(depth, parts), default=0)
        case Not(part):
            return 1 + depth(part)
        case _:
            return 1
