"""TextOrder: the order of a text field as one more numeric column.

Every distinct text has an int64 label; labels are in the order of the texts and have gaps between them, so a new
text takes a label between its neighbours' and nothing moves. Equal texts share a label, so ties look the same as
in any other column. What is ordered is the search key of a text with its spelling behind it (`spellings`): by key, and
texts of one key by themselves. Both are compared by code point, which is how their UTF-8 compares.
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
"""Labels are first spread over 0 .. _SPAN; new ones may go as far beyond either end."""

_NOBODYS: Final = int(np.iinfo(np.int64).max)

_SHORT: Final = 64
"""Texts of up to so many bytes are sorted by NumPy, which leaves the interpreter to others meanwhile."""

_BLOCK: Final = 65_536
"""Texts that are made bytes of their own at a time."""

_DELTA_SHARE: Final = 32
"""New texts, of so many known ones, that wait to be merged into a long order."""

_REFRESH_COST: Final = 12.0
_REBUILD_COST: Final = 3.0
_RESTORE_COST: Final = 0.03


class TextOrder:
    """Labels of the texts of one column. `changed` is told what changes; `refresh` brings the labels up to date."""

    def __init__(self, texts: TextColumn, spellings: Spellings, *, delta_limit: int = 5_000) -> None:
        self._texts = texts
        self._spellings = spellings
        self._delta_limit = delta_limit
        self._labels: Growable | None = None  # None: nobody has asked for this order yet
        self._stale: set[int] = set()
        self._refreshing = False  # in the pool thread; until it is done the order is not to be read elsewhere
        self._static = _Static.of(np.empty(0, dtype=np.bytes_))
        self._delta: list[bytes] = []
        self._delta_labels: list[int] = []
        self._stored: Callable[[], None] | None = None

    @property
    def is_known(self) -> bool:
        """Whether the order was asked for; then it is kept up to date."""
        return self._labels is not None or self._stored is not None

    def capture(self, name: str) -> Callable[[Writer], None] | None:
        """What writes the order as it is now, under this name; None if it is not known."""
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
        """Read now what was restored and is not read yet."""
        if self._stored is not None:
            self._stored()

    def restore(self, reader: Reader, name: str, size: int) -> None:
        """Take over, into this new order, what was written of the first `size` customers; it is read when needed."""
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
        """The text of this customer is not what it was."""
        if self.is_known:
            self._stale.add(ordinal)

    def cost(self, size: int) -> float:
        """About how long `refresh` takes now, in microseconds, for a site of `size` customers; 0: up to date."""
        if self._stored is not None:
            return _RESTORE_COST * size + 1
        if self._labels is None or self._refreshing:
            return _REBUILD_COST * size + 1
        return _REFRESH_COST * len(self._stale)

    @property
    def nbytes(self) -> int:
        """About how much memory it takes, in bytes."""
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
                self._labels = None  # half done is as good as never begun
                raise
            finally:
                self._refreshing = False
        assert self._labels is not None
        self._labels.grow(size)
        values: Values = self._labels.values
        return values

    def get(self, ordinal: int) -> str | None:
        """What orders the customer: the key of its text and the spelling behind it; None if it has no text."""
        key = self._texts.get(ordinal)
        return None if key is None else key + self._spellings.get(ordinal)

    def place(self, text: str) -> tuple[int, bool]:
        """(a label, whether it is that of this key and spelling itself): where nobody has them, that of the next ones.

        Behind the last text it is the highest integer, which is nobody's. To be asked after `refresh`.
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
        """Sort every text anew."""
        self._labels = Growable(np.int64, NULL)
        self._labels.grow(size)
        self._stale.clear()
        ordinals, rows, long = self._texts.rows(_SHORT)
        keys, ranks = np.unique(rows, return_inverse=True)
        spellings, places = self._spellings.of(ordinals)
        # Whatever is long is left to Python, lest a single one make the rows of all of them as wide.
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
        """The label of a text, a new one if the text is new."""
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
            low = max(low, high - 2 * self._static.gap)  # beyond the ends one gap is enough
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
        """Merge the delta into the static order and give everyone a new label, with gaps again; sorts no text."""
        assert self._labels is not None
        old, self._static = self._static.merged(self._delta, self._delta_labels)
        self._delta, self._delta_labels = [], []
        values = self._labels.values
        is_set = values != NULL
        values[is_set] = self._static.labels[np.searchsorted(old, values[is_set])]


class _Static:
    """Distinct texts, ascending, in one arena, and their labels."""

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
        """Where the text stands, or would be inserted."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.text(middle) < text:
                low = middle + 1
            else:
                high = middle
        return low

    def merged(self, texts: list[bytes], labels: list[int]) -> "tuple[Values, _Static]":
        """(the labels so far of all texts, ascending; a new order of all texts)."""
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
