"""Random customers, questions and histories."""

from hypothesis import strategies as st

from regulars.audience.filters.predicates import (
    All,
    Any,
    Contains,
    HasAddress,
    HasText,
    Identified,
    Matches,
    Member,
    Not,
    Predicate,
    Range,
    Sampled,
    Similar,
    SimilarAddress,
)
from regulars.audience.filters.sorts import SORTS, Sort
from regulars.domain.changes import COLUMNS, TEXTS
from regulars.domain.identity import address_key
from regulars.domain.relations import RELATIONS

from .model import Model

PIECES = (
    *("anna", "ANNA", "maria", "mária", "ma\u0301ria", "smith", "Smyth", "x", "é", "e\u0301", "中文", "7"),
    *("ß", "ss", "ı", "I", "İ", "i", "😀", "👩\u200d👧", "%", "_", "*", ".", "-", "'"),
    *(" ", " ", "@", "@gmail.com", "@Example.org"),
)

texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join) | st.just("long " * 20 + "anna")
needles = st.lists(st.sampled_from(PIECES), min_size=1, max_size=2).map("".join) | st.sampled_from(
    ["a", "nn", "ann", "gmail", "@", "@gm", "a@g", "com", "mail.com", "xyz", "ng a", "\udcff", "\0", "ınna"]
)
columns = st.sampled_from(["created_at", "net_revenue", "last_request_at", "last_opened_at", "updated_at"])
numbers = st.integers(-3, 3) | st.sampled_from([-(2**63) + 1, 2**63 - 1, 10**15])
relations = st.sampled_from(["tag.has", "hidden", "broadcast.sent"])
fields = st.sampled_from(["name", "email", "address_city", "phone_number"])
sorts = st.builds(Sort, st.sampled_from([*SORTS]), st.booleans())

_leaves = st.one_of(
    st.builds(Member, relations, st.lists(st.integers(0, 3), max_size=2).map(tuple)),
    st.builds(Range, columns, st.none() | numbers, st.none() | numbers),
    st.builds(Contains, fields, needles),
    st.builds(HasAddress, (texts | needles).map(address_key)),
    st.builds(SimilarAddress, needles | texts, needles | st.just("gmail.com")),
    st.builds(Matches, fields, st.sampled_from(["equals", "starts", "ends"]), needles | texts),
    st.builds(HasText, fields),
    st.builds(Sampled, st.sampled_from([0, 1, 2_500, 5_000, 9_999, 10_000]), st.sampled_from(["", "a"])),
    st.builds(Similar, needles | texts, st.booleans()),
    st.builds(Identified, st.just("uuid"), st.just(""), st.none() | st.integers(0, 30)),
)


def _combined(parts: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
    several = st.lists(parts, max_size=3).map(tuple)
    return st.builds(All, several) | st.builds(Any, several) | st.builds(Not, parts)


predicates: st.SearchStrategy[Predicate] = st.recursive(_leaves, _combined, max_leaves=4)

assert {each.name for each in RELATIONS} >= {"tag.has", "hidden", "broadcast.sent"}
assert "created_at" in COLUMNS
assert "phone_number" in TEXTS

_upserts = st.tuples(
    st.just("upsert"),
    st.none() | st.integers(0, 30),
    st.dictionaries(columns, st.none() | numbers, max_size=3),
    st.dictionaries(fields, st.none() | texts, max_size=3),
    st.lists(st.tuples(relations, st.integers(0, 3), st.booleans()), max_size=3),
)
_others = st.one_of(
    st.tuples(st.just("delete"), st.integers(0, 30)),
    st.tuples(st.just("clear"), relations, st.integers(0, 3), st.none() | numbers, st.none() | st.integers(0, 30)),
)
steps = st.lists(st.one_of(_upserts, _upserts, _upserts, _upserts, _others), min_size=1, max_size=25)


def take(model: Model, step: tuple):  # type: ignore[type-arg,no-untyped-def]
    """Carry out one step on the model; the change record of it, None when it means nothing."""
    match step:
        case ("upsert", which, columns, texts, ties):
            known = sorted(model.customers)
            return model.upsert(
                known[which % len(known)] if known and which is not None else None, columns, texts, ties
            )
        case ("delete", which):
            known = sorted(model.customers)
            return model.delete(known[which % len(known)]) if known else None
        case ("clear", relation, target, at, again):
            record = model.clear(relation, target, at)
            if again is not None and model.customers:
                known = sorted(model.customers)
                columns = {} if at is None else {"updated_at": at}  # as the ledger notes with each new tie
                tied = model.upsert(known[again % len(known)], columns, {}, [(relation, target, True)])
                record.entries += tied.entries
            return record
