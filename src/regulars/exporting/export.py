"""An export: what it holds, in which format, and its bytes, read from one snapshot in slices."""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any, Final, Literal, get_args

from msgspec import Struct

from regulars.exporting.attribute_columns import attribute_columns
from regulars.exporting.customer_table import ATTRIBUTES, CustomerTable
from regulars.exporting.formats import Csv, FileFormat, FormatName, Ndjson
from regulars.exporting.history import read_activity, read_consents, read_logs
from regulars.exporting.history_tables import (
    CONSENT_COLUMNS,
    EVENT_COLUMNS,
    LOG_COLUMNS,
    HistoryTable,
    consent_line,
    event_line,
    log_line,
)
from regulars.exporting.parquet import Parquet
from regulars.exporting.presets import PRESETS, PresetName, PresetTable
from regulars.exporting.reading import read_people
from regulars.exporting.tables import BadFieldError, ExportTable
from regulars.store.engine import Connection
from regulars.store.threads import off_loop

ExportKind = Literal["customers", "activity", "logs", "consents"]
KINDS: Final[tuple[ExportKind, ...]] = get_args(ExportKind)

_Read = Callable[[Connection, int, Sequence[int] | None], AsyncIterator[list[Any]]]
_HISTORY: Final[dict[ExportKind, _Read]] = {
    "activity": read_activity,
    "logs": read_logs,
    "consents": read_consents,
}


class ExportRequest(Struct, frozen=True, kw_only=True):
    """What to export. fields: only these, in this order. excel: CSV with a byte order mark.

    preset: CSV of customers in the form that another system imports, with its columns. Raises BadFieldError.
    """

    kind: ExportKind = "customers"
    format: FormatName = "ndjson"
    fields: tuple[str, ...] | None = None
    excel: bool = False
    preset: PresetName | None = None

    def __post_init__(self) -> None:
        table_of(self)


def table_of(request: ExportRequest, attributes: Sequence[str] = ()) -> ExportTable[Any]:
    """The table of an export. attributes: those of customers that get a column. Raises BadFieldError."""
    fields = request.fields
    if request.preset is not None:
        if fields is not None or request.format != "csv" or request.kind != "customers":
            raise BadFieldError("a form for another system is CSV of customers, with columns of its own")
        return PresetTable(PRESETS[request.preset])
    if request.kind == "activity":
        return HistoryTable(EVENT_COLUMNS, event_line, fields)
    if request.kind == "logs":
        return HistoryTable(LOG_COLUMNS, log_line, fields)
    if request.kind == "consents":
        return HistoryTable(CONSENT_COLUMNS, consent_line, fields)
    return CustomerTable(fields, attributes)


class Export:
    """An export of a site from a snapshot. numbers: of these customers only, in ascending order. rows: written so far.

    The rows are read and rendered on threads. Memory does not grow with the site.
    """

    def __init__(
        self, connection: Connection, site: int, request: ExportRequest, numbers: Sequence[int] | None = None
    ) -> None:
        self.rows = 0
        self._connection = connection
        self._site = site
        self._request = request
        self._numbers = numbers

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file, a slice of rows at a time."""
        table = await self._table()
        made = await off_loop(self._format, table)
        yield made.head()
        async for items in self._read(table)(self._connection, self._site, self._numbers):
            chunk = await off_loop(made.slice, items) if items else b""  # a slice of customers may have no rows
            self.rows += len(items)
            yield chunk
        yield await off_loop(made.tail)

    async def _table(self) -> ExportTable[Any]:
        request = self._request
        names: Sequence[str] = ()
        if (
            request.kind == "customers"
            and request.format != "ndjson"
            and request.preset is None
            and (request.fields is None or ATTRIBUTES in request.fields)
        ):
            names = await attribute_columns(self._connection, self._site, self._numbers)
        return table_of(request, names)

    def _read(self, table: ExportTable[Any]) -> _Read:
        if isinstance(table, CustomerTable | PresetTable):
            return partial(read_people, parts=table.parts(as_lines=self._request.format == "ndjson"))
        return _HISTORY[self._request.kind]

    def _format(self, table: ExportTable[Any]) -> FileFormat:
        if self._request.format == "csv":
            preset = None if self._request.preset is None else PRESETS[self._request.preset]
            return Csv(table, excel=self._request.excel, delimiter="," if preset is None else preset.delimiter)
        return Parquet(table) if self._request.format == "parquet" else Ndjson(table)
