"""The input of an import: a file of any format that can be read, as lines in the format of the API.

A file is opened, its format and encoding are found, and the columns of a table are recognised, before any line is
given out. So what was understood can be shown first.
"""

import csv
import io
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from regulars.domain.limits import DEFAULT
from regulars.domain.references import parse_reference
from regulars.importing.columns.events import EventConverter
from regulars.importing.columns.mapping import MappingError, TableMapping, Wishes, by_heading
from regulars.importing.columns.recognition import looks_like_address, recognise
from regulars.importing.columns.rows import RowConverter
from regulars.importing.columns.targets import Target
from regulars.importing.columns.vocabularies import CUSTOMERS, EVENTS, Vocabulary
from regulars.importing.lines import Line, Record
from regulars.importing.reading.blocks import CellBlock, lines_not_taken
from regulars.importing.reading.delimited import DELIMITERS, Row, find_delimiter, plain_cells, rows, text_lines
from regulars.importing.reading.encodings import Encoding, find_encoding, known_encoding
from regulars.importing.reading.json_lines import json_lines
from regulars.importing.reading.json_values import json_values
from regulars.importing.reading.opening import HEAD, FilePart, Stream, UnreadableFileError, opened
from regulars.importing.reading.signatures import GZIP, is_binary, unreadable
from regulars.importing.reading.spreadsheets import Workbook, is_workbook
from regulars.importing.reading.tables import CHUNK, CellTable, table_of

Format = Literal["json lines", "json", "delimited", "workbook"]


_LONGEST_SHOWN: Final = 60


class Asked(Struct, frozen=True, kw_only=True):
    """What a caller states about a file, instead of what would be found out.

    targets: by heading. event: the name of events whose row has none. shared: words that every line has, by field, such
    as tags. wording: what everybody in the file agreed to.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    targets: Mapping[str, Target] = {}
    wishes: Wishes = Wishes()
    shared: Mapping[str, list[str]] = {}
    wording: str | None = None
    event: str | None = None

    def __post_init__(self) -> None:
        """Raise OptionError for words that no line could have."""
        for field, words in self.shared.items():
            for word in words:
                try:
                    parse_reference(word, field.removesuffix("s"), longest=DEFAULT.object_key)
                except ValueError as error:
                    raise OptionError(field, f"{_short(word)!r} {error}") from None
        if self.wording is not None and not 1 <= len(self.wording.strip()) <= DEFAULT.text:
            raise OptionError("consent", f"must have 1 to {DEFAULT.text:,} characters")


class OptionError(MappingError):
    """An option that cannot be taken. option: the parameter."""

    def __init__(self, option: str, told: str) -> None:
        super().__init__(told)
        self.option = option


def _short(word: str) -> str:
    return word if len(word) <= _LONGEST_SHOWN else f"{word[:_LONGEST_SHOWN]}..."


class Understood(NamedTuple):
    """What was found out about one part of the input. mapping: of a table, else None. has_macros: a workbook's."""

    name: str
    format: Format
    encoding: Encoding | None
    delimiter: str | None
    mapping: TableMapping | None
    header: Sequence[str] = ()
    has_macros: bool = False


class Input:
    """An opened file. parts: what was understood of each list in it. size: in the units of `position`, None if unknown.

    is_repeatable: whether the lines can be read more than once.
    """

    def __init__(self, name: str, sources: Sequence["_Source"], *, is_repeatable: bool) -> None:
        self.name = name
        self.parts = [source.understood for source in sources]
        self.is_repeatable = is_repeatable
        sizes = [source.part.size for source in sources]
        self.size = None if None in sizes else sum(filter(None, sizes))
        self._sources = sources
        self._done = 0
        self._source: _Source | None = None

    @property
    def position(self) -> int:
        """How much was read since the iteration began."""
        return self._done + (0 if self._source is None else self._source.position)

    @property
    def is_table(self) -> bool:
        """Whether the lines come from a table."""
        return any(part.mapping is not None for part in self.parts)

    def __iter__(self) -> Iterator[Line]:
        """Iterate over the lines. Raises UnreadableFileError if the rest of the file cannot be read."""
        self._done, last = 0, 0
        for place, source in enumerate(self._sources):
            self._source, base = source, last
            for line in source.lines(place):
                last = base + line.number
                yield line if base == 0 else line._replace(number=last)
            source.close()
            self._done, self._source = self._done + (source.part.size or 0), None


