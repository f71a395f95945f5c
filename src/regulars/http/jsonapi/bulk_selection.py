"""What a bulk action is about: the customers, what is done to them, and what that would change."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Member, Predicate
from regulars.audience.filters.predicates import Not as NotPredicate
from regulars.audience.index import SiteIndex
from regulars.audience.matching_numbers import matching_numbers
from regulars.audience.questions.selecting import predicate_of
from regulars.audience.questions.text_form import print_question
from regulars.audience.questions.tree import AttributeCondition, Not
from regulars.domain.bulk_actions import ACTIONS, BY, OBJECTS, REPLACE, TIES, BulkAction, profile_of
from regulars.domain.existing_fields import EXISTING
from regulars.domain.faults import Fault, RefusedError
from regulars.domain.limits import Limits
from regulars.domain.references import parse_reference
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.asked_question import PARAMETERS, AskedQuestion
from regulars.http.jsonapi.bodies import refused
from regulars.http.jsonapi.expansion import Expansion
from regulars.http.jsonapi.places import customer_place
from regulars.http.keyring import Caller
from regulars.store.audience_reads import with_references
from regulars.store.reads import find_object

IDS: Final = "ids"
ACTION: Final = "action"
MOST_IDS: Final = 10_000
SAMPLE: Final = 5
"""Customers that a preview shows."""

_EVERYBODY: Final = AskedQuestion(studies.EVERYBODY)


class CustomerSelection(Struct, frozen=True):
    """Who is meant. question: None if they are named by number."""

    site: int
    question: AskedQuestion | None
    numbers: tuple[int, ...] = ()

    @property
    def text(self) -> str | None:
        """The question as text."""
        return None if self.question is None else print_question(self.question.node)


class Chosen(Struct, frozen=True):
    """The customers of a moment. changes: how many of them are not so yet; None where the index cannot tell.

    sample: some of those, or else of all.
    """

    numbers: NDArray[Any]
    changes: int | None
    sample: list[int]


def read_selection(body: Mapping[str, Any], caller: Caller) -> CustomerSelection:
    """Whom the body means. Raises Problem."""
    site = studies.site_of(body, caller)
    if IDS not in body:
        return CustomerSelection(site, studies.asked_of(body, caller.time_zone(site)))
    if given := [name for name in PARAMETERS if name in body]:
        raise refused([Fault(given[0], f"cannot be combined with {IDS}")])
    ids = body[IDS]
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_IDS:
        raise refused([Fault(IDS, f"must be a list of 1 to {MOST_IDS} ids of customers")])
    numbers, faults = [], []
    for place, each in enumerate(ids):
        try:
            where, number = customer_place(str(each) if isinstance(each, str | int) else "", caller)
        except Problem:
            where, number = 0, 0
        if where == site:
            numbers.append(number)
        else:
            faults.append(Fault(f"{IDS}.{place}", "must be the id of a customer of the site"))
    if faults:
        raise refused(faults[:MOST_FAULTS])
    return CustomerSelection(site, None, tuple(numbers))


MOST_FAULTS: Final = 20


async def read_action(call: Call, site: int, given: Any) -> BulkAction:
    """What the body wants done. Raises Problem."""
    if not isinstance(given, dict) or given.get("type") not in ACTIONS:
        raise refused([Fault(f"{ACTION}.type", f"must be one of {', '.join(ACTIONS)}")])
    name = given["type"]
    allowed = ("type", OBJECTS[name]) if name in OBJECTS else ("type", "attribute", "value", "existing")
    if name == REPLACE:
        allowed = (*allowed, BY)
    if unknown := sorted(given.keys() - set(allowed)):
        raise refused(
            Fault(f"{ACTION}.{each}", f"is no member of {name}; allowed: {', '.join(allowed)}") for each in unknown
        )
    limits = call.services.store.limits
    return await _of_object(call, site, name, given, limits) if name in OBJECTS else _of_attribute(given, limits)


async def _of_object(call: Call, site: int, name: Any, given: Mapping[str, Any], limits: Limits) -> BulkAction:
    found = await _object(call, site, OBJECTS[name], OBJECTS[name], given, limits)
    if name != REPLACE:
        return BulkAction(name, found)
    by = await _object(call, site, BY, OBJECTS[name], given, limits)
    if by == found:
        raise refused([Fault(f"{ACTION}.{BY}", "must be another tag")])
    return BulkAction(name, found, by)


async def _object(call: Call, site: int, member: str, noun: str, given: Mapping[str, Any], limits: Limits) -> int:
    """The number of the tag or list that a member names."""
    kind = "audience" if noun == "list" else noun
    try:
        reference = parse_reference(given.get(member), kind, longest=limits.object_key)
    except ValueError as error:
        raise refused([Fault(f"{ACTION}.{member}", str(error))]) from None
    async with call.services.store.snapshot() as connection:
        item = await find_object(connection, site, kind, reference)
        audiences = {} if item is None or kind != "audience" else await with_references(connection, site, [item.number])
    if item is None:
        raise refused([Fault(f"{ACTION}.{member}", f"must be the id or key of a {noun} that exists")])
    if kind == "audience" and all(each.definition.kind != "list" for each in audiences.values()):
        raise refused([Fault(f"{ACTION}.{member}", "must be a list; a question decides who is in this audience")])
    return item.number


def _of_attribute(given: Mapping[str, Any], limits: Limits) -> BulkAction:
    name, existing = given.get("attribute"), given.get("existing", EXISTING[0])
    faults = []
    if not isinstance(name, str) or not name:
        faults.append(Fault(f"{ACTION}.attribute", "must be the name of an attribute"))
    if "value" not in given:
        faults.append(Fault(f"{ACTION}.value", "is required; null takes the attribute away"))
    if existing not in EXISTING[:2]:
        faults.append(Fault(f"{ACTION}.existing", f"must be one of {', '.join(EXISTING[:2])}"))
    if faults:
        raise refused(faults)
    action = BulkAction("set_attribute", attribute=name, value=given["value"], existing=existing)
    try:
        profile_of(action, limits)
    except RefusedError as error:
        raise refused(Fault(f"{ACTION}.value", each.detail) for each in error.faults) from None
    return action


async def choose(call: Call, selection: CustomerSelection, action: BulkAction) -> Chosen:
    """The customers of this moment, and how many of them would change."""
    asked = selection.question or _EVERYBODY
    expansion = Expansion(selection.site, [asked])

    def sets(moment: Moment) -> list[Predicate]:
        already = _already(action, moment)
        whole = selection.question is None  # hidden customers too, if they are named
        chosen = studies.sets([], [studies.EVERYBODY], moment) if whole else studies.sets(expansion.nodes, [], moment)
        return [*chosen, *([] if already is None else [already])]

    def work(index: SiteIndex, found: Sequence[BitMap]) -> Chosen:
        chosen = found[0]
        if selection.question is None:
            named = np.asarray(sorted(set(selection.numbers)), dtype=np.uint32)
            chosen = chosen & BitMap(index.numbering.ordinals(named))
        rest = chosen - found[1] if len(found) > 1 else None
        sample = matching_numbers(index, [(rest or chosen)[:SAMPLE]]).tolist()
        return Chosen(matching_numbers(index, [chosen]), None if rest is None else len(rest), sample)

    found: Chosen = await studies.study(call, selection.site, asked, sets, work, prepare=expansion.prepare)
    if missing := len(set(selection.numbers)) - len(found.numbers) if selection.question is None else 0:
        raise refused([Fault(IDS, f"must be ids of customers; {missing} of them are not there")])
    return found


def _already(action: BulkAction, moment: Moment) -> Predicate | None:
    """Those to whom the action does nothing; None where a question cannot tell."""
    if action.object is not None:
        relation, holds = TIES[action.type]
        member = Member(relation, (action.object,))
        return member if holds else NotPredicate(member)
    assert action.attribute is not None
    value, path = action.value, (action.attribute,)
    is_set = AttributeCondition(path, "set")
    if action.existing == "fill":
        return predicate_of(is_set, moment)
    if value is None:
        return predicate_of(Not(is_set), moment)
    if isinstance(value, bool | int | float):
        return predicate_of(AttributeCondition(path, "eq", (value,)), moment)
    return None
