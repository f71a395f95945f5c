"""SaveObject: create a tag, an offer or any other object, or change it."""

from msgspec import Struct

from regulars.domain.commands.needs import Needs
from regulars.domain.faults import refuse
from regulars.domain.limits import Limits
from regulars.domain.objects import RelatedObject
from regulars.domain.outcome import Outcome, Verdict
from regulars.domain.references import Reference
from regulars.domain.text import INDEXED_BYTES, fits_an_index, fold
from regulars.domain.working import WorkingSet


class SaveObject(Struct, frozen=True, kw_only=True):
    """Create an object (`reference` None), or change the one that `reference` names.

    key: the number or key of a new object. None leaves a field unchanged, "" clears the description.
    """

    kind: str
    reference: Reference | None = None
    key: Reference | None = None
    name: str | None = None
    description: str | None = None

    def declare(self, needs: Needs) -> None:
        """The object, whoever has its name or key, and the next number of its kind."""
        needs.refer(self.kind, [item for item in (self.reference, self.key, self.name) if item is not None])
        needs.new_objects.add(self.kind)
        if self.name is not None:
            needs.object_names.add((self.kind, fold(self.name)))

    def weight(self) -> int:
        """None: it names no ties."""
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Create or change the object, unless another one has its name or key."""
        objects, kind = work.objects, self.kind
        found = None if self.reference is None else objects.known(kind, (self.reference,))[0]
        self._refuse_taken(work, found)
        verdict: Verdict = "unchanged"
        if found is None:
            if self.key is not None:
                objects.refuse_unknown_number("id", kind, self.key)
            found, verdict = objects.create(kind, self.key, work.now), "created"
        for field, value in (("name", self.name), ("description", self.description)):
            if value is not None and getattr(found, field) != (value := value or None):
                if field == "name":
                    objects.forget_name(found)
                setattr(found, field, value)
                work.changed_fields[work.origin] = [*work.changed_fields.get(work.origin, ()), field]
                verdict = "created" if verdict == "created" else "updated"
        if verdict != "unchanged":
            found.name_key = None if found.name is None else fold(found.name)
            found.updated_at = work.now
            objects.add(found)
            objects.save(found)
        return Outcome(verdict, object=found)

    def _refuse_taken(self, work: WorkingSet, found: RelatedObject | None) -> None:
        """Raises RefusedError if another object than `found` has this name or key."""
        objects, kind = work.objects, self.kind
        name_key = None if self.name is None else fold(self.name)
        if name_key is not None and not fits_an_index(name_key):
            raise refuse("invalid", "name", f"must be text of at most {INDEXED_BYTES} bytes of UTF-8")
        for taken in (
            None if name_key is None else objects.by_name.get((kind, name_key)),
            # One without a name is shown by its key.
            *(getattr(objects.find(kind, key), "number", None) for key in (self.key, self.name) if key),
        ):
            if taken is not None and (found is None or taken != found.number):
                raise refuse("duplicate_name", "name", f"Another {kind} has this name or key.")
