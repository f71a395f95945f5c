"""Revenue: amounts count in a customer's figures if they name no currency, or the currency of the site.

The sum of each currency is stored. So the figures follow from the sums, whatever the order in which amounts arrived and
whenever the currency of the site was set or changed.
"""

from typing import Final

from regulars.domain.customer import Person
from regulars.domain.faults import FieldWarning
from regulars.domain.money import LIMIT_CENTS
from regulars.domain.working import WorkingSet
from regulars.domain.working.revenues import Revenue

_BOUND: Final = 1000 * LIMIT_CENTS
"""Sums stay within 1000 times the largest amount, far below what 64 bits hold."""


def add_revenue(person: Person, work: WorkingSet, currency: str | None, *, net: int, lifetime: int) -> None:
    """Add an amount (cents) to the revenue of a customer. currency: None if the amount names none."""
    if currency is None:
        _count(person, work, net, lifetime)
        return
    row = work.revenues.touch(person.customer.number, currency)
    _settle(row, person, work)
    row.net, row.lifetime = _within(row.net + net), _within(row.lifetime + lifetime)
    if row.is_counted:
        _count(person, work, net, lifetime)


def count_revenue(person: Person, work: WorkingSet) -> bool:
    """Make the figures of a customer those of the site's currency; True if they counted another one."""
    revenues = work.revenues
    wrong = [row for row in revenues.of(person.customer.number) if row.is_counted != _counts(row, work)]
    for row in wrong:
        _settle(revenues.touch(row.customer, row.currency), person, work)
    return bool(wrong)


def note_currency(currency: str | None, work: WorkingSet) -> tuple[FieldWarning, ...]:
    """Take the currency that an amount names: the first one becomes that of a site without one.

    Returns the warning that is due if it is not the site's.
    """
    if currency is None:
        return ()
    if work.revenues.currency is None:
        work.revenues.set_currency(currency)
    ours = work.revenues.currency
    if currency == ours:
        return ()
    detail = f"is not the currency of the site, {ours}: the amount is kept in the history, and counted in no figure"
    return (FieldWarning("currency", currency, None, detail),)


def _counts(row: Revenue, work: WorkingSet) -> bool:
    return row.currency == work.revenues.currency


def _settle(row: Revenue, person: Person, work: WorkingSet) -> None:
    """Count a revenue, or cease to, if the currency of the site changed since it was last written."""
    counts = _counts(row, work)
    if row.is_counted != counts:
        row.is_counted = counts
        sign = 1 if counts else -1
        _count(person, work, sign * row.net, sign * row.lifetime)


def _count(person: Person, work: WorkingSet, net: int, lifetime: int) -> None:
    if net or lifetime:
        customer = work.people.touch(person)
        customer.net_revenue = _within(customer.net_revenue + net)
        customer.lifetime_revenue = _within(customer.lifetime_revenue + lifetime)


def _within(cents: int) -> int:
    return max(-_BOUND, min(_BOUND, cents))
