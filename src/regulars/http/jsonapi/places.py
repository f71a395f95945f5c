"""The site and the customer of a call. What belongs to another account is treated as nonexistent."""

from collections.abc import Sequence
from typing import Final

from regulars.audience.filters.values import SITE, BadFilterValueError
from regulars.domain.identity import NUMBER_LIMIT, split_number
from regulars.domain.text import whole_number
from regulars.http.errors import Problem
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.keyring import Caller

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


def unknown_customer(noun: str = "customer") -> Problem:
    """The error for a customer that does not exist or is another account's. `noun`: what the call names customers."""
    return Problem("customer_not_found", f"No {noun} has this id.")
