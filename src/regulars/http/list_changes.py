"""Changes of who is in a list: many customers at once, in bounded chunks, with a result for each."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from regulars.audience.filters.predicates import Member
from regulars.audience.page_slice import PageSlice
from regulars.domain.audiences import MEMBER
from regulars.domain.commands import ChangeListMember, SetChange
from regulars.domain.identity import Who
from regulars.domain.outcome import Outcome
from regulars.http.call import Call

CHUNK: Final = 500
"""Rows that are submitted at once; other writes get their turn between two chunks."""

RESULTS: Final = ("added", "removed", "unchanged", "failed")


class RowResult(Struct, frozen=True):
    """What became of one row. number: the customer's, None if the row failed. detail: why it failed."""

    result: str
    number: int | None = None
    detail: str | None = None


async def change_members(
    call: Call, site: int, audience: int, named: Sequence[Who | str], change: SetChange
) -> list[RowResult]:
    """Change who is in a list; one result for each row, then one for each customer that a replacement removed.

    Rows are written in chunks, each in transactions of its own. Raises RefusedError if the audience is no list.
    """
    results: list[RowResult] = []
    before = await numbers_in(call, site, audience) if change == "replace" else []
    for start in range(0, len(named), CHUNK):
        results += await _chunk(call, site, audience, named[start : start + CHUNK], is_member=change != "remove")
    kept = {each.number for each in results}
    gone = [Who(number=number) for number in before if number not in kept]
    for start in range(0, len(gone), CHUNK):
        results += await _chunk(call, site, audience, gone[start : start + CHUNK], is_member=False)
    return results


async def _chunk(
    call: Call, site: int, audience: int, named: Sequence[Who | str], *, is_member: bool
) -> list[RowResult]:
    commands = [ChangeListMember(who, audience, is_member) for who in named if isinstance(who, Who)]
    outcomes = iter(await call.submit_all(site, commands))
    return [
        RowResult("failed", detail=who) if isinstance(who, str) else _result(next(outcomes), is_member=is_member)
        for who in named
    ]


def _result(outcome: Outcome, *, is_member: bool) -> RowResult:
    refusal = outcome.refusal
    if refusal is not None:
        if refusal.code in ("not_a_list", "object_not_found"):  # no row can succeed
            raise refusal
        return RowResult("failed", detail=refusal.sentence)
    assert outcome.person is not None
    changed = "added" if is_member else "removed"
    number = outcome.person.customer.number
    return RowResult(changed if outcome.verdict == "updated" else "unchanged", number)


async def count_in(call: Call, site: int, audience: int) -> int:
    """How many customers are in a list, with hidden ones."""
    async with call.services.audience.ask(site, Member(MEMBER, (audience,)), page_slice=PageSlice(0, 0)) as answer:
        return answer.total


async def numbers_in(call: Call, site: int, audience: int) -> list[int]:
    """The customers who are in a list, by number, with hidden ones."""
    everybody = PageSlice(0, 2**31)
    async with call.services.audience.ask(site, Member(MEMBER, (audience,)), page_slice=everybody) as answer:
        return list(answer.numbers)
