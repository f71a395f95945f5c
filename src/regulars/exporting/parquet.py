"""Parquet files, for analysis. They need pyarrow, which the extra `regulars[parquet]` installs."""

import io
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Final

import msgspec

from regulars.exporting.tables import ExportTable, Form

MAGIC: Final = b"PAR1"
MARK: Final = "regulars.export"
"""The key at the end of a file by which it is known as an export."""

_GROUP: Final = 20_000
"""Rows of a group, which a reader reads at a time."""

_encode = msgspec.json.Encoder().encode


def has_parquet() -> bool:
    """Whether pyarrow is installed."""
    return find_spec("pyarrow") is not None


class Parquet:
    """Parquet, with times as timestamps, amounts as decimals and lists of objects as lists of text.

    Attributes and other JSON values are text: as they are if they are text, else as JSON.
    """

    def __init__(self, table: ExportTable[Any]) -> None:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        types: dict[Form, Any] = {
            "id": pa.int64(),
            "number": pa.int64(),
            "moment": pa.timestamp("ms", "UTC"),
            "money": pa.decimal128(18, 2),
            "flag": pa.bool_(),
            "objects": pa.list_(pa.string()),
        }
        kinds = [types.get(form, pa.string()) for form in table.forms]
        self._table = table
        self._arrow = pa
        self._schema = pa.schema(list(zip(table.header, kinds, strict=True)))
        self._written = _Written()
        self._writer = ParquetWriter(self._written, self._schema, compression="zstd", store_schema=False)
        self._batches: list[Any] = []
        self._rows = 0

    def head(self) -> bytes:
        """The beginning of the file."""
        return self._written.taken()

    def slice(self, items: Sequence[Any]) -> bytes:
        """What is written when there are enough rows for a group."""
        cells = zip(self._table.columns(items), self._table.forms, self._schema.types, strict=True)
        arrays = [self._array(column, form, kind) for column, form, kind in cells]
        self._batches.append(self._arrow.record_batch(arrays, schema=self._schema))
        self._rows += len(items)
        if self._rows >= _GROUP:
            self._write()
        return self._written.taken()

    def tail(self) -> bytes:
        """The last rows, and the end of the file."""
        if self._batches:
            self._write()
        self._writer.add_key_value_metadata({MARK: "1"})
        self._writer.close()
        return self._written.taken()

    def _write(self) -> None:
        self._writer.write_table(self._arrow.Table.from_batches(self._batches), row_group_size=self._rows)
        self._batches, self._rows = [], 0

    def _array(self, cells: Sequence[Any], form: Form, kind: Any) -> Any:
        if form == "objects":
            return self._arrow.array([None if each is None else list(map(str, each)) for each in cells], kind)
        if form in ("json", "evidence"):
            return self._arrow.array(list(map(_text, cells)), kind)
        if form in ("moment", "money"):
            return self._arrow.array(cells, self._arrow.string()).cast(kind)
        return self._arrow.array(cells, kind)


def _text(cell: Any) -> str | None:
    return cell if cell is None or isinstance(cell, str) else _encode(cell).decode()


class _Written(io.RawIOBase):
    """What was written and not yet taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Keep bytes."""
        self._parts.append(bytes(data))
        self._position += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        """How many bytes were written."""
        return self._position

    def taken(self) -> bytes:
        """What was written since the last call."""
        taken, self._parts = b"".join(self._parts), []
        return taken
