"""JSON Lines (NDJSON): one object a line."""

import io
from collections.abc import Iterator
from typing import Final

import msgspec

from regulars.importing.lines import Line
from regulars.importing.reading.encodings import decoded

LONGEST_LINE: Final = 4 * 1024 * 1024
"""Longest line in bytes; longer ones are truncated, which makes them invalid."""

REJECT_FIELDS: Final = ["line", "code", "reason", "faults", "raw"]
"""What a line of a reject file has. Imported, such a line is what it has in `raw`."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_REJECT_START: Final = b'{"line":'


def json_lines(stream: io.BufferedReader, encoding: str = "utf-8") -> Iterator[Line]:
    """The lines of a stream, without blank ones. encoding: that of a file with a byte order mark of UTF-16."""
    lines = _bytes(stream) if encoding.startswith("utf-8") else _recoded(stream, encoding)
    for number, raw in enumerate(lines, 1):
        if number == 1:
            raw = raw.removeprefix(_BYTE_ORDER_MARK)
        if raw.startswith(_REJECT_START):
            raw = _without_reason(raw)
        if raw.strip():
            yield Line(number, raw)


def _bytes(stream: io.BufferedReader) -> Iterator[bytes]:
    while raw := stream.readline(LONGEST_LINE):
        if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
        yield raw


def _recoded(stream: io.BufferedReader, encoding: str) -> Iterator[bytes]:
    with decoded(stream, encoding, "replace") as text:
        while line := text.readline(LONGEST_LINE):
            yield line.encode()


def _without_reason(raw: bytes) -> bytes:
    """The line that a line of a reject file is about."""
    try:
        found = msgspec.json.decode(raw)
    except ValueError:
        return raw
    is_reject = isinstance(found, dict) and list(found) == REJECT_FIELDS and isinstance(found["raw"], str)
    return found["raw"].encode(errors="replace") + b"\n" if is_reject else raw