class _Source:
    """One part of the input. shown: the name of the file as the caller gave it, and the part's if there are several."""

    def __init__(self, part: FilePart, shown: str, asked: Asked, kind: str) -> None:
        self.part = part
        self._shown = shown
        self._asked = asked
        self._kind = kind
        self._streams: list[Stream] = []
        self._converter: RowConverter | None = None
        self._events: EventConverter | None = None
        self._workbook: Workbook | None = None
        self.understood = Understood(shown, "json lines", None, None, None)

    @property
    def position(self) -> int:
        return self._streams[-1].position() if self._streams else 0

    def close(self) -> None:
        """Close what was opened."""
        for each in self._streams:
            each.close()
        self._streams.clear()

    def lines(self, place: int) -> Iterator[Line]:
        """The lines of this part."""
        number = 0
        try:
            if self.understood.format == "json lines":
                for line in json_lines(self._open(), self._encoding):
                    number = line.number
                    yield line
            elif self.understood.format == "json":
                for value in json_values(text_lines(self._open(), self._encoding), self._shown):
                    number = max(number + 1, value.line)
                    yield Line(number, value.text.encode(errors="replace"))
            elif self._events is not None:
                for row, body, refusal, rest in self._events.convert(self._table().rows):
                    number = row.line
                    others = tuple(each.cells for each in rest)
                    yield Line(number, body, Record(place, number, row.cells, refusal, others=others))
            else:
                assert self._converter is not None
                convert = self._converter.convert
                for row in self._table().rows:
                    number = row.line
                    body, refusal, warnings = convert(row)
                    yield Line(number, body, Record(place, number, row.cells, refusal, warnings))
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFileError(
                f"{self._shown} cannot be read after line {number}: {error}; get it again"
            ) from error
        except UnicodeError as error:
            raise UnreadableFileError(self._wrongly_encoded(error)) from error

    def understand(self) -> Understood:
        """Find out what it is. Raises UnreadableFileError and MappingError."""
        raw = self._open()
        try:
            head = raw.peek(HEAD)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFileError(f"{self._shown} cannot be read: {error}; get it again") from error
        if is_workbook(head):
            return self._understand_workbook()
        sentence = unreadable(head)
        if sentence is not None:
            raise UnreadableFileError(f"{self._shown} {sentence}")
        try:
            return self._understand_text(raw, head)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFileError(f"{self._shown} cannot be read: {error}; get it again") from error
        except UnicodeError as error:
            raise UnreadableFileError(self._wrongly_encoded(error)) from error

    def _wrongly_encoded(self, error: UnicodeError) -> str:
        told = f"{self._shown} is not in the encoding {self._asked.encoding}: {error}"
        return f"{told}; leave --encoding away, or state another"

    def _understand_workbook(self) -> Understood:
        if self._is_compressed():
            raise UnreadableFileError(f"{self._shown} is a compressed spreadsheet: unpack it first")
        if self.part.path is None:
            raise UnreadableFileError(f"{self._shown} is a spreadsheet within an archive: unpack it first")
        self._workbook = Workbook(self.part.path, self._shown)
        return self._understand_table("workbook", None, None)._replace(has_macros=self._workbook.has_macros)

    def _is_compressed(self) -> bool:
        if self.part.path is None:
            return False
        with self.part.path.open("rb") as file:
            return file.read(len(GZIP)) == GZIP

    def _understand_text(self, raw: io.BufferedReader, head: bytes) -> Understood:
        asked = self._asked
        encoding = known_encoding(asked.encoding) if asked.encoding else None
        if encoding is None:
            encoding = Encoding("utf-8") if _json_of(head) else find_encoding(raw)
            if encoding.name in _BYTEWISE and is_binary(head):
                raise UnreadableFileError(f"{self._shown} is no text: export the list as CSV or XLSX")
        text = head.decode(encoding.name, "replace") if encoding.name else ""
        found = _json_format(text)
        if found is not None and asked.delimiter is None:
            return Understood(self._shown, found, encoding, None, None)
        delimiter = asked.delimiter or find_delimiter(text)
        return self._understand_table("delimited", encoding, delimiter)

    def _understand_table(self, form: Format, encoding: Encoding | None, delimiter: str | None) -> Understood:
        vocabulary = CUSTOMERS if self._kind == "customers" else EVENTS
        self.understood = Understood(self._shown, form, encoding, delimiter, None)
        table, asked = self._table(), self._asked
        targets = by_heading(asked.targets, table.header)
        wishes = Wishes(targets=targets, order=asked.wishes.order, zone=asked.wishes.zone, nulls=asked.wishes.nulls)
        mapping = self._recognised(table, wishes, vocabulary)
        if self._kind != "customers":
            self._events = EventConverter(mapping, wishes, event=asked.event)
            return self.understood._replace(mapping=mapping, header=table.header)
        self._converter = RowConverter(
            mapping, wishes, Path(self._shown).name, shared=asked.shared, wording=asked.wording
        )
        return self.understood._replace(mapping=mapping, header=table.header)

    def _table(self) -> CellTable:
        return table_of(self._rows(), self._shown, lambda cells: any(map(looks_like_address, cells)))

    def _recognised(self, table: CellTable, wishes: Wishes, vocabulary: Vocabulary) -> TableMapping:
        """What the columns fill, from a quick reading of all records. Raises MappingError."""
        if self._workbook is None:
            assert self.understood.delimiter is not None
            try:
                return recognise(table.header, partial(self._records, table), self._shown, wishes, vocabulary)
            except csv.Error:
                table = self._table()  # some records break the rules; the others are read one by one
        good = (row.cells for row in table.rows if row.problem is None)
        chunks = iter(lambda: list(islice(good, CHUNK)), [])
        return recognise(table.header, lambda _: chunks, self._shown, wishes, vocabulary)

    def _records(self, table: CellTable, take: Callable[[CellBlock], bool]) -> Iterator[list[list[str]]]:
        delimiter = self.understood.delimiter
        assert delimiter is not None
        lines = lines_not_taken(self._open(), self._encoding, delimiter, table.top, len(table.header), take)
        return table.chunks(plain_cells(lines, delimiter))

    def _rows(self) -> Iterator[Row]:
        if self._workbook is not None:
            return self._workbook.rows(self._asked.sheet)
        assert self.understood.delimiter is not None
        return rows(text_lines(self._open(), self._encoding), self.understood.delimiter)

    @property
    def _encoding(self) -> str:
        encoding = self.understood.encoding
        assert encoding is not None
        return "utf-8-sig" if encoding.name == "utf-8" else encoding.name

    def _open(self) -> io.BufferedReader:
        stream = self.part.open()
        self._streams.append(stream)
        return stream.bytes


