"""The rules: what each command does to the working set. One that breaks a rule raises before it changes anything."""

from collections.abc import Callable
from typing import Any, Final

from regulars.domain import activity_rules
from regulars.domain.commands import (
    Change,
    Command,
    DeleteCustomer,
    DeleteObject,
    LinkProducts,
    Outcome,
    Rebuild,
    RecordActivity,
    Relate,
    SaveObject,
    Upsert,
    UpsertGroup,
)
from regulars.domain.faults import Fault, RefusedError, refuse
from regulars.domain.limits import Limits
from regulars.domain.objects import RelatedObject
from regulars.domain.references import Reference
from regulars.domain.relations import BY_NAME, RELATIONS, ReportKind
from regulars.domain.savepoint import Savepoint
from regulars.domain.text import INDEXED_BYTES, fits_an_index, fold
from regulars.domain.ties import RELATIONSHIPS, apply_sets
from regulars.domain.upsert_rules import apply_upsert
from regulars.domain.working import WorkingSet


def apply(command: Command, work: WorkingSet, limits: Limits) -> Outcome:
    """Carry out one command. A broken rule comes back as the outcome's refusal, with the working set as it was."""
    try:
        return _RULES[type(command)](command, work, limits)
    except RefusedError as refusal:
        return Outcome(refusal=refusal)


def _upsert(command: Upsert, work: WorkingSet, limits: Limits) -> Outcome:
    who = command.profile.who
    if command.new and work.people.find(who):
        raise refuse("address_taken", "email", "Another customer has this address or customer_id.")
    if who.number is not None and who.number not in work.people.by_number:
        raise refuse("customer_not_found", "", "There is no such customer.")
    tagging = command.tagging
    if tagging is not None:
        _known(work, "tag", tagging.references)  # refused before anything has changed
    verdict, person = apply_upsert(command.profile, work, limits, source=command.source, restored=command.restored)
    if tagging is not None and _relate(tagging, work, limits).verdict == "updated" and verdict == "unchanged":
        verdict = "updated"
    return Outcome(verdict, person)


def _together(command: UpsertGroup, work: WorkingSet, limits: Limits) -> Outcome:
    named = {number for upsert in command.upserts for number in work.people.find(upsert.profile.who)}
    # Evidence of consents has times of its own, by which a repeat of it is known already.
    brings_evidence = any(upsert.restored is not None and upsert.restored.consents for upsert in command.upserts)
    mark = Savepoint(work, work.people.by_number[named.pop()]) if len(named) == 1 and not brings_evidence else None
    parts = tuple(apply(upsert, work, limits) for upsert in command.upserts)
    touched = [part.person for part in parts if part.refusal is None]
    if mark is not None and all(person is mark.person for person in touched) and mark.is_as_it_was():
        mark.undo()
        parts = tuple(part if part.refusal is not None else Outcome("unchanged", mark.person) for part in parts)
    return Outcome(parts[-1].verdict, parts[-1].person, parts=parts)


def _record(command: RecordActivity, work: WorkingSet, limits: Limits) -> Outcome:
    verdict, person = activity_rules.apply_activity(command.activity, work, limits, source=command.source)
    return Outcome(verdict, person)


def _delete(command: DeleteCustomer, work: WorkingSet, limits: Limits) -> Outcome:
    found = work.people.find(command.who)
    if not found:
        return Outcome("unchanged")
    person = work.people.known(command.who)
    work.delete(person)
    return Outcome("deleted", person)


def _relate(command: Relate, work: WorkingSet, limits: Limits) -> Outcome:
    relation, relationship = BY_NAME[command.relation], RELATIONSHIPS[command.relation]
    person = work.people.known(command.who)
    assert relation.kind is not None
    named = {found.number for found in _known(work, relation.kind, command.references)}
    held = {number for number, _ in person.tied_to(command.relation)}
    after = _after(held, named, command.change)
    changed = False
    for number in sorted(held - after):
        changed |= apply_sets(relationship.rules(False), person, work, number, work.now, ReportKind.IMMEDIATE)
    for number in sorted(named - held - after):  # nothing follows from that, but no older report undoes it
        work.ties.report(person, relation, number, False, work.now, ReportKind.IMMEDIATE)
    for number in sorted(named & after):  # also where it is so already: what follows from it may not be so
        changed |= apply_sets(relationship.rules(True), person, work, number, work.now, ReportKind.IMMEDIATE)
    return Outcome("updated" if changed else "unchanged", person)


