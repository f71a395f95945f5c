"""BitmapTable: bitmaps by key, some in memory and some still in a snapshot file."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

from pyroaring import BitMap

from regulars.audience.structures.bitmaps import approximate_bytes

_Key = TypeVar("_Key", bound=Hashable)


class Rows(Protocol[_Key]):
    """Maps keys to rows: the required subset of dict."""

    def get(self, key: _Key, /) -> int | None: ...  # noqa: D102
    def pop(self, key: _Key, default: None, /) -> int | None: ...  # noqa: D102
    def __contains__(self, key: object, /) -> bool: ...
    def __iter__(self) -> Iterator[_Key]: ...
    def __len__(self) -> int: ...


class Bodies(Protocol[_Key]):
    """Serialised bitmaps."""

    @property
    def rows(self) -> Rows[_Key]:
        """The row of each key."""
        ...

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        ...

    def size(self, row: int) -> int:
        """The number of members of a bitmap."""
        ...

    def raw(self, row: int) -> bytes:
        """A bitmap in serialised form."""
        ...

    def read(self, row: int) -> BitMap:
        """A bitmap."""
        ...


class BitmapTable(Generic[_Key]):
    """A dict-like table of bitmaps. A bitmap in the file is read on first use and then stays in memory."""

    def __init__(self, loaded: Mapping[_Key, BitMap] | None = None) -> None:
        self._loaded: dict[_Key, BitMap] = dict(loaded or {})
        self._bodies: Bodies[_Key] | None = None
        self._rows: Rows[_Key] = {}  # only of keys that are not loaded

    @classmethod
    def stored(cls, bodies: Bodies[_Key]) -> "BitmapTable[_Key]":
        """A table of stored bitmaps, none of them loaded yet."""
        table: BitmapTable[_Key] = cls()
        table._bodies = bodies
        table._rows = bodies.rows
        return table

    def __len__(self) -> int:
        return len(self._loaded) + len(self._rows)

    def __contains__(self, key: _Key) -> bool:
        return key in self._loaded or key in self._rows

    def __iter__(self) -> Iterator[_Key]:
        yield from dict.fromkeys([*self._rows, *self._loaded])  # in this order: one may be loaded meanwhile

    def __getitem__(self, key: _Key) -> BitMap:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def get(self, key: _Key) -> BitMap | None:
        """The bitmap of a key, None if there is none. The caller may modify it."""
        found = self._loaded.get(key)
        if found is None and (row := self._rows.get(key)) is not None:
            assert self._bodies is not None
            # The event loop and the pool thread may get here concurrently: the first one wins.
            found = self._loaded.setdefault(key, self._bodies.read(row))
            self._rows.pop(key, None)
        return found

    def size(self, key: _Key) -> int:
        """The number of members of a key's bitmap, without reading it."""
        row = self._rows.get(key)
        if row is None or self._bodies is None:
            return len(self._loaded.get(key, ()))
        return self._bodies.size(row)

    def setdefault(self, key: _Key, bitmap: BitMap) -> BitMap:
        """The bitmap of a key; stores this one if there is none."""
        found = self.get(key)
        return self._loaded.setdefault(key, bitmap) if found is None else found

    def pop(self, key: _Key) -> None:
        """Remove a key, if present."""
        self._loaded.pop(key, None)
        self._rows.pop(key, None)

    def items(self) -> Iterator[tuple[_Key, BitMap]]:
        """Every key with its bitmap; bitmaps in the file are read but not kept in memory."""
        for key in self:
            row = self._rows.get(key)
            if row is not None and self._bodies is not None:
                yield key, self._bodies.read(row)
            elif (found := self._loaded.get(key)) is not None:
                yield key, found

    def raw(self, key: _Key) -> tuple[bytes, int] | None:
        """(serialised bitmap, number of members) of a key, None if there is none."""
        row = self._rows.get(key)
        if row is not None and self._bodies is not None:
            return self._bodies.raw(row), self._bodies.size(row)
        found = self._loaded.get(key)
        return None if found is None else (found.serialize(), len(found))

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        stored = 0 if self._bodies is None else self._bodies.nbytes
        return approximate_bytes(list(self._loaded.values())) + stored