@contextmanager
def open_input(
    path: str, kind: str = "customers", asked: Asked | None = None, name: str | None = None
) -> Iterator[Input]:
    """Open and understand a file, or standard input for "-". name: what it is called, if not by its path.

    Raises UnreadableFileError if it cannot be read, and MappingError if its columns cannot be told.
    """
    asked = asked or Asked()
    if asked.delimiter is not None and asked.delimiter not in DELIMITERS:
        raise MappingError(f"the separator {asked.delimiter!r} is not one of , ; | and a tab")
    with opened(path, name) as found, ExitStack() as stack:
        several = len(found.parts) > 1
        sources = [
            _Source(part, f"{found.name}: {part.name}" if several else found.name, asked, kind) for part in found.parts
        ]
        for source in sources:
            stack.callback(source.close)
            source.understood = source.understand()
        yield Input(found.name, sources, is_repeatable=found.is_repeatable)


def _json_of(head: bytes) -> bool:
    """Whether a file begins as JSON in UTF-8 does."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[") and b"\0" not in head[:4]


_BYTEWISE: Final = ("utf-8", "cp1252")
_ARRAY_STARTS: Final = ("{", "]", "")


def _json_format(text: str) -> Format | None:
    """The JSON format of a text that begins like this; None if it is not JSON."""
    start = text.lstrip("\ufeff \t\r\n")
    if not start:
        return "json lines"
    if start[:1] == "[" and start[1:].lstrip()[:1] in _ARRAY_STARTS:
        return "json"
    if start[:1] != "{":
        return None
    return "json" if start.splitlines()[0].strip() == "{" else "json lines"
