"""TextOrder: represents the sort order of a text field as a numeric column.

Every distinct text has an int64 label. Labels sort like the texts and have gaps between them, so a new text gets a
label between its neighbours' and no other label moves. Equal texts share a label, so ties behave as in any other
column. The sort key is the search key of a text followed by its spelling (`spellings`): texts sort by search key, and
texts with the same search key by their own characters. Both compare by code point, as their UTF-8 does.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
import numpy as np
from numpy import strings
from numpy.typing import NDArray

from regulars.audience.structures.archive import Reader, Writer
from regulars.audience.structures.columns import Growable, Values
from regulars.audience.structures.segments import encode
from regulars.audience.structures.spellings import Spellings
from regulars.audience.structures.text import TextColumn
from regulars.domain.changes import NULL

_SPAN: Final = 1 << 62
"""Labels are initially spread over 0 .. _SPAN; new ones may extend as far again beyond either end."""

_NOBODYS: Final = int(np.iinfo(np.int64).max)

_SHORT: Final = 64
"""Longest text (bytes) that is sorted by NumPy, which releases the interpreter lock meanwhile."""

_BLOCK: Final = 65_536
"""Texts converted to bytes objects at a time."""

_DELTA_SHARE: Final = 32
"""One new text per this many known ones may wait to be merged into a long order."""

_REFRESH_COST: Final = 12.0
_REBUILD_COST: Final = 3.0
_RESTORE_COST: Final = 0.03


class TextOrder:
    """The labels of one column's texts. `changed` records a change; `refresh` brings the labels up to date."""

    def __init__(self, texts: TextColumn, spellings: Spellings, *, delta_limit: int = 5_000) -> None:
        self._texts = texts
        self._spellings = spellings
        self._delta_limit = delta_limit
        self._labels: Growable | None = None  # None: this order has not been requested yet
        self._stale: set[int] = set()
        self._refreshing = False  # in the pool thread; no other thread may read the order until it is done
        self._static = _Static.of(np.empty(0, dtype=np.bytes_))
        self._delta: list[bytes] = []
        self._delta_labels: list[int] = []
        self._stored: Callable[[], None] | None = None

    @property
    def is_known(self) -> bool:
        """Whether the order has been requested; from then on it is kept up to date."""
        return self._labels is not None or self._stored is not None

    def capture(self, name: str) -> Callable[[Writer], None] | None:
        """Return a function that writes the order as it is now, under this name; None if it is not known."""
        self.read()
        if self._labels is None or self._refreshing:
            return None
        labels, static = self._labels.values.copy(), self._static
        rest = msgspec.msgpack.encode((self._delta, self._delta_labels, sorted(self._stale)))

        def write(writer: Writer) -> None:
            writer.put(f"{name}/labels", labels)
            writer.put(f"{name}/arena", static.arena)
            writer.put(f"{name}/starts", static.starts)
            writer.put(f"{name}/rest", rest)

        return write

    def read(self) -> None:
        """Read a restored order that is still unread."""
        if self._stored is not None:
            self._stored()

    def restore(self, reader: Reader, name: str, size: int) -> None:
        """Restore the order of the first `size` customers into this new object; it is read when needed."""
        if f"{name}/labels" not in reader:
            return

        def read() -> None:
            labels = Growable(np.int64, NULL)
            labels.adopt(reader.array(f"{name}/labels")[:size])
            self._static = _Static(reader.bytes(f"{name}/arena"), reader.array(f"{name}/starts"))
            rest = msgspec.msgpack.decode(reader.bytes(f"{name}/rest"), type=tuple[list[bytes], list[int], list[int]])
            self._delta, self._delta_labels, stale = rest
            self._stale.update(ordinal for ordinal in stale if ordinal < size)
            self._labels, self._stored = labels, None

        self._stored = read

    def changed(self, ordinal: int) -> None:
        """Record that the text of this customer changed."""
        if self.is_known:
            self._stale.add(ordinal)

    def cost(self, size: int) -> float:
        """The approximate cost of `refresh` in microseconds for a site of `size` customers; 0 if it is up to date."""
        if self._stored is not None:
            return _RESTORE_COST * size + 1
        if self._labels is None or self._refreshing:
            return _REBUILD_COST * size + 1
        return _REFRESH_COST * len(self._stale)

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        if self._labels is None:
            return 0
        return self._labels.nbytes + self._static.nbytes + 100 * (len(self._delta) + len(self._stale))

    def refresh(self, size: int) -> Values:
        """The labels of the ordinals below `size`, up to date; NULL where there is no text."""
        if self._labels is None or self._stale:
            self._refreshing = True
            try:
                self.read()
                if self._labels is None or len(self._stale) * 8 > size + self._delta_limit:
                    self._build(size)
                self._assign(size, ((ordinal, self.get(ordinal)) for ordinal in sorted(self._stale)))
                self._stale.clear()
            except BaseException:
                self._labels = None  # a partial refresh is unusable: start over next time
                raise
            finally:
                self._refreshing = False
        assert self._labels is not None
        self._labels.grow(size)
        values: Values = self._labels.values
        return values

    def get(self, ordinal: int) -> str | None:
        """The customer's sort key: the search key of its text followed by the spelling; None if it has no text."""
        key = self._texts.get(ordinal)
        return None if key is None else key + self._spellings.get(ordinal)

    def place(self, text: str) -> tuple[int, bool]:
        """(the label of this sort key, True); if no text has it, (the label of the next text, False).

        After the last text, the label is the highest integer, which no text has. Call `refresh` first.
        """
        encoded = encode(text)
        at, near = self._static.position(encoded), bisect_left(self._delta, encoded)
        label, own = _NOBODYS, False
        if at < len(self._static):
            label, own = int(self._static.labels[at]), self._static.text(at) == encoded
        if near < len(self._delta) and self._delta_labels[near] < label:
            label, own = self._delta_labels[near], self._delta[near] == encoded
        return label, own

    def _build(self, size: int) -> None:
        """Sort all texts from scratch."""
        self._labels = Growable(np.int64, NULL)
        self._labels.grow(size)
        self._stale.clear()
        ordinals, rows, long = self._texts.rows(_SHORT)
        keys, ranks = np.unique(rows, return_inverse=True)
        spellings, places = self._spellings.of(ordinals)
        # Python handles long texts: NumPy would make every row as wide as the longest one.
        is_short = np.array([len(each) <= _SHORT for each in spellings])[places]
        endings = np.array([each if len(each) <= _SHORT else b"" for each in spellings], dtype=np.bytes_)
        pairs, ranks = np.unique(ranks[is_short] * endings.size + places[is_short], return_inverse=True)
        self._static = _Static.of(np.strings.add(keys[pairs // endings.size], endings[pairs % endings.size]))
        self._delta, self._delta_labels = [], []
        self._labels.values[ordinals[is_short]] = self._static.labels[ranks]
        rest = (*ordinals[~is_short].tolist(), *(ordinal for ordinal, _ in long))
        self._assign(size, ((ordinal, self.get(ordinal)) for ordinal in rest))

    def _assign(self, size: int, changes: Iterable[tuple[int, str | None]]) -> None:
        assert self._labels is not None
        self._labels.grow(size)
        for ordinal, text in changes:
            label = NULL if text is None else self._label(encode(text))
            self._labels[ordinal] = label

    def _label(self, text: bytes) -> int:
        """The label of a text; a new text gets a new one."""
        at = self._static.position(text)
        if at < len(self._static) and self._static.text(at) == text:
            return int(self._static.labels[at])
        near = bisect_left(self._delta, text)
        if near < len(self._delta) and self._delta[near] == text:
            return self._delta_labels[near]
        below = [int(self._static.labels[at - 1])] if at > 0 else []
        below += self._delta_labels[near - 1 : near] if near > 0 else []
        above = [int(self._static.labels[at])] if at < len(self._static) else []
        above += self._delta_labels[near : near + 1]
        low = max(below, default=-_SPAN)
        high = min(above, default=2 * _SPAN - 1)
        if not below and above:
            low = max(low, high - 2 * self._static.gap)  # one gap is enough beyond either end
        if not above and below:
            high = min(high, low + 2 * self._static.gap)
        if high - low < 2 or len(self._delta) >= max(self._delta_limit, len(self._static) // _DELTA_SHARE):
            self._spread()
            return self._label(text)
        label = (low + high) // 2
        self._delta.insert(near, text)
        self._delta_labels.insert(near, label)
        return label

    def _spread(self) -> None:
        """Merge the delta into the static order and relabel everything with fresh gaps, without sorting texts."""
        assert self._labels is not None
        old, self._static = self._static.merged(self._delta, self._delta_labels)
        self._delta, self._delta_labels = [], []
        values = self._labels.values
        is_set = values != NULL
        values[is_set] = self._static.labels[np.searchsorted(old, values[is_set])]


class _Static:
    """Distinct texts in ascending order, stored in one arena, and their labels."""

    def __init__(self, arena: bytes, starts: NDArray[np.int64]) -> None:
        count = starts.size - 1
        self.arena = arena
        self.starts = starts
        self.gap = _SPAN // (count + 1)
        self.labels: Values = np.arange(1, count + 1, dtype=np.int64) * self.gap

    @classmethod
    def of(cls, texts: NDArray[np.bytes_]) -> "_Static":
        starts = np.zeros(texts.size + 1, dtype=np.int64)
        np.cumsum(strings.str_len(texts), out=starts[1:])
        blocks = (texts[first : first + _BLOCK].tolist() for first in range(0, texts.size, _BLOCK))
        return cls(b"".join(map(b"".join, blocks)), starts)

    def __len__(self) -> int:
        return int(self.labels.size)

    @property
    def nbytes(self) -> int:
        return len(self.arena) + self.starts.nbytes + self.labels.nbytes

    def text(self, position: int) -> bytes:
        return self.arena[self.starts[position] : self.starts[position + 1]]

    def position(self, text: bytes) -> int:
        """The position of the text, or where it would be inserted."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.text(middle) < text:
                low = middle + 1
            else:
                high = middle
        return low

    def merged(self, texts: list[bytes], labels: list[int]) -> "tuple[Values, _Static]":
        """(the previous labels of all texts, ascending; a new order of all texts)."""
        places = np.searchsorted(self.labels, np.array(labels, dtype=np.int64))
        pieces: list[bytes] = []
        done = 0
        for place, text in zip(self.starts[places].tolist(), texts, strict=True):
            pieces += (self.arena[done:place], text)
            done = place
        pieces.append(self.arena[done:])
        lengths = np.insert(np.diff(self.starts), places, [len(text) for text in texts])
        starts = np.zeros(lengths.size + 1, dtype=np.int64)
        np.cumsum(lengths, out=starts[1:])
        return np.insert(self.labels, places, labels), _Static(b"".join(pieces), starts)
