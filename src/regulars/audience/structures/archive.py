"""Archive: the file format of a snapshot. A header, named sections of raw bytes, and a table of sections at the end.

The file is mapped privately: arrays are views that are read on first access, and modifying one never changes the file.
All contents are checksummed; a section is verified on first use, and damage raises DamagedError.
"""

import io
import mmap
import os
import struct
import zlib
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.bitmap_table import BitmapTable

FORMAT: Final = 7
"""The format version; files of another version are not read."""

_MAGIC: Final = b"REGULARS AUDIENCE"
_HEADER: Final = struct.Struct("<20sIQQI")  # magic, format version, table offset, table length, table checksum
_ALIGNED: Final = 64
_WORTH_GIVING_BACK: Final = 1 << 20
_Key = TypeVar("_Key", bound=Hashable)


class DamagedError(Exception):
    """A snapshot is corrupt and cannot be used."""


class OtherFormatError(DamagedError):
    """A snapshot was written in another format version; it is not corrupt."""


class _Section(Struct, array_like=True):
    offset: int
    length: int
    checksum: int
    dtype: str


class _Table(Struct, array_like=True):
    sections: dict[str, _Section]
    facts: dict[str, Any]


class Writer:
    """Writes an archive sequentially. `facts`: small values that a reader gets immediately."""

    def __init__(self, file: BinaryIO) -> None:
        self.facts: dict[str, Any] = {}
        self._file = file
        self._sections: dict[str, _Section] = {}
        self._at = file.write(bytes(_HEADER.size))

    def put(self, name: str, content: bytes | NDArray[Any]) -> None:
        """Write one section."""
        self._at += self._file.write(bytes(-self._at % _ALIGNED))
        dtype = "" if isinstance(content, bytes) else content.dtype.str
        view = memoryview(content if isinstance(content, bytes) else content.data).cast("B") if len(content) else b""
        self._sections[name] = _Section(self._at, len(view), zlib.crc32(view), dtype)
        self._at += self._file.write(view)

    def put_bitmaps(self, name: str, rows: Iterable[tuple[Hashable, bytes, int]]) -> None:
        """Write many bitmaps, given as (key, serialised bitmap, number of members)."""
        listed = list(rows)
        self.put(f"{name}/keys", msgspec.msgpack.encode([key for key, _, _ in listed]))
        self.put(f"{name}/sizes", np.array([size for _, _, size in listed], dtype=np.int64))
        ends = np.cumsum([len(raw) for _, raw, _ in listed], dtype=np.int64)
        self.put(f"{name}/ends", ends if listed else np.empty(0, dtype=np.int64))
        self.put(f"{name}/checksums", np.array([zlib.crc32(raw) for _, raw, _ in listed], dtype=np.uint32))
        body = io.BytesIO()
        for _, raw, _ in listed:
            body.write(raw)
        self.put(f"{name}/bodies", body.getvalue())

    def finish(self) -> None:
        """Write the table and finally the header, which makes the file a valid archive."""
        table = msgspec.msgpack.encode(_Table(self._sections, self.facts))
        self._file.write(table)
        header = _HEADER.pack(_MAGIC, FORMAT, self._at, len(table), zlib.crc32(table))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.seek(0)
        self._file.write(header)
        self._file.flush()
        os.fsync(self._file.fileno())


class Reader:
    """An archive open for reading. Raises DamagedError, and OSError if the file cannot be opened.

    sections: where each is in the file, by name.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                raise DamagedError("the file is too short")
            magic, version, offset, length, checksum = _HEADER.unpack(header)
            if magic.rstrip(b"\0") != _MAGIC:
                raise DamagedError("the file is not a snapshot, or was not written completely")
            if version != FORMAT:
                raise OtherFormatError(f"the file has format {version}; this program reads format {FORMAT}")
            if os.fstat(file.fileno()).st_size != offset + length:
                raise DamagedError("the file length does not match its header")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        table = self._map[offset : offset + length]
        if zlib.crc32(table) != checksum:
            raise DamagedError("the table is damaged")
        try:
            decoded = msgspec.msgpack.decode(table, type=_Table)
        except msgspec.MsgspecError as error:
            raise DamagedError(f"the table cannot be read: {error}") from None
        self.sections = decoded.sections
        self.facts = decoded.facts
        self.nbytes = offset

    def __contains__(self, name: str) -> bool:
        return name in self.sections

    def bytes(self, name: str) -> bytes:
        """A copy of a section; for large ones, the mapped pages are released to the system."""
        content = self._checked(name).tobytes()
        section = self.sections[name]
        start = -(-section.offset // mmap.PAGESIZE) * mmap.PAGESIZE
        length = (section.offset + section.length) // mmap.PAGESIZE * mmap.PAGESIZE - start
        if length > _WORTH_GIVING_BACK:
            self._map.madvise(mmap.MADV_DONTNEED, start, length)
        return content

    def array(self, name: str) -> NDArray[Any]:
        """A section as an array that is a view of the mapped file."""
        view, dtype = self._checked(name), np.dtype(self.sections[name].dtype)
        return np.frombuffer(view, dtype=dtype) if len(view) else np.empty(0, dtype=dtype)

    def bitmaps(self, name: str) -> "BitmapTable[Any]":
        """Bitmaps by key, each read on first use."""
        return BitmapTable.stored(_Bodies(self, name))

    def _section(self, name: str) -> tuple[_Section, memoryview]:
        section = self.sections.get(name)
        if section is None:
            raise DamagedError(f"{name} is missing")
        return section, memoryview(self._map)[section.offset : section.offset + section.length]

    def _checked(self, name: str) -> memoryview:
        section, view = self._section(name)
        if zlib.crc32(view) != section.checksum:
            raise DamagedError(f"{name} is damaged")
        return view


class _Bodies:
    """Serialised bitmaps in an archive: a `bitmap_table.Bodies`."""

    def __init__(self, reader: Reader, name: str) -> None:
        self._name = name
        keys = msgspec.msgpack.decode(reader.bytes(f"{name}/keys"))
        self.rows = {tuple(key) if isinstance(key, list) else key: row for row, key in enumerate(keys)}
        self._sizes = reader.array(f"{name}/sizes")
        self._ends = reader.array(f"{name}/ends")
        self._checksums = reader.array(f"{name}/checksums")
        _, self._body = reader._section(f"{name}/bodies")
        self.nbytes = 100 * len(keys)

    def size(self, row: int) -> int:
        return int(self._sizes[row])

    def raw(self, row: int) -> bytes:
        start = int(self._ends[row - 1]) if row else 0
        raw = self._body[start : int(self._ends[row])].tobytes()
        if zlib.crc32(raw) != int(self._checksums[row]):
            raise DamagedError(f"a bitmap of {self._name} is damaged")
        return raw

    def read(self, row: int) -> BitMap:
        return BitMap.deserialize(self.raw(row))
