"""Recognising a table: reads it once, and finds what each column fills, how dates are written, and how full it is."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

from regulars.exporting.customer_columns import ATTRIBUTE_PREFIX
from regulars.importing.columns.cells import cleaned, flag_of, is_plain, null_words
from regulars.importing.columns.dates import DateFormat, UndecidedOrderError, zone_of_header
from regulars.importing.columns.exporters import OWN, state_of_file
from regulars.importing.columns.lists import find_separator
from regulars.importing.columns.mapping import MappingError, TableColumn, TableMapping, Wishes, shown_names
from regulars.importing.columns.names import folded
from regulars.importing.columns.statuses import CAUSES, state_of
from regulars.importing.columns.targets import CONSENT_FIELDS, IGNORED, SHARED, Target, attribute
from regulars.importing.columns.vocabularies import Vocabulary
from regulars.importing.reading.blocks import CellBlock

_SAMPLES: Final = 3
_VALUES: Final = 200
"""Different values of a column that are kept to judge it by."""

_LOOKED_AT: Final = 50_000
"""Records by which a column of plain text is judged; others are judged by all."""

_MOST_SEEN: Final = 5_000
_LONGEST_SAMPLE: Final = 60
_MOSTLY: Final = 0.8
REJECT_COLUMNS: Final = ("regulars_column", "regulars_value", "regulars_line", "regulars_reason")
"""What a reject file has besides the columns of its table; imported, they say nothing."""

_LISTS: Final = ("tags", "groups", "newsletters", "product_ids")


Records = Callable[[Callable[[CellBlock], bool]], Iterable[list[list[str]]]]
"""Gives the records of a table, all as wide as the header, in chunks. It may offer a block instead, which is not read
again if the function given to it returns True.
"""


def recognise(
    header: Sequence[str], records: Records, name: str, wishes: Wishes, vocabulary: Vocabulary
) -> TableMapping:
    """What the columns of a table fill. name: of the file, in which some exporters say more.

    Raises MappingError if no column can name a customer, or day and month of a column cannot be told apart.
    """
    exporter = vocabulary.exporter_of(header)
    columns = []
    for place, heading in enumerate(header):
        key = folded(heading) or heading
        column = TableColumn(place=place, name=heading, target=attribute(heading or f"column {place + 1}"))
        if heading in REJECT_COLUMNS:
            column.target, column.why = IGNORED, "stated"
        elif key in wishes.targets:
            column.target, column.why = wishes.targets[key], "stated"
        elif exporter is not None and exporter.name == OWN and heading.startswith(ATTRIBUTE_PREFIX):
            column.target, column.why = attribute(heading.removeprefix(ATTRIBUTE_PREFIX), "json"), "exporter"
        elif exporter is not None and key in exporter.columns:
            column.target, column.why = exporter.columns[key], "exporter"
        elif (target := vocabulary.target_of(_without_zone(heading))) is not None:
            column.target, column.why = target, "name"
        if column.target.is_date:
            order = wishes.order or (None if exporter is None or column.why == "name" else exporter.order)
            column.date = DateFormat(order, zone_of_header(heading) or wishes.zone)
        columns.append(column)
    survey = _Survey(columns, null_words(wishes.nulls))
    survey.read(records(survey.take))
    _doubt_consent(columns, survey)
    _find_address(columns, survey)
    _settle_doubles(columns)
    for column in columns:
        if column.target.field in _LISTS or column.target.kind == "list":
            column.separator = find_separator(survey.values[column.place])
        _decide_dates(column, survey)
    _note_states(columns, survey)
    mapping = TableMapping(
        columns=columns, exporter=exporter, state=state_of_file(exporter, name), records=survey.records
    )
    for fields, missing in zip(vocabulary.required, vocabulary.missing, strict=True):
        if not any(mapping.column_of(field) for field in fields):
            raise MappingError(f"{name}: {missing}. The columns are {shown_names(header)}")
    return mapping


class _Survey:
    """What the cells of each column are like."""

    def __init__(self, columns: Sequence[TableColumn], nulls: frozenset[str]) -> None:
        self.records = 0
        self.values: list[dict[str, None]] = [{} for _ in columns]
        self._seen: list[set[str]] = [{""} for _ in columns]
        self._columns = columns
        self._nulls = nulls

    def read(self, chunks: Iterable[list[list[str]]]) -> None:
        """Read all records once."""
        for chunk in filter(None, chunks):
            self.records += len(chunk)
            for column, cells in zip(self._columns, zip(*chunk, strict=True), strict=True):
                self._note(column, cells)

    def take(self, block: CellBlock) -> bool:
        """Take the records of a block, if few columns are still judged by their values."""
        if self.records <= _LOOKED_AT:
            return False
        self.records += block.records
        for column, filled in zip(self._columns, block.filled, strict=True):
            column.filled += filled
            if filled and self._is_open(column):
                self._judge(column, block.different(column.place))
        return True

    def _note(self, column: TableColumn, cells: tuple[str, ...]) -> None:
        filled = len(list(filter(None, cells)))
        column.filled += filled
        if filled and self._is_open(column):
            self._judge(column, cells)

    def _is_judging(self, column: TableColumn) -> bool:
        judges = self.records <= _LOOKED_AT or _is_judged(column)
        return judges and len(self.values[column.place]) < _VALUES

    def _is_open(self, column: TableColumn) -> bool:
        """Whether values of the column are still looked at."""
        return self._is_judging(column) or (column.date is not None and column.date.is_open)

    def _judge(self, column: TableColumn, cells: Sequence[str]) -> None:
        values, seen = self.values[column.place], self._seen[column.place]
        is_open = self._is_judging(column)
        if seen.issuperset(cells):
            return
        fresh = [each for each in dict.fromkeys(cells) if each not in seen]
        if len(seen) < _MOST_SEEN:
            seen.update(fresh)
        different = dict.fromkeys(each if is_plain(each) else cleaned(each) for each in fresh)
        different.pop("", None)
        for word in self._nulls & different.keys():
            del different[word]
        if column.date is not None:
            column.date.note(different)
        if is_open:
            values.update(dict.fromkeys(islice(different, _VALUES)))
            column.samples = tuple(_short(each) for each in islice(values, _SAMPLES))


def _is_judged(column: TableColumn) -> bool:
    """Whether what a column fills depends on its values, wherever they are in the file."""
    target = column.target
    return target.is_date or target.field in CONSENT_FIELDS or target.field in _LISTS or target.kind == "list"


def _doubt_consent(columns: Iterable[TableColumn], survey: _Survey) -> None:
    """A column that has only the name of consent or a date, and other words in it, is an attribute."""
    for column in columns:
        if column.why != "name":
            continue
        values, field = survey.values[column.place], column.target.field
        if field in ("subscribed", "unsubscribed"):
            is_doubtful = any(flag_of(each) is None for each in values)
            if is_doubtful and values and all(state_of(each) is not None for each in values):
                column.target = Target("consent_status")
                continue
        elif field == "consent_status":
            is_doubtful = any(state_of(each) is None for each in values)
        elif column.date is not None:
            readable = sum(_is_date(column.date, each) for each in values)
            is_doubtful = readable < len(values) * _MOSTLY
        else:
            continue
        if is_doubtful:
            column.note = f"it has the name of {field}, but its values are something else"
            column.target, column.why, column.date = attribute(column.name), "unknown", None


def _note_states(columns: Sequence[TableColumn], survey: _Survey) -> None:
    """Say of an attribute with words such as unsubscribed that it may be about consent, if no column is."""
    if any(column.target.field in CONSENT_FIELDS for column in columns):
        return
    for column in columns:
        states = {state_of(each) for each in survey.values[column.place]}
        if column.why == "unknown" and None not in states and not states.isdisjoint(CAUSES):
            column.note = (
                "its words look like states of consent, and nothing of them is taken; "
                f'to take them: --map "{column.name}=consent_status"'
            )


def _is_date(dates: DateFormat, value: str) -> bool:
    either = DateFormat(dates.order or "dmy", dates.zone), DateFormat("mdy", dates.zone)
    return any(each.read(value) is not None for each in either)


def _find_address(columns: Sequence[TableColumn], survey: _Survey) -> None:
    """If no column has the name of an address, one that is full of addresses is it."""
    if any(column.target.field == "email" for column in columns):
        return
    best: tuple[float, TableColumn] | None = None
    for column in columns:
        values = survey.values[column.place]
        share = sum(looks_like_address(each) for each in values) / len(values) if values else 0.0
        if column.why not in ("stated", "exporter") and share >= _MOSTLY and (best is None or share > best[0]):
            best = share, column
    if best is not None:
        best[1].target, best[1].why = Target("email"), "content"


def looks_like_address(value: str) -> bool:
    """Whether a value is an address, or begins with one."""
    local, at, domain = value.partition("@")
    return bool(at and local and "." in domain and " " not in local)


def _settle_doubles(columns: Sequence[TableColumn]) -> None:
    """Of columns that could fill the same field, the fuller one does. The others become attributes; that is said."""
    by_field: dict[str, list[TableColumn]] = {}
    for column in columns:
        if column.target.key is None and column.target.field not in SHARED:
            by_field.setdefault(column.target.field, []).append(column)
    for field, each in by_field.items():
        if field == "consent_status":
            continue  # all of them count, and the strictest wins
        ranked = sorted(each, key=lambda one: (one.why == "stated", one.filled, one.why == "exporter"), reverse=True)
        for other in ranked[1:]:
            other.note = (
                f'could be {field} too, which {ranked[0].name!r} is; to change it: --map "{other.name}={field}"'
            )
            other.target, other.why, other.date = attribute(_other_key(other, columns)), "unknown", None


def _other_key(column: TableColumn, columns: Sequence[TableColumn]) -> str:
    """The name of the attribute that a column becomes: its heading, numbered if the same stands before it."""
    same = [each for each in columns if folded(each.name) == folded(column.name)]
    place = next(place for place, each in enumerate(same, 1) if each is column)
    return column.name if place == 1 else f"{column.name} {place}"


def _decide_dates(column: TableColumn, survey: _Survey) -> None:
    if column.date is None:
        return
    try:
        column.date.decide()
    except UndecidedOrderError as error:
        day_first, month_first = (DateFormat(order, column.date.zone).read(error.example) for order in ("dmy", "mdy"))
        raise MappingError(
            f"the column {column.name!r} has dates such as {error.example}, which may be {(day_first or '')[:10]} or "
            f"{(month_first or '')[:10]}, and {error.why}: say --date-order dmy or --date-order mdy"
        ) from None


def _without_zone(heading: str) -> str:
    return heading.partition("(")[0] if zone_of_header(heading) is not None else heading


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_SAMPLE else f"{value[: _LONGEST_SAMPLE - 3]}..."
