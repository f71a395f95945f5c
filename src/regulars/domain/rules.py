"""The rules: what each command does to the working set. One that breaks a rule raises before it changes anything."""

from collections.abc import Callable
from typing import Any, Final

from regulars.domain import activity_rules
from regulars.domain.commands import (
    Command,
    DeleteCustomer,
    DeleteObject,
    Outcome,
    Rebuild,
    RecordActivity,
    Relate,
    SaveObject,
    Upsert,
)
from regulars.domain.faults import RefusedError, refuse
from regulars.domain.limits import Limits
from regulars.domain.relations import BY_NAME, RELATIONS
from regulars.domain.text import fold
from regulars.domain.upsert_rules import apply_upsert
from regulars.domain.working import WorkingSet


def apply(command: Command, work: WorkingSet, limits: Limits) -> Outcome:
    """Carry out one command. A broken rule comes back as the outcome's refusal, with the working set as it was."""
    try:
        return _RULES[type(command)](command, work, limits)
    except RefusedError as refusal:
        return Outcome(refusal=refusal)


def _upsert(command: Upsert, work: WorkingSet, limits: Limits) -> Outcome:
    verdict, person = apply_upsert(command.profile, work, limits, source=command.source, restored=command.restored)
    return Outcome(verdict, person)


def _record(command: RecordActivity, work: WorkingSet, limits: Limits) -> Outcome:
    verdict, person = activity_rules.apply_activity(command.activity, work, limits, source=command.source)
    return Outcome(verdict, person)


def _delete(command: DeleteCustomer, work: WorkingSet, limits: Limits) -> Outcome:
    found = work.find(command.who)
    if not found:
        return Outcome("unchanged")
    person = work.known(command.who)
    work.delete(person)
    return Outcome("deleted", person)


def _relate(command: Relate, work: WorkingSet, limits: Limits) -> Outcome:
    relation = BY_NAME[command.relation]
    person = work.known(command.who)
    assert relation.kind is not None
    found = work.object_of(relation.kind, command.reference)
    if found is None:
        raise refuse("object_not_found", relation.kind, f"There is no {relation.kind} {command.reference!r}.")
    changed = work.tie(person, relation, found.number, command.holds, work.now, timed=False)
    return Outcome("updated" if changed else "unchanged", person, found)


def _save_object(command: SaveObject, work: WorkingSet, limits: Limits) -> Outcome:
    kind = command.kind
    found = None if command.reference is None else work.object_of(kind, command.reference)
    if command.reference is not None and found is None:
        raise refuse("object_not_found", kind, f"There is no {kind} {command.reference!r}.")
    name_key = None if command.name is None else fold(command.name)
    for taken in (
        None if name_key is None else work.object_names.get((kind, name_key)),
        None if command.key is None else getattr(work.object_of(kind, command.key), "number", None),
    ):
        if taken is not None and (found is None or taken != found.number):
            raise refuse("duplicate_name", "name", f"Another {kind} has this name or key.")
    verdict: Any = "unchanged"
    if found is None:
        found, verdict = work.create_object(kind, command.key), "created"
    for field, value in (("name", command.name), ("description", command.description)):
        if value is not None and getattr(found, field) != value:
            if field == "name" and found.name_key is not None:
                work.object_names.pop((kind, found.name_key), None)
            setattr(found, field, value)
            verdict = "created" if verdict == "created" else "updated"
    if verdict != "unchanged":
        found.name_key = None if found.name is None else fold(found.name)
        found.updated_at = work.now
        work.add_object(found)
        work.saved_objects[found.kind, found.number] = found
    return Outcome(verdict, object=found)


def _delete_object(command: DeleteObject, work: WorkingSet, limits: Limits) -> Outcome:
    kind = command.kind
    found = work.object_of(kind, command.reference)
    if found is None:
        raise refuse("object_not_found", kind, f"There is no {kind} {command.reference!r}.")
    if found.name_key is not None:
        work.object_names.pop((kind, found.name_key), None)
    found.deleted_at = found.updated_at = work.now
    found.name = found.name_key = found.description = None
    work.saved_objects[found.kind, found.number] = found
    for relation in RELATIONS:
        if relation.kind == kind:
            work.clear(relation, found.number)
    return Outcome("deleted", object=found)


def _rebuild(command: Rebuild, work: WorkingSet, limits: Limits) -> Outcome:
    work.rebuild = True
    return Outcome("updated")


_RULES: Final[dict[type, Callable[[Any, WorkingSet, Limits], Outcome]]] = {
    Upsert: _upsert,
    DeleteCustomer: _delete,
    RecordActivity: _record,
    Relate: _relate,
    SaveObject: _save_object,
    DeleteObject: _delete_object,
    Rebuild: _rebuild,
}
