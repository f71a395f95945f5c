"""JSON that is not one object a line: an array of objects, or objects that span several lines."""

import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from regulars.importing.reading.opening import UnreadableFileError

LARGEST_VALUE: Final = 4 * 1024 * 1024
"""Characters of the largest object."""

_CHUNK: Final = 256 * 1024
_decode: Final = json.JSONDecoder(parse_constant=lambda name: name).raw_decode


class Value(NamedTuple):
    """A value with the line where it begins, from 1, as it is written."""

    line: int
    text: str


def json_values(text: Iterator[str], name: str) -> Iterator[Value]:
    """The objects of a JSON array, or objects that follow each other. text: the file in pieces, such as its lines.

    Raises UnreadableFileError where the file stops being JSON; what was given out before is right.
    """
    buffer = _Buffer(text)
    buffer.fill(_CHUNK)
    is_array = buffer.skip(r"\s*\[")
    while True:
        buffer.skip(r"[\s,]*")
        if is_array and buffer.skip(r"\]"):
            return
        if buffer.is_empty():
            if is_array:
                raise UnreadableFileError(f"{name} ends at line {buffer.line} within the array: it was cut off")
            return
        yield buffer.value(name)


class _Buffer:
    """The text that was read and not yet used."""

    def __init__(self, text: Iterator[str]) -> None:
        self.line = 1
        self._text = text
        self._buffer = ""
        self._at = 0

    def fill(self, count: int) -> bool:
        """Read at least this many characters more; False at the end."""
        pieces = []
        while count > 0 and (piece := next(self._text, "")):
            pieces.append(piece)
            count -= len(piece)
        if pieces:
            self._buffer, self._at = "".join((self._buffer[self._at :], *pieces)), 0
        return bool(pieces)

    def skip(self, pattern: str) -> bool:
        """Skip what matches; True if something did."""
        while (match := re.compile(pattern).match(self._buffer, self._at)) is not None:
            if match.end() == len(self._buffer) and self.fill(_CHUNK):
                continue
            self._advance(match.end())
            return bool(match.group())
        return False

    def is_empty(self) -> bool:
        """Whether there is no more text."""
        return self._at == len(self._buffer) and not self.fill(_CHUNK)

    def value(self, name: str) -> Value:
        """The next value."""
        while True:
            try:
                _, end = _decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:
                if len(self._buffer) - self._at < LARGEST_VALUE and self.fill(_CHUNK):
                    continue
                reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deep"
                raise UnreadableFileError(f"{name} is no JSON after line {self.line}: {reason}") from None
            found = Value(self.line, self._buffer[self._at : end])
            self._advance(end)
            return found

    def _advance(self, end: int) -> None:
        self.line += self._buffer.count("\n", self._at, end)
        self._at = end
