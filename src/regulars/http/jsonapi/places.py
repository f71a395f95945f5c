"""The site and the customer of a call. What belongs to another account is treated as nonexistent."""

from collections.abc import Sequence
from typing import Final

from regulars.audience.filters.values import SITE, BadFilterValueError
from regulars.domain.identity import NUMBER_LIMIT, split_number
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.keyring import Caller
from regulars.store.engine import Connection
from regulars.store.merges import group_of
from regulars.store.query import read
from regulars.store.reads import CustomerLine, lines_by_number, number_after_merges

SITE_ID: Final = "site_id"
_PARAMETER: Final = f"filter[{SITE_ID}]"


def asked_site(filters: Sequence[tuple[str, str]], caller: Caller) -> int | None:
    """The site that the filters name, or the one that the key was made for; None if the account has none such.

    Raises ParameterProblem for a malformed number.
    """
    try:
        asked = {SITE.read(value) for name, value in filters if name == SITE_ID}
    except BadFilterValueError as error:
        raise ParameterProblem(_PARAMETER, f"{_PARAMETER} {error}.") from None
    if not asked:
        return caller.site
    return asked.pop() if len(asked) == 1 and asked.issubset(caller.sites) else None


def customer_place(text: str, caller: Caller, noun: str = "customer") -> tuple[int, int]:
    """The site of the account and the number within it that a customer's id names. Raises Problem."""
    known = whole_number(text, longest=16)
    if known is not None and known < NUMBER_LIMIT:
        site, number = split_number(known)
        if site in caller.sites:
            return site, number
    raise unknown_customer(noun)


async def find_customer(connection: Connection, site: int, number: int) -> tuple[CustomerLine, list[int]]:
    """The customer that a number stands for, and the numbers under which its rows are kept. Raises Problem."""
    found = await read(connection, lines_by_number(site, [number]))
    if not found and (whole := await number_after_merges(connection, site, number)) is not None:
        found = await read(connection, lines_by_number(site, [whole]))
    if not found:
        raise unknown_customer()
    return found[0], await group_of(connection, site, found[0].number)


async def merged_into(call: Call, site: int, number: int) -> int | None:
    """The customer that one was merged into, None if it was not. To be asked where a customer was not found."""
    async with call.services.store.snapshot() as connection:
        whole = await number_after_merges(connection, site, number)
    return None if whole == number else whole


def unknown_customer(noun: str = "customer") -> Problem:
    """The error for a customer that does not exist or is another account's. `noun`: what the call names customers."""
    return Problem("customer_not_found", f"No {noun} has this id.")
