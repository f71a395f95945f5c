"""The forty questions as SQL, each in the way that turns out fastest, beside the answers of our own evaluation.

An engineer would try each of them in several ways, and so does this: the count and the page as two statements, as
one with a window function, and as one that keeps the matches (`MATERIALIZED`) for both; texts with and without their
trigrams. The last page is read backwards. Every way must give exactly our total and our page.
"""

import statistics
import time
from collections.abc import Iterator
from typing import Any, Final

import psycopg
from msgspec import Struct

from bench.questions import PAGE, Question
from bench.sql_site import FLAGS, table_of
from regulars.audience.filters.predicates import All, Contains, Member, Not, Predicate, Range, Similar
from regulars.audience.filters.predicates import Any as AnyOf
from regulars.domain.text import search_key as fold

_REPEATS: Final = 5
_PATIENCE: Final = 120_000
"""Milliseconds after which the first way of asking is given up."""

_WORSE: Final = 3
"""A way that takes so many times as long as the best one so far, and a second, is given up."""


class Answer(Struct):
    """What a question was answered, in ms; `way` tells how it was asked."""

    total: int
    page: list[int]
    took: float
    way: str


def ask(connection: "psycopg.Connection[Any]", question: Question, predicate: Predicate) -> Answer:
    """The answer of the fastest way, the median of several times; every way must answer alike."""
    tried: list[tuple[Answer, list[str]]] = []
    for way, statements in ways(question, predicate):
        best = min((each.took for each, _ in tried), default=_PATIENCE / _WORSE - 1_000)
        connection.execute(f"SET statement_timeout = {int(1_000 + _WORSE * best)}")
        try:
            cold = _timed(connection, question, way, statements)
            tried.append((min(cold, _timed(connection, question, way, statements), key=_took), statements))
        except psycopg.errors.QueryCanceled:
            continue
    answers = {(each.total, *each.page) for each, _ in tried}
    if len(answers) != 1:
        raise AssertionError(f"{question.text}: {len(answers)} different answers in SQL")
    fastest, statements = min(tried, key=lambda each: each[0].took)
    connection.execute("SET statement_timeout = 0")
    took = [_timed(connection, question, fastest.way, statements).took for _ in range(_REPEATS)]
    fastest.took = statistics.median(took)
    return fastest


def can_ask(predicate: Predicate) -> bool:
    """Whether there is a way: SQL has no words alike but for typing errors without an extension."""
    match predicate:
        case Similar():
            return False
        case All(parts) | AnyOf(parts):
            return all(map(can_ask, parts))
        case Not(part):
            return can_ask(part)
        case _:
            return True


def _took(answer: Answer) -> float:
    return answer.took


def ways(question: Question, predicate: Predicate) -> Iterator[tuple[str, list[str]]]:
    """(name, statements) of each way to ask; of the last page they read 25 customers, of which those beyond it go."""
    plain = condition(predicate, grams=False)
    with_grams = condition(predicate, grams=True)
    for mark, where in (("", plain), (", trigrams", with_grams)):
        if mark and where == plain:
            continue
        matches = f"FROM customers AS c WHERE {where}"
        paged = f"{_order(question)} {_slice(question)}"
        yield f"two statements{mark}", [f"SELECT count(*) {matches}", f"SELECT c.id {matches} {paged}"]
        kept = f"WITH m AS MATERIALIZED (SELECT c.id, c.{_column(question)} {matches})"
        page = f"ARRAY(SELECT c.id FROM m AS c {paged})"
        yield f"materialized{mark}", [f"{kept} SELECT (SELECT count(*) FROM m), {page}"]
        if question.page == 1:
            yield f"window{mark}", [f"SELECT c.id, count(*) OVER () {matches} {paged}"]


def _column(question: Question) -> str:
    return question.order.column


def _order(question: Question) -> str:
    column, down = question.order.column, question.order.descending
    if not question.page:  # backwards
        return f"ORDER BY c.{column} {'ASC NULLS FIRST' if down else 'DESC'}, c.id DESC"
    return f"ORDER BY c.{column} {'DESC' if down else 'ASC'} {_NULLS.get((column, down), '')}, c.id"


