"""AttributeTable: the attribute columns of an index. A column is built when it is first asked for."""

import time
from collections.abc import Iterable, Iterator, Mapping

from pyroaring import BitMap

from regulars.audience.structures.attribute_values import Path
from regulars.audience.structures.attributes import AttributeColumn
from regulars.audience.structures.missing import MissingColumnError


class AttributeTable:
    """Columns by path. It follows the changes of all that are built or being built.

    A column that is being built elsewhere is announced by `watch`, which returns a bitmap that collects the ordinals of
    all customers whose attributes change from then on. generation: goes up when changes were lost, so that columns
    that are being built are worthless.
    """

    def __init__(self) -> None:
        self._columns: dict[Path, AttributeColumn] = {}
        self._asked: dict[Path, float] = {}
        self._watches: tuple[BitMap, ...] = ()
        self.generation = 0

    def __iter__(self) -> Iterator[Path]:
        return iter(list(self._columns))

    @property
    def is_followed(self) -> bool:
        """Whether changed attributes have to be read at all."""
        return bool(self._columns)

    @property
    def is_watched(self) -> bool:
        """Whether a column is being built elsewhere."""
        return bool(self._watches)

    def column(self, path: Path) -> AttributeColumn:
        """The column of a path. Raises MissingColumnError if it is not built."""
        found = self._columns.get(path)
        if found is None:
            raise MissingColumnError
        self._asked[path] = time.monotonic()
        return found

    def peek(self, path: Path) -> AttributeColumn | None:
        """The column of a path, if it is built. This does not count as a question about it."""
        return self._columns.get(path)

    def missing(self, paths: Iterable[Path]) -> list[Path]:
        """Those of the paths that have no column yet."""
        return [path for path in paths if path not in self._columns]

    def watch(self) -> BitMap:
        """Collect the ordinals of customers whose attributes change from now on."""
        watch = BitMap()
        self._watches += (watch,)
        return watch

    def unwatch(self, watch: BitMap) -> None:
        """Stop collecting in this bitmap."""
        self._watches = tuple(each for each in self._watches if each is not watch)

    def install(self, columns: Iterable[AttributeColumn]) -> None:
        """Take columns in. They must be as new as the texts of the index."""
        for column in columns:
            self._columns[column.path] = column
            self._asked[column.path] = time.monotonic()

    def changed(self, ordinal: int, documents: Mapping[int, str | None], number: int) -> None:
        """A customer's attributes changed. documents: the current ones by number, read if `is_followed`."""
        for watch in self._watches:
            watch.add(ordinal)
        for column in self._columns.values():
            column.set(ordinal, documents.get(number))

    def clear(self) -> None:
        """Drop all columns: changes cannot be followed. `generation` tells those that are being built elsewhere."""
        self._columns.clear()
        self._asked.clear()
        self.generation += 1

    def drop_idle(self, seconds: float) -> None:
        """Drop the columns that nobody has asked for so long."""
        now = time.monotonic()
        for path in [path for path, at in self._asked.items() if now - at > seconds]:
            self._columns.pop(path, None)
            self._asked.pop(path, None)

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        return sum(column.nbytes for column in list(self._columns.values()))
