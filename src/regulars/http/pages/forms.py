"""Forms: the fields that a page sends, and what is wrong with them, beside each field."""

from collections.abc import Mapping
from typing import Final

from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi.query import pairs

LARGEST: Final = 1024 * 1024
"""The largest form (bytes)."""


class FormData:
    """The fields of a form, and what is wrong with some of them: a sentence by field."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields
        self.errors: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """The value of a field without white space around it; empty if it was not sent. Of several, the last."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """The value of a field as it was typed, for passwords."""
        return next((value for each, value in reversed(self._fields) if each == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a field, such as those of checked boxes."""
        return [value for each, value in self._fields if each == name]

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Every field with its value, in order."""
        return self._fields

    def __contains__(self, name: str) -> bool:
        """Whether a field was sent, as a checked box is."""
        return any(each == name for each, _ in self._fields)

    def refuse(self, name: str, sentence: str) -> None:
        """Note what is wrong with a field; the first sentence stays."""
        self.errors.setdefault(name, sentence)

    def refuse_faults(self, problem: Problem, fields: Mapping[str, str] | None = None) -> None:
        """Note the faults of a refused API call. fields: the names of form fields, by those of the API."""
        for fault in problem.faults:
            name = fault.field.rpartition(".")[2]
            self.refuse((fields or {}).get(fault.field, name), f"{fault.detail[:1].upper()}{fault.detail[1:]}.")
        if not problem.faults:
            self.refuse("", problem.detail)


async def read_form(call: Call) -> FormData:
    """The form that a call sends. Raises Problem if it cannot be read."""
    return FormData(pairs(await call.body(LARGEST)))
