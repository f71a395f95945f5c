"""The body of an object, validated and converted to a command."""

from collections.abc import Mapping
from typing import Any

from regulars.domain.commands import SaveObject
from regulars.domain.faults import Fault, RefusedError
from regulars.domain.limits import Limits
from regulars.domain.objects import RelatedObject
from regulars.domain.references import Reference, parse_reference
from regulars.domain.text import is_storable
from regulars.http.errors import Problem
from regulars.http.jsonapi.bodies import ResourceBody, refused
from regulars.http.jsonapi.kinds import ResourceType


def creation(kind: ResourceType, body: ResourceBody, limits: Limits) -> SaveObject:
    """The command that creates the object. A key, or a number as the resource's id, may come with it."""
    reading = _Validator(kind, body, limits)
    key = reading.key()
    number = reading.number()
    if key is not None and number is not None and key != number:
        reading.fault(kind.key, "cannot be combined with an id: send one of them")
    if kind.by_key and key is None:
        reading.fault(kind.key, "is required")
    name = reading.title(required=not kind.by_key) or (str(key) if kind.by_key else None)
    description = reading.description()
    reading.finish()
    return SaveObject(
        kind=kind.kind, key=key if key is not None else number, name=name, description=description or None
    )


def change(
    kind: ResourceType, body: ResourceBody, item: RelatedObject, related: Mapping[str, Any], limits: Limits
) -> SaveObject:
    """The command that changes the object. What the body leaves out stays as it is.

    related: the relationships as they are shown. They may be sent back, and are changed by calls of their own.
    """
    reading = _Validator(kind, body, limits)
    if kind.key in body.attributes and body.attributes[kind.key] != item.key and reading.key() != item.key:
        reading.fault(kind.key, "cannot be changed after creation")
    for name, value in body.relationships.items():
        if name not in related or not _is_same(value, related[name]):
            reading.faults.append(Fault(f"data.relationships.{name}", "cannot be changed here"))
    command = SaveObject(
        kind=kind.kind, reference=item.number, name=reading.title(required=False), description=reading.description()
    )
    reading.finish()
    return command


def explained(kind: ResourceType, refusal: RefusedError) -> Problem | RefusedError:
    """A refusal of the command, with the field names of the document."""
    if refusal.code == "invalid":  # the number that a new object came with
        return refused([Fault("data.id", refusal.faults[0].detail.rstrip("."))], "unprocessable")
    if refusal.code != "duplicate_name":
        return refusal
    return refused([Fault(f"data.attributes.{kind.title}", refusal.faults[0].detail.rstrip("."))], refusal.code)


def _is_same(given: Any, shown: Mapping[str, Any]) -> bool:
    """Whether a relationship has the data that is shown, in any order, or none."""
    if not isinstance(given, dict):
        return False
    return "data" not in given or _named(given["data"]) == _named(shown["data"])


def _named(data: Any) -> Any:
    listed = data if isinstance(data, list) else [data]
    if not all(isinstance(each, dict) for each in listed):
        return None
    return isinstance(data, list), {(str(each.get("type")), str(each.get("id"))) for each in listed}


class _Validator:
    """Validates the attributes and collects their faults. Read-only attributes are ignored."""

    def __init__(self, kind: ResourceType, body: ResourceBody, limits: Limits) -> None:
        self.kind = kind
        self.body = body
        self.limits = limits
        self.faults: list[Fault] = []
        for name in body.attributes:
            if name not in (*kind.attributes, *kind.beside, *kind.computed):
                self.fault(name, f"is unknown. Allowed: {', '.join(kind.writable)}")

    def fault(self, attribute: str, detail: str) -> None:
        self.faults.append(Fault(f"data.attributes.{attribute}", detail))

    def finish(self) -> None:
        if self.faults:
            raise refused(self.faults, "unprocessable")

    def title(self, *, required: bool) -> str | None:
        name = self.kind.title
        if name not in self.body.attributes:
            if required:
                self.fault(name, "is required")
            return None
        text = self._text(self.body.attributes[name])
        if not text:
            self.fault(name, f"must be text of 1 to {self.limits.text} characters, without NUL or unpaired surrogates")
        return text or None

    def description(self) -> str | None:
        """The text, "" to clear it, None to leave it."""
        if "description" not in self.body.attributes:
            return None
        value = self.body.attributes["description"]
        text = "" if value is None else self._text(value)
        if text is None:
            self.fault("description", f"must be null or text of at most {self.limits.text} characters")
        return text

    def _text(self, value: Any) -> str | None:
        if isinstance(value, str) and len(text := value.strip()) <= self.limits.text and is_storable(text):
            return text
        return None

    def key(self) -> Reference | None:
        value = self.body.attributes.get(self.kind.key)
        if value is None:
            return None
        try:
            found = parse_reference(value, self.kind.kind, longest=self.limits.object_key)
        except ValueError as error:
            self.fault(self.kind.key, str(error))
            return None
        if isinstance(found, int):
            self.fault(self.kind.key, "must not be a number, because numbers are ids")
        return found

    def number(self) -> Reference | None:
        if self.body.id is None:
            return None
        try:
            found = parse_reference(self.body.id, self.kind.kind, longest=self.limits.object_key)
        except ValueError as error:
            self.faults.append(Fault("data.id", str(error)))
            return None
        if isinstance(found, str) and not self.kind.by_key:
            self.faults.append(Fault("data.id", f"must be a whole number; send your own key as {self.kind.key}"))
        return found
