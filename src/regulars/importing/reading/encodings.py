"""The encoding of a text file: found from its bytes, or stated."""

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from regulars.importing.reading.opening import UnreadableFileError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF8: Final = "utf-8"
_WINDOWS: Final = "cp1252"
_CHUNK: Final = 1 << 20
_SAMPLE: Final = 256 * 1024
_SHOWN: Final = 5
_SEPARATORS: Final = b",;\t|\"'\r\n "


class Encoding(NamedTuple):
    """name: of the codec. changed: words that are not ASCII, as they are read. other: the next likely encoding.

    is_mixed: the text is UTF-8, but for some lines; those cannot be read.
    """

    name: str
    changed: tuple[str, ...] = ()
    other: str | None = None
    is_mixed: bool = False


def known_encoding(name: str) -> Encoding:
    """The encoding that a caller states. Raises UnreadableFileError if there is none of this name."""
    try:
        found = codecs.lookup(name).name
    except LookupError:
        found = ""
    if found not in _TEXTS:
        raise UnreadableFileError(f"there is no encoding {name!r}; common ones are utf-8, cp1252, latin-1 and utf-16")
    return Encoding("utf-8-sig" if found == _UTF8 else found)


def find_encoding(stream: io.BufferedReader) -> Encoding:
    """The encoding of the rest of a stream, which is read to its end.

    A byte order mark decides; then UTF-8 if all bytes are; then UTF-16 by its zero bytes. What is left is Windows-1252,
    unless most of its letters are UTF-8: then some lines are of another encoding.
    """
    head = stream.peek(4)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name)
    decoder = codecs.getincrementaldecoder(_UTF8)()
    sample = b""
    while chunk := stream.read(_CHUNK):
        if not sample:
            sample = chunk[:_SAMPLE]
            if (wide := _zero_pattern(sample)) is not None:
                return Encoding(wide)
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            return _without_mark(sample, chunk)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return Encoding(_UTF8, is_mixed=True)  # it ends within a character: the file was cut
    return Encoding(_UTF8)


def _zero_pattern(sample: bytes) -> str | None:
    even, odd = sample[0:2000:2], sample[1:2000:2]
    if len(odd) > 4 and odd.count(0) > len(odd) * 0.7 and not even.count(0):
        return "utf-16-le"
    if len(even) > 4 and even.count(0) > len(even) * 0.7 and not odd.count(0):
        return "utf-16-be"
    return None


def _without_mark(sample: bytes, chunk: bytes) -> Encoding:
    """The encoding of a text that is not UTF-8 as a whole, by a part of it that is not."""
    letters = len(chunk.decode(_UTF8, "ignore").encode("ascii", "ignore"))
    valid = sum(map(len, (line for line in chunk.splitlines() if not line.isascii() and _is_utf8(line))))
    foreign = sum(len(line) for line in chunk.splitlines() if not line.isascii() and not _is_utf8(line))
    if letters and valid > foreign:
        return Encoding(_UTF8, is_mixed=True)
    return Encoding(_WINDOWS, tuple(_changed_words(chunk)), _second_opinion(sample if not sample.isascii() else chunk))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode(_UTF8)
    except UnicodeDecodeError:
        return False
    return True


def _changed_words(chunk: bytes) -> Iterator[str]:
    seen: set[bytes] = set()
    for word in chunk[:_SAMPLE].translate(bytes.maketrans(_SEPARATORS, b"\n" * len(_SEPARATORS))).split(b"\n"):
        if word and not word.isascii() and word not in seen:
            seen.add(word)
            yield word.decode(_WINDOWS, "replace")
            if len(seen) == _SHOWN:
                return


def _second_opinion(sample: bytes) -> str | None:
    """What another detector says, if it says something else."""
    from charset_normalizer import from_bytes  # it takes a moment to load, and most files are UTF-8

    best = from_bytes(sample[:_SAMPLE]).best()
    return None if best is None or best.encoding in (_WINDOWS, "latin_1", _UTF8) else best.encoding


_TEXTS: Final = frozenset(
    codecs.lookup(name).name
    for name in (
        *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii", "mac_roman", "koi8-r", "koi8-u"),
        *(f"cp125{place}" for place in range(9)),
        *(f"iso8859-{place}" for place in (*range(1, 12), 13, 14, 15, 16)),
        *("cp437", "cp850", "cp852", "cp866", "shift_jis", "cp932", "euc_jp", "gb18030", "gbk", "big5", "euc_kr"),
    )
)
"""The encodings of text that a caller may state."""


@contextmanager
def decoded(
    stream: io.BufferedReader, encoding: str, errors: str, newline: str | None = None
) -> Iterator[io.TextIOWrapper]:
    """A stream as text. It stays open, and may be closed before this ends: a cancelled import leaves it half read."""
    text = io.TextIOWrapper(stream, encoding, errors=errors, newline=newline)
    try:
        yield text
    finally:
        if not stream.closed:
            text.detach()
