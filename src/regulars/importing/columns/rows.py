"""Rows of a table as lines of an import: what each column fills becomes a body in the format of POST /customers."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from regulars.domain.faults import Fault, FieldWarning, RefusedError
from regulars.domain.spreadsheet_safety import GUARD, unguard
from regulars.importing.columns.amounts import read_number
from regulars.importing.columns.cells import DAMAGED, cleaned, flag_of, is_damaged, is_plain, null_words
from regulars.importing.columns.consents import Said, evidence
from regulars.importing.columns.exporters import OWN
from regulars.importing.columns.lists import read_list
from regulars.importing.columns.mapping import TableColumn, TableMapping, Wishes
from regulars.importing.columns.names import folded
from regulars.importing.columns.statuses import state_of
from regulars.importing.columns.targets import CONSENT_FIELDS
from regulars.importing.reading.delimited import Row

_IN_DATA: Final = {
    "mobile": "mobile_phone_number",
    "address_line_1": "address",
    "address_line_2": "address_2",
    **{name: name for name in ("city", "state", "country", "zip")},
}
"""Fields that are said as an attribute, with the name of the attribute."""

_AT_TOP: Final = {"phone": "phone_number", "control_bucket": "bsft_control_bucket"}
"""Fields whose key in a body is another."""

_FLAGS: Final = "must be yes or no, because the column tells about consent"
_STATES: Final = "must be a status that is known, such as subscribed, unsubscribed, bounced or complained"
_DIGITS: Final = re.compile(r"[0-9]+")
_BARE_PHONE: Final = frozenset({"brevo"})
"""Exporters that write phone numbers with the country code and without +."""


class Converted(NamedTuple):
    """A row as a body in JSON, or why it is refused. warnings: values that were not taken as they are."""

    body: bytes
    refusal: RefusedError | None = None
    warnings: tuple[FieldWarning, ...] = ()


class _RowInput:
    """What the row that is being read says."""

    __slots__ = ("body", "data", "faults", "said", "warnings")

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}
        self.data: dict[str, Any] = {}
        self.said: Said | None = None
        self.faults: list[Fault] = []
        self.warnings: list[FieldWarning] = []

    def about_consent(self) -> Said:
        said = self.said
        if said is None:
            said = self.said = Said()
        return said


_Reader = Callable[[_RowInput, str], None]


class RowConverter:
    """Converts the rows of one table. file: its name, for the evidence of consent.

    shared: what every line of the file says, as `tags`. wording: what everybody in the file agreed to, if the caller
    says so.
    """

    def __init__(
        self,
        mapping: TableMapping,
        wishes: Wishes,
        file: str,
        *,
        shared: Mapping[str, list[str]] | None = None,
        wording: str | None = None,
    ) -> None:
        self._file = file
        self._mapping = mapping
        is_ours = mapping.exporter is not None and mapping.exporter.name == OWN
        self._clean, self._is_clean = (unguard, _is_unguarded) if is_ours else (cleaned, is_plain)
        self._nulls = frozenset[str]() if is_ours else null_words(wishes.nulls)
        self._shared = dict(shared or {})
        self._wording = wording
        self._readers = [
            (column.place, self._reader(column)) for column in mapping.columns if column.target.field != "ignore"
        ]
        fields = {column.target.field for column in mapping.columns}
        self._tells_states = (
            not fields.isdisjoint({"subscribed", "consent_status"})
            or mapping.state is not None
            or (mapping.exporter is not None and mapping.exporter.name == "mailchimp")
        )
        self._has_consent = not fields.isdisjoint(CONSENT_FIELDS) or mapping.state is not None

    def convert(self, row: Row) -> Converted:
        """The body of a row."""
        if row.problem is not None:
            return Converted(b"{}", RefusedError("invalid", (Fault("", row.problem),)))
        reading = _RowInput()
        cells, clean, is_clean = row.cells, self._clean, self._is_clean
        for place, read in self._readers:
            cell = cells[place]
            if not cell:
                continue
            if not is_clean(cell):
                cell = clean(cell)
            if cell and cell not in self._nulls:
                read(reading, cell)
        body = reading.body
        for key, words in self._shared.items():
            body[key] = list(dict.fromkeys((*body.get(key, ()), *words)))
        if "newsletters" in body:
            body["subscription_groups"] = [{"id": each, "subscribed": True} for each in body.pop("newsletters")]
        if self._has_consent or self._wording is not None:
            self._consent(reading, row.line)
        if reading.data:
            body["data"] = reading.data
        if reading.faults:
            return Converted(b"{}", RefusedError("invalid", tuple(reading.faults)))
        try:
            return Converted(msgspec.json.encode(body), None, tuple(reading.warnings))
        except (UnicodeEncodeError, msgspec.EncodeError):
            fault = Fault("", "The line is not of the encoding of the file: save it as UTF-8.")
            return Converted(b"{}", RefusedError("invalid", (fault,)))

    def _consent(self, reading: _RowInput, line: int) -> None:
        said = reading.said
        if said is None:
            if self._wording is None and self._mapping.state is None:
                return
            said = Said()
        if self._mapping.state is not None:
            said.states.append(self._mapping.state)
        origin = f"{self._file}, line {line}"
        is_told = self._tells_states
        if self._wording is not None:
            said.wording = said.wording or self._wording
            if said.subscribed is None and not said.states and not said.unsubscribed:
                said.subscribed = True
        found = evidence(said, origin=origin, has_states=is_told)
        if found:
            reading.body["consents"] = [*reading.body.get("consents", ()), *found]

    def _reader(self, column: TableColumn) -> _Reader:
        field = column.target.field
        if column.target.key is not None:
            return self._attribute_reader(column, column.target.key)
        if column.date is not None:
            return self._date_reader(column)
        if field in CONSENT_FIELDS:
            return self._consent_reader(column)
        if field == "email":
            return _read_email
        if field == "attributes":
            return _read_attributes
        if field in ("tags", "groups", "newsletters"):
            return _list_reader(field, column.separator)
        if field in ("phone", "mobile"):
            bare = self._mapping.exporter is not None and self._mapping.exporter.name in _BARE_PHONE
            return _phone_reader(field, has_bare_numbers=bare)
        if field in _IN_DATA:
            return _data_reader(_IN_DATA[field])
        return _top_reader(_AT_TOP.get(field, field))

    def _date_reader(self, column: TableColumn) -> _Reader:
        assert column.date is not None
        field, read_date = column.target.field, column.date.read
        heading, is_consent = column.name, column.target.field in CONSENT_FIELDS

        def read(reading: _RowInput, cell: str) -> None:
            found = read_date(cell)
            if found is None:
                reading.data[heading] = cell
                reading.warnings.append(FieldWarning(heading, cell, None, "is no date that can be read"))
            elif is_consent:
                reading.about_consent().times[field] = found
            else:
                reading.body[field] = found

        return read

    def _consent_reader(self, column: TableColumn) -> _Reader:
        field, heading = column.target.field, column.name
        words = {} if self._mapping.exporter is None else self._mapping.exporter.states

        def read_flag(reading: _RowInput, cell: str) -> None:
            flag = flag_of(cell)
            if flag is None:
                reading.faults.append(Fault(heading, _FLAGS))
            else:
                setattr(reading.about_consent(), field, flag)

        def read_state(reading: _RowInput, cell: str) -> None:
            for word in read_list(cell, ","):
                state = words.get(folded(word)) or state_of(word)
                if state is None:
                    reading.faults.append(Fault(heading, _STATES))
                else:
                    reading.about_consent().states.append(state)

        def read_evidence(reading: _RowInput, cell: str) -> None:
            found = _json(cell)
            if isinstance(found, list):
                reading.body["consents"] = found
            else:
                reading.faults.append(Fault(heading, "must be a list of evidence in JSON"))

        def read_text(reading: _RowInput, cell: str) -> None:
            setattr(reading.about_consent(), field.removeprefix("consent_"), cell)

        if field in ("subscribed", "unsubscribed"):
            return read_flag
        if field == "consents":
            return read_evidence
        return read_state if field == "consent_status" else read_text

    def _attribute_reader(self, column: TableColumn, key: str) -> _Reader:
        kind, separator, heading = column.target.kind, column.separator, column.name
        read_date = None if column.date is None else column.date.read

        def read(reading: _RowInput, cell: str) -> None:
            value: Any = cell
            if kind == "number":
                value = read_number(cell)
            elif kind == "flag":
                value = flag_of(cell)
            elif kind == "list":
                value = read_list(cell, separator)
            elif kind == "date":
                value = None if read_date is None else read_date(cell)
            elif kind == "json" and cell[:1] in ("[", "{"):
                value = _json(cell)
            if value is None:
                value = cell
                reading.warnings.append(FieldWarning(heading, cell, cell, f"is no {kind}; it is kept as text"))
            elif kind == "text" and is_damaged(cell):
                reading.warnings.append(FieldWarning(heading, cell, cell, DAMAGED))
            reading.data[key] = value

        return read


def _read_email(reading: _RowInput, cell: str) -> None:
    if cell.count("@") > 1 and "<" not in cell:
        first, *others = (each for each in cell.replace(";", ",").replace(" ", ",").split(",") if each)
        if all("@" in each for each in (first, *others)) and others:
            reading.body["email"] = first
            reading.data["additional_emails"] = others
            reading.warnings.append(FieldWarning("email", cell, first, "has several addresses; the first is taken"))
            return
    reading.body["email"] = cell


def _read_attributes(reading: _RowInput, cell: str) -> None:
    found = _json(cell)
    if isinstance(found, dict):
        reading.data.update(found)
    else:
        reading.data["attributes"] = cell
        reading.warnings.append(FieldWarning("attributes", cell, cell, "is no object in JSON; it is kept as text"))


def _is_unguarded(cell: str) -> bool:
    return cell[:1] != GUARD


def _list_reader(field: str, separator: str) -> _Reader:
    def read(reading: _RowInput, cell: str) -> None:
        found = read_list(cell, separator)
        held = reading.body.get(field)
        reading.body[field] = found if held is None else list(dict.fromkeys((*held, *found)))

    return read


def _phone_reader(field: str, *, has_bare_numbers: bool) -> _Reader:
    def read(reading: _RowInput, cell: str) -> None:
        if has_bare_numbers and _DIGITS.fullmatch(cell):
            cell = f"+{cell}"
        if field == "mobile":
            reading.data["mobile_phone_number"] = cell
        else:
            reading.body["phone_number"] = cell

    return read


def _data_reader(key: str) -> _Reader:
    def read(reading: _RowInput, cell: str) -> None:
        reading.data[key] = cell

    return read


def _top_reader(key: str) -> _Reader:
    def read(reading: _RowInput, cell: str) -> None:
        reading.body[key] = cell
        if key == "customer_id" and is_damaged(cell):
            reading.faults.append(Fault(key, DAMAGED))

    return read


def _json(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return None
