"""A plain model of a site's customers and a brute-force evaluator; shares no code with the index."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any as AnyValue

from regulars.audience.filters.predicates import (
    All,
    Any,
    Attribute,
    Contains,
    Followed,
    Happened,
    HasAddress,
    HasText,
    Identified,
    InBucket,
    Matches,
    Member,
    Not,
    Predicate,
    Range,
    Sampled,
    Similar,
    SimilarAddress,
    TiedSince,
)
from regulars.audience.filters.sorts import Sort
from regulars.audience.source import CustomerRow
from regulars.audience.structures.attribute_values import Comparison
from regulars.domain.changes import COLUMNS, NULL, TEXTS, Entry, Record
from regulars.domain.identity import address_key
from regulars.domain.relations import BY_NAME
from tests.search_keys import search_key_of


def folded(text: str) -> str:
    return search_key_of(text)


def words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text).split()


@cache
def distance(left: str, right: str) -> int:
    """Letters inserted, left out, replaced, or neighbours swapped; none is part of two of these."""
    if not left or not right:
        return len(left) + len(right)
    found = min(
        distance(left[:-1], right) + 1,
        distance(left, right[:-1]) + 1,
        distance(left[:-1], right[:-1]) + (left[-1] != right[-1]),
    )
    if len(left) > 1 and left[-2:] == right[-2:][::-1]:
        found = min(found, distance(left[:-2], right[:-2]) + 1)
    return found


def is_alike(wanted: str, word: str, *, is_prefix: bool = False) -> bool:
    errors = 0 if len(wanted) < 4 else 1 if len(wanted) < 8 else 2
    begun = [word[:length] for length in range(len(word) + 1)] if is_prefix else [word]
    return any(abs(len(each) - len(wanted)) <= errors and distance(wanted, each) <= errors for each in begun)


@dataclass
class Customer:
    number: int
    columns: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    ties: set[tuple[str, int]] = field(default_factory=set)
    attributes: str | None = None


class Model:
    """Customers by number, and the change records that made them."""

    def __init__(self) -> None:
        self.customers: dict[int, Customer] = {}
        self.last = 0

    def upsert(
        self,
        number: int | None,
        columns: dict[str, int | None],
        texts: dict[str, str | None],
        ties: Iterable[tuple[str, int, bool]] = (),
    ) -> Record:
        if number is None:
            self.last += 1
            number = self.last
        columns = {name: value for name, value in columns.items() if (name, value) != ("updated_at", None)}
        is_new = number not in self.customers
        customer = self.customers.setdefault(number, Customer(number))
        for name, value in columns.items():
            customer.columns.pop(name, None)
            if value is not None:
                customer.columns[name] = value
        if is_new and "updated_at" not in customer.columns and "created_at" in customer.columns:
            customer.columns["updated_at"] = customer.columns["created_at"]
        for name, text in texts.items():
            customer.texts.pop(name, None)
            if text is not None:
                customer.texts[name] = text
        tied = list(ties)
        for relation, target, holds in tied:
            (customer.ties.add if holds else customer.ties.discard)((relation, target))
        entry = Entry(
            number,
            columns=[(COLUMNS.index(name), NULL if value is None else value) for name, value in columns.items()],
            texts=[TEXTS.index(name) for name in texts],
            ties=[(BY_NAME[relation].code, target, holds) for relation, target, holds in tied],
        )
        return Record(1, [entry])

    def describe(self, number: int, attributes: dict[str, AnyValue] | None) -> Record:
        """Set the attributes of a customer, who may be new."""
        self.last = max(self.last, number)
        customer = self.customers.setdefault(number, Customer(number))
        customer.attributes = None if attributes is None else json.dumps(attributes)
        return Record(1, [Entry(number, attributes=True)])

    def delete(self, number: int) -> Record:
        del self.customers[number]
        return Record(1, [Entry(number, gone=True)])

    def clear(self, relation: str, target: int, at: int | None = None) -> Record:
        for customer in self.customers.values():
            if at is not None and BY_NAME[relation].is_shown and (relation, target) in customer.ties:
                customer.columns["updated_at"] = at
            customer.ties.discard((relation, target))
        return Record(1, cleared=[(BY_NAME[relation].code, target)], cleared_at=at)

    def row(self, number: int) -> CustomerRow:
        customer = self.customers[number]
        return CustomerRow(
            number,
            tuple(customer.columns.get(name, NULL) for name in COLUMNS),
            tuple(customer.texts.get(name) for name in TEXTS),
        )

    def texts(self, numbers: Iterable[int]) -> dict[int, tuple[str | None, ...]]:
        return {number: self.row(number).texts for number in numbers if number in self.customers}

    def ties(self) -> dict[tuple[int, int], list[int]]:
        found: dict[tuple[int, int], list[int]] = {}
        for number, customer in sorted(self.customers.items()):
            for relation, target in customer.ties:
                found.setdefault((BY_NAME[relation].code, target), []).append(number)
        return found

    def answer(self, predicate: Predicate, sort: Sort, skip: int, take: int) -> tuple[int, list[int]]:
        test = _test(predicate)
        matches = sorted(number for number, customer in self.customers.items() if test(customer))
        if sort.column == "id":
            matches.sort(reverse=sort.descending)
        else:
            keys = {number: _key(self.customers[number], sort.column) for number in matches}
            unset = [number for number in matches if keys[number] is None]
            matches = [number for number in matches if keys[number] is not None]
            # A stable descending sort keeps equal keys in ascending order of numbers.
            matches.sort(key=lambda number: keys[number], reverse=sort.descending)  # type: ignore[arg-type,return-value]
            matches += unset
        return len(matches), matches[skip : skip + take]


def _key(customer: Customer, column: str) -> int | tuple[str, str] | None:
    if column in TEXTS:
        text = customer.texts.get(column)
        return None if text is None else (folded(text), address_key(text) if column == "email" else text)
    return customer.columns.get(column)


def _value_at(attributes: str | None, path: tuple[str, ...]) -> object:
    value = json.loads(attributes or "{}")
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _passes(value: object, comparison: Comparison) -> bool:
    """Of the operators only those that no conversion of values is needed for; tests/question_truth.py has all."""
    match comparison.operator:
        case "set":
            return value is not None
        case "eq":
            return any(type(value) is type(each) and value == each for each in comparison.values)
        case "has_any":
            return isinstance(value, list) and any(each in value for each in comparison.values)
        case operator:
            raise AssertionError(f"this model draws no {operator}")


def drawn(number: int, seed: str) -> int:
    """The place of a customer in a sample, from 0 to 9,999: SplitMix64 of the number, started by the seed."""
    mask = 2**64 - 1
    start = int.from_bytes(hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest()[:8], "little")
    mixed = ((number + 1) * 0x9E3779B97F4A7C15 + start) & mask
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
    return (mixed ^ (mixed >> 31)) % 10_000


def _test(predicate: Predicate) -> Callable[[Customer], bool]:
    match predicate:
        case Member(relation, ids):
            return lambda c: any((relation, each) in c.ties for each in ids)
        case Range(column, low, high):
            return lambda c: (
                column in c.columns
                and ((low is None or low <= c.columns[column]) and (high is None or c.columns[column] <= high))
            )
        case Contains(name, text):
            return lambda c: name in c.texts and folded(text) in folded(c.texts[name])
        case Matches(name, how, text):
            checks: dict[str, Callable[[str, str], bool]] = {
                "equals": str.__eq__,
                "starts": str.startswith,
                "ends": str.endswith,
            }
            check = checks[how]
            return lambda c: name in c.texts and check(folded(c.texts[name]), folded(text))
        case HasText(name):
            return lambda c: name in c.texts
        case Attribute(path, comparison):
            return lambda c: _passes(_value_at(c.attributes, path), comparison)
        case InBucket(bucket):
            return lambda c: c.number % 100 + 1 == bucket  # as the fake source has it
        case Sampled(share, seed):
            return lambda c: drawn(c.number, seed) < share
        case HasAddress(key):
            return lambda c: "email" in c.texts and address_key(c.texts["email"]) == key
        case Similar(text, is_prefix):
            return lambda c: any(
                is_alike(folded(text), word, is_prefix=is_prefix)
                for name in ("name", "email")
                for word in words(folded(c.texts.get(name, "")))
            )
        case SimilarAddress(local, domain):
            return lambda c: (
                folded(c.texts.get("email", "")).rpartition("@")[1:] == ("@", folded(domain))
                and words(folded(local)) != []
                and all(
                    any(is_alike(wanted, word) for word in words(folded(c.texts["email"]).rpartition("@")[0]))
                    for wanted in words(folded(local))
                )
            )
        case Identified(_, _, number):
            return lambda c: c.number == number
        case Happened() | Followed() | TiedSince():
            raise TypeError("this model has no history: tests.activity_truth is the truth about times and events")
        case Not(part):
            test = _test(part)
            return lambda c: not test(c)
        case All(parts):
            tests = [_test(part) for part in parts]
            return lambda c: all(each(c) for each in tests)
        case Any(parts):
            tests = [_test(part) for part in parts]
            return lambda c: any(each(c) for each in tests)