def _after(before: set[int], named: set[int], change: Change) -> set[int]:
    match change:
        case "add":
            return before | named
        case "remove":
            return before - named
        case "replace":
            return named


def _known(work: WorkingSet, kind: str, references: tuple[Reference, ...]) -> list[RelatedObject]:
    """The objects that references name. Raises RefusedError that names each of those that are not there."""
    found = [work.objects.find(kind, reference) for reference in references]
    faults = [
        Fault(kind if len(found) == 1 else f"{kind}.{place}", f"There is no {kind} {reference!r}.")
        for place, (item, reference) in enumerate(zip(found, references, strict=True))
        if item is None
    ]
    if faults:
        raise RefusedError("object_not_found", faults)
    return [item for item in found if item is not None]


def _link_products(command: LinkProducts, work: WorkingSet, limits: Limits) -> Outcome:
    (offer,) = _known(work, "offer", (command.offer,))
    named = {found.number for found in _known(work, "product", command.products)}
    before = work.objects.products_of.get(offer.number, set())
    after = _after(before, named, command.change)
    if after == before:
        return Outcome("unchanged", object=offer)
    work.objects.link(offer, after, work.now)
    return Outcome("updated", object=offer)


def _save_object(command: SaveObject, work: WorkingSet, limits: Limits) -> Outcome:
    kind = command.kind
    found = None if command.reference is None else work.objects.find(kind, command.reference)
    if command.reference is not None and found is None:
        raise refuse("object_not_found", kind, f"There is no {kind} {command.reference!r}.")
    name_key = None if command.name is None else fold(command.name)
    if name_key is not None and not fits_an_index(name_key):
        raise refuse("invalid", "name", f"must be text of at most {INDEXED_BYTES} bytes of UTF-8")
    for taken in (
        None if name_key is None else work.objects.by_name.get((kind, name_key)),
        # One without a name is shown by its key.
        *(getattr(work.objects.find(kind, key), "number", None) for key in (command.key, command.name) if key),
    ):
        if taken is not None and (found is None or taken != found.number):
            raise refuse("duplicate_name", "name", f"Another {kind} has this name or key.")
    verdict: Any = "unchanged"
    if found is None:
        if command.key is not None:
            work.objects.refuse_unknown_number("id", kind, command.key)
        found, verdict = work.objects.create(kind, command.key, work.now), "created"
    for field, value in (("name", command.name), ("description", command.description)):
        if value is not None and getattr(found, field) != (value := value or None):
            if field == "name":
                work.objects.forget_name(found)
            setattr(found, field, value)
            verdict = "created" if verdict == "created" else "updated"
    if verdict != "unchanged":
        found.name_key = None if found.name is None else fold(found.name)
        found.updated_at = work.now
        work.objects.add(found)
        work.objects.save(found)
    return Outcome(verdict, object=found)


def _delete_object(command: DeleteObject, work: WorkingSet, limits: Limits) -> Outcome:
    kind = command.kind
    found = work.objects.find(kind, command.reference)
    if found is None:
        raise refuse("object_not_found", kind, f"There is no {kind} {command.reference!r}.")
    work.objects.forget_name(found)
    found.deleted_at = found.updated_at = work.now
    found.name = found.name_key = found.description = None
    work.objects.save(found)
    work.objects.unlink(kind, found.number)
    for relation in RELATIONS:
        if relation.kind == kind:
            work.clear(relation, found.number)
    return Outcome("deleted", object=found)


def _rebuild(command: Rebuild, work: WorkingSet, limits: Limits) -> Outcome:
    work.rebuild = True
    return Outcome("updated")


_RULES: Final[dict[type, Callable[[Any, WorkingSet, Limits], Outcome]]] = {
    Upsert: _upsert,
    UpsertGroup: _together,
    DeleteCustomer: _delete,
    RecordActivity: _record,
    Relate: _relate,
    SaveObject: _save_object,
    LinkProducts: _link_products,
    DeleteObject: _delete_object,
    Rebuild: _rebuild,
}
