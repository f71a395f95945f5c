"""Duplicates: customers who may be the same person, why, and how likely it is. Nobody is merged by that alone."""

from collections.abc import Iterable
from heapq import nsmallest
from typing import Final

from msgspec import Struct

from regulars.domain.text import fold, search_key

SCORES: Final = {"phone": 80, "address": 90, "typo": 70, "name_and_city": 40}
"""The reasons for which two customers may be the same, each with a score of up to 100.

phone: the same phone number. address: the same address but for dots at Gmail, or what follows a plus sign. typo: the
same address but for a known error in the domain. name_and_city: the same full name in the same city. The position is
stored: append only.
"""

REASONS: Final[tuple[str, ...]] = tuple(SCORES)

MOST_ALIKE: Final = 10
"""A value that more customers have than this says nothing: it is that of an office, or a placeholder."""

_GMAIL: Final = frozenset({"gmail.com", "googlemail.com"})
_TYPOS: Final = {
    **dict.fromkeys(
        ("gmial.com", "gmai.com", "gmal.com", "gmail.co", "gmail.con", "gmail.cm", "gnail.com"), "gmail.com"
    ),
    **dict.fromkeys(("hotmial.com", "hotmal.com", "hotmai.com", "hotmail.co", "hotmail.con"), "hotmail.com"),
    **dict.fromkeys(("yaho.com", "yahooo.com", "yahoo.co", "yahoo.con", "yhoo.com"), "yahoo.com"),
    **dict.fromkeys(("outlok.com", "outloo.com", "outlook.co", "outlook.con"), "outlook.com"),
    **dict.fromkeys(("iclod.com", "icloud.co", "icloud.con"), "icloud.com"),
    **dict.fromkeys(("gmx.ed", "gmx.d"), "gmx.de"),
    **dict.fromkeys(("web.ed", "wed.de"), "web.de"),
}
"""Domains that people write by mistake, and what they mean."""


class Pair(Struct, frozen=True):
    """Two customers who may be the same, by their numbers; the first is the smaller one. reasons: of REASONS."""

    first: int
    second: int
    reasons: tuple[str, ...]

    @property
    def score(self) -> int:
        """How likely it is, from 1 to 99: several reasons make it likelier than each of them."""
        doubt = 1.0
        for reason in self.reasons:
            doubt *= 1 - SCORES[reason] / 100
        return max(1, min(99, round(100 * (1 - doubt))))

    @property
    def codes(self) -> int:
        """The reasons as they are stored: a bit for each."""
        return sum(1 << REASONS.index(reason) for reason in self.reasons)


def reasons_of(codes: int) -> tuple[str, ...]:
    """The reasons with these bits."""
    return tuple(reason for place, reason in enumerate(REASONS) if codes >> place & 1)


def keys_of(
    email_key: str | None, name: str | None, phone: str | None, mobile: str | None, city: str | None
) -> set[tuple[str, str]]:
    """(reason, value) of a customer: two customers with the same one may be the same."""
    found = {("phone", number) for number in (phone, mobile) if number}
    if email_key is not None:
        local, _, domain = email_key.rpartition("@")
        meant = meant_domain(domain)
        plain = _plain(local, domain)
        found.add(("address", f"{plain}@{'gmail.com' if domain in _GMAIL else domain}"))
        found.add(("typo", f"{_plain(local, meant)}@{'gmail.com' if meant in _GMAIL else meant}"))
    if name and city and " " in name.strip():
        found.add(("name_and_city", f"{fold(search_key(name))}\n{fold(search_key(city))}"))
    return found


def meant_domain(domain: str) -> str:
    """The domain without a known typing error."""
    return _TYPOS.get(domain, domain)


def _plain(local: str, domain: str) -> str:
    base = local.partition("+")[0] or local
    return base.replace(".", "") if domain in _GMAIL else base


def pairs_of(groups: Iterable[tuple[str, list[int]]], most: int) -> list[Pair]:
    """The likeliest pairs among groups of (reason, numbers of customers with the same value), the likeliest first."""
    reasons: dict[tuple[int, int], set[str]] = {}
    for reason, numbers in groups:
        if not 1 < len(numbers) <= MOST_ALIKE:
            continue
        ordered = sorted(numbers)
        for place, first in enumerate(ordered):
            for second in ordered[place + 1 :]:
                reasons.setdefault((first, second), set()).add(reason)
    pairs = (Pair(*numbers, _ordered(why)) for numbers, why in reasons.items())
    # Not sorted(): comparing millions of pairs in one call would hold up all other threads.
    return nsmallest(most, pairs, key=lambda pair: (-pair.score, pair.first, pair.second))


def _ordered(reasons: set[str]) -> tuple[str, ...]:
    if "address" in reasons:
        reasons.discard("typo")  # every address that is the same is so with its typing errors corrected
    return tuple(reason for reason in REASONS if reason in reasons)
