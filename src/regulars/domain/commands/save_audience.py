"""SaveAudience: create a saved audience, or change it."""

import msgspec
from msgspec import Struct

from regulars.domain.audiences import (
    KIND,
    MOST_NESTING,
    AudienceKind,
    Definition,
    Graph,
    Referring,
    etag_of,
    nesting,
    path_between,
)
from regulars.domain.commands.needs import Needs
from regulars.domain.commands.save_object import SaveObject
from regulars.domain.faults import Fault, RefusedError, refuse
from regulars.domain.limits import Limits
from regulars.domain.objects import RelatedObject
from regulars.domain.outcome import Outcome
from regulars.domain.references import Reference
from regulars.domain.working import WorkingSet


class DefinitionChange(Struct, frozen=True, kw_only=True):
    """What changes of a definition; None leaves a field as it is. question: in its canonical JSON form.

    kind: of a new audience. refers: the audiences that the question names. is_seed_list, source: as in Definition.
    """

    kind: AudienceKind | None = None
    question: str | None = None
    refers: tuple[Reference, ...] = ()
    watched: bool | None = None
    is_seed_list: bool | None = None
    source: str | None = None


class SaveAudience(Struct, frozen=True):
    """Create an audience or change it, with its definition.

    Refused if its question names an audience that does not exist, if audiences would refer to each other in a circle,
    or in a chain of more than MOST_NESTING. expected: the etags of which it must have one; None: it may have any.
    """

    audience: SaveObject
    change: DefinitionChange
    expected: tuple[str, ...] | None = None

    def declare(self, needs: Needs) -> None:
        """The audience with its definition, the audiences that it names, and all that refer to others."""
        self.audience.declare(needs)
        needs.refer(KIND, self.change.refers)
        if self.audience.reference is not None:
            needs.audiences.add(self.audience.reference)
        if self.change.refers:
            needs.has_audience_graph = True

    def weight(self) -> int:
        """One for each audience that it names."""
        return len(self.change.refers)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Save the audience, then its definition."""
        change, reference = self.change, self.audience.reference
        refers = _known(work, change.refers)
        found = None if reference is None else work.objects.known(KIND, (reference,))[0]
        before = None if found is None else work.audiences.definitions.get(found.number)
        refuse_changed(found, before, self.expected)
        kind = before.kind if before is not None else change.kind or "dynamic"
        if change.kind not in (None, kind):
            raise refuse("invalid", "kind", "cannot be changed after creation")
        if kind == "list" and change.question is not None:
            raise refuse("invalid", "question", "must be absent: a list has members instead of a question")
        if kind == "dynamic" and change.question is None and before is None:
            raise refuse("invalid", "question", "is required for a dynamic audience")
        if refers:
            _refuse_circle(work.audiences.graph, found, refers)
        outcome = self.audience.rule(work, limits)
        saved = outcome.object
        assert saved is not None
        if before is None:
            after = Definition(
                saved.number, kind, change.question, refers, change.watched or False, version=1, changed_at=work.now
            )
            after = msgspec.structs.replace(after, is_seed_list=change.is_seed_list or False, source=change.source)
        else:
            after = before
            if change.question not in (None, before.question):
                after = msgspec.structs.replace(
                    after, question=change.question, refers=refers, version=before.version + 1, changed_at=work.now
                )
            if change.watched is not None:
                after = msgspec.structs.replace(after, watched=change.watched)
        if after == before:
            return outcome
        work.audiences.save(after, saved.public_id)
        saved.updated_at = work.now
        work.objects.save(saved)
        return msgspec.structs.replace(outcome, verdict="created" if outcome.verdict == "created" else "updated")


def refuse_changed(
    audience: RelatedObject | None, definition: Definition | None, expected: tuple[str, ...] | None
) -> None:
    """Raise RefusedError for an audience whose etag is none of the expected ones."""
    if expected is None or audience is None:
        return
    version = 1 if definition is None else definition.version
    if etag_of(version, audience.updated_at) not in expected:
        raise refuse("changed_meanwhile", "", "The audience was changed since it was read.")


_NEW = -1
"""Stands for the number of an audience that does not exist yet."""


def _known(work: WorkingSet, references: tuple[Reference, ...]) -> tuple[int, ...]:
    """The numbers of the audiences that a question names. Raises RefusedError for each that does not exist."""
    found = [(reference, work.objects.find(KIND, reference)) for reference in references]
    faults = [Fault("question", f"The audience {name!r} does not exist.") for name, item in found if item is None]
    if faults:
        raise RefusedError("unknown_audience", faults)
    return tuple(dict.fromkeys(item.number for _, item in found if item is not None))


def _refuse_circle(graph: Graph, audience: RelatedObject | None, refers: tuple[int, ...]) -> None:
    """Raise RefusedError if references of this audience closed a circle, or made a chain too long."""
    way = None if audience is None else path_between(graph, refers, audience.number)
    if audience is not None and way is not None:
        labels = [audience.public_id if each == audience.number else graph[each].label for each in way]
        circle = " → ".join((audience.public_id, *labels))
        raise refuse("audience_circle", "question", f"The audiences would refer to each other in a circle: {circle}.")
    place = _NEW if audience is None else audience.number
    if nesting({**graph, place: Referring("", refers)}) > MOST_NESTING:
        raise refuse("audience_circle", "question", f"Audiences may be nested {MOST_NESTING} deep at most.")
