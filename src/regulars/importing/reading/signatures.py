"""What a file is by its first bytes: the formats that an import cannot read, with what to do instead."""

from typing import Final, NamedTuple

GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
EMPTY_ZIP: Final = b"PK\x05\x06"
OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Signature(NamedTuple):
    """The bytes that a format has at an offset, and the rest of the sentence about such a file."""

    offset: int
    magic: bytes
    sentence: str


_IMAGE: Final = "is an image: export the list as CSV from the program that shows it"
_ARCHIVE: Final = "archive: unpack it and import what is inside"

SIGNATURES: Final[tuple[Signature, ...]] = (
    Signature(0, b"\x89PNG", _IMAGE),
    Signature(0, b"\xff\xd8\xff", _IMAGE),
    Signature(0, b"GIF8", _IMAGE),
    Signature(8, b"WEBP", _IMAGE),
    Signature(4, b"ftyp", "is a picture or a video: export the list as CSV"),
    Signature(0, b"II*\0", _IMAGE),
    Signature(0, b"MM\0*", _IMAGE),
    Signature(0, b"BM", ""),
    Signature(0, b"%PDF", "is a PDF document: export the list as CSV or XLSX"),
    Signature(0, b"7z\xbc\xaf\x27\x1c", f"is a 7z {_ARCHIVE}"),
    Signature(0, b"Rar!", f"is a RAR {_ARCHIVE}"),
    Signature(257, b"ustar", f"is a tar {_ARCHIVE}"),
    Signature(0, GZIP, "is compressed twice: unpack it once"),
    Signature(0, b"BZh", "is compressed with bzip2: unpack it with `bunzip2`, or pipe it through `bzcat`"),
    Signature(0, b"\xfd7zXZ\0", "is compressed with xz: unpack it with `unxz`, or pipe it through `xzcat`"),
    Signature(0, b"\x28\xb5\x2f\xfd", "is compressed with zstd: unpack it with `unzstd`, or pipe it through `zstdcat`"),
    Signature(0, b"PAR1", "is a Parquet file: convert it to CSV"),
    Signature(0, b"SQLite format 3\0", "is a SQLite database: export the table as CSV"),
    Signature(0, b"\x7fELF", "is a program"),
    Signature(0, b"MZ", ""),
    Signature(0, b"{\\rtf", "is an RTF document: export the list as CSV or XLSX"),
)
"""Formats that are refused. An empty sentence needs more than these bytes, as text may begin with them."""

_LOOKED_AT: Final = 4096
_MOST_CONTROLS: Final = 32
_MOST_CONTROLS_SHARE: Final = 0.02
"""How many control characters a text may have in its beginning."""

_MARKUP: Final = (b"<!doctype", b"<html", b"<?xml", b"<svg")


def unreadable(head: bytes) -> str | None:
    """Why a file that begins like this cannot be imported, as the rest of a sentence; None if it may be."""
    for signature in SIGNATURES:
        end = signature.offset + len(signature.magic)
        if head[signature.offset : end] == signature.magic and (signature.sentence or _has_binary(head)):
            return signature.sentence or "is no text: export the list as CSV or XLSX"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].lower().startswith(_MARKUP):
        return "is a web page or an XML document: export the list as CSV or XLSX"
    return None


def is_binary(head: bytes) -> bool:
    """Whether what begins like this is no text in an encoding of one byte a character."""
    head = head[:_LOOKED_AT]
    count = sum(byte < 9 or 13 < byte < 27 for byte in head)
    return count > _MOST_CONTROLS and count > len(head) * _MOST_CONTROLS_SHARE


def _has_binary(head: bytes) -> bool:
    """Whether there are control characters that no text has."""
    return any(byte < 9 or 13 < byte < 27 for byte in head[:512])