_NULLS: Final = {("last_request_at", True): "NULLS LAST", ("name", True): "NULLS LAST"}
"""Where the order says so; the other columns are never unset, and NULLS LAST is how it is when ascending."""


def _slice(question: Question) -> str:
    return f"LIMIT {PAGE} OFFSET {question.skip(0)}"


def _timed(connection: "psycopg.Connection[Any]", question: Question, way: str, statements: list[str]) -> Answer:
    start = time.perf_counter()
    results = [connection.execute(each, prepare=True).fetchall() for each in statements]
    took = (time.perf_counter() - start) * 1000
    if way.startswith("two"):
        total, page = results[0][0][0], [row[0] for row in results[1]]
    elif way.startswith("window"):
        total = results[0][0][1] if results[0] else 0
        page = [row[0] for row in results[0]]
    else:
        total, page = results[0][0]
    if not question.page:
        page = page[: (total - 1) % PAGE + 1][::-1] if total else []
    return Answer(total, page, took, way)


def condition(predicate: Predicate, *, grams: bool) -> str:
    """What stands behind WHERE."""
    match predicate:
        case Member():
            return _tied(predicate)
        case Range():
            return " AND ".join(_bounds(predicate))
        case Contains(field, text):
            return _contains(field, text, grams=grams)
        case All(parts):
            return " AND ".join(_inside(part, grams=grams) for part in parts) or "true"
        case AnyOf(parts):
            return " OR ".join(_inside(part, grams=grams) for part in parts) or "false"
        case Not(part):
            return _not(part, grams=grams)
        case _:
            raise ValueError(f"{predicate} is not among the questions")


def _inside(predicate: Predicate, *, grams: bool) -> str:
    return f"({condition(predicate, grams=grams)})"


def _not(part: Predicate, *, grams: bool) -> str:
    match part:
        case Member():
            return f"NOT {_tied(part)}"
        case Range(column, None, None):
            return f"c.{column} IS NULL"
        case Range(column, low, high):
            outside = [f"c.{column} < {low}"] if low is not None else []
            outside += [f"c.{column} > {high}"] if high is not None and low is None else []
            return " OR ".join([*outside, f"c.{column} IS NULL"])
        case AnyOf(parts):
            return condition(All(tuple(Not(each) for each in parts)), grams=grams)
        case _:
            raise ValueError(f"not {part} is not among the questions")


def _bounds(part: Range) -> list[str]:
    """A window ends now, and nothing is of later than now: only its start is asked."""
    if part.low is None and part.high is None:
        return [f"c.{part.column} IS NOT NULL"]
    if part.low == part.high:
        return [f"c.{part.column} = {part.low}"]
    if part.low is not None:
        return [f"c.{part.column} >= {part.low}"]
    return [f"c.{part.column} <= {part.high}"]


def _tied(member: Member) -> str:
    if member.relation in FLAGS:
        return f"c.{member.relation}"
    table = table_of(member.relation)
    if any(isinstance(each, str) for each in member.ids):
        codes = ", ".join(f"'{each}'" for each in member.ids)
        joined = f"{table} AS t JOIN coupons AS o ON o.id = t.object"
        return f"EXISTS (SELECT FROM {joined} WHERE o.code IN ({codes}) AND t.customer = c.id)"
    ids = ", ".join(map(str, member.ids))
    return f"EXISTS (SELECT FROM {table} AS t WHERE t.object IN ({ids}) AND t.customer = c.id)"


def _contains(field: str, text: str, *, grams: bool) -> str:
    folded = fold(text)
    like = f"c.{field} LIKE '%{folded}%'"
    if not grams or len(folded) < 3:
        return like
    pieces = ", ".join(f"'{folded[at : at + 3]}'" for at in range(len(folded) - 2))
    return f"grams(c.{field}) @> ARRAY[{pieces}] AND {like}"
