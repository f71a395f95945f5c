"""What an import replaced is found in the working set, and put back by the rule of its undo."""

import copy
from typing import Any

from regulars.domain.commands import UndoImport, Upsert
from regulars.domain.commands.undo_import import REASONS
from regulars.domain.imports import ImportChange, change_of_row, changed_customers
from regulars.domain.profile import parse_profile
from regulars.domain.working import WorkingSet
from regulars.domain.working.history import Traces

from .memory import MemorySite


def imported(site: MemorySite, number: int, **body: Any) -> ImportChange:
    """Carry out an upsert as a transaction of its own; returns what the store would keep of it."""
    work = site.work
    work.people.before.clear()
    work.ties.saved.clear()
    work.ties.before = {}
    work.addresses.changed.clear()
    former = {key: copy.copy(row) for key, row in work.addresses.former.items()}
    work.history.consents.cut(0)
    site.do(Upsert(parse_profile(body), source="import"))
    work.stamp(work.now)
    ((customer, *rest),) = changed_customers(work, 1, former)
    moment, base, created, encoded = rest
    work.history.traces[customer] = Traces(0, 0, False)
    return change_of_row((number, customer, number, moment, base, created, 100, None, encoded))


def row(work: WorkingSet, number: int = 1) -> dict[str, Any]:
    customer = work.people.by_number[number].customer
    return {name: getattr(customer, name) for name in customer.__struct_fields__}


def test_an_import_keeps_only_what_it_replaced() -> None:
    site = MemorySite()
    created = imported(site, 1, email="a@x.org", customer_id="a", firstname="Anna", groups=["g"])
    assert (created.created, created.base, created.before) == (True, None, None)
    changed = imported(site, 2, customer_id="a", email="b@x.org", firstname="Anna", lastname="Smith", groups=["g", "h"])
    assert (changed.created, changed.base) == (False, created.moment)
    assert changed.before is not None
    assert changed.before.fields.keys() == {"email", "email_key", "lastname", "name", "updated_at"}
    assert [(tie.before, tie.after[0]) for tie in changed.before.ties if tie.relation == 8] == [(None, True)]
    assert [(each.before, each.after.email_key) for each in changed.before.addresses] == [(None, "a@x.org")]


def test_the_undo_puts_back_what_was_and_leaves_what_others_did() -> None:
    site = MemorySite()
    imported(site, 1, email="a@x.org", customer_id="a", firstname="Anna", groups=["g"])
    before, ties = row(site.work), dict(site.work.people.by_number[1].ties)
    changed = imported(site, 2, customer_id="a", email="b@x.org", firstname="Ben", groups=["h"], unsubscribed=False)
    undo = UndoImport((changed,))
    assert site.do(undo).verdict == "updated"
    person = site.work.people.by_number[1]
    assert row(site.work) | {"changed_at": None} == before | {"changed_at": None}
    assert person.ties == ties
    assert site.work.people.knows(("email", "a@x.org")) and not site.work.people.knows(("email", "b@x.org"))
    site.work.stamp(site.work.now)
    assert [each.field for each in site.do(undo).kept_back] == ["changed"]
    again = imported(site, 3, customer_id="a", firstname="Cleo")
    site.upsert(customer_id="a", firstname="Dora")
    site.work.stamp(site.work.now)
    (fault,) = site.do(UndoImport((again,))).kept_back
    assert fault.detail == REASONS["changed"]
    assert person.customer.firstname == "Dora"


def test_an_older_import_is_undone_after_a_newer_one() -> None:
    site = MemorySite()
    imported(site, 1, email="a@x.org", firstname="Anna")
    older = imported(site, 2, email="a@x.org", firstname="Ben")
    newer = imported(site, 3, email="a@x.org", firstname="Cleo")
    assert site.do(UndoImport((older,))).kept_back[0].detail == REASONS["changed"]
    assert site.do(UndoImport((newer,))).verdict == "updated"
    site.work.stamp(site.work.now)
    moment = site.work.people.by_number[1].customer.changed_at
    assert moment is not None
    assert site.do(UndoImport((older,), {moment: newer.base})).verdict == "updated"
    assert site.customer("a@x.org").firstname == "Anna"


def test_a_created_customer_is_deleted_without_a_tombstone_unless_it_was_active() -> None:
    site = MemorySite()
    created = imported(site, 1, email="a@x.org")
    site.work.history.traces[1] = Traces(0, 0, True)
    assert site.do(UndoImport((created,))).kept_back[0].detail == REASONS["active"]
    site.work.history.traces[1] = Traces(0, 1, False)
    assert site.do(UndoImport((created,))).kept_back[0].detail == REASONS["active"]
    site.work.history.traces[1] = Traces(0, 0, False)
    assert site.do(UndoImport((created,))).verdict == "deleted"
    assert site.work.addresses.tombstones == {}
    assert site.do(UndoImport((created,))).kept_back[0].detail == REASONS["deleted"]
