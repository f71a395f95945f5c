"""Segment: an immutable run of texts, indexed for substring search.

The texts are stored as UTF-8 in one arena. Trigram bitmaps yield candidates, a superset of the matches, which are
verified against the arena. Only `live` changes: customers whose text changed or was deleted are removed from it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy import strings
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.archive import Reader, Writer
from regulars.audience.structures.arena import Arena, Parts, gathered
from regulars.audience.structures.bitmap_cache import BitmapCache
from regulars.audience.structures.bitmap_table import BitmapTable
from regulars.audience.structures.bitmaps import Ordinals, approximate_bytes, from_ordinals, to_ordinals, union
from regulars.audience.structures.trigrams import SENTINEL, TrigramIndex, build
from regulars.audience.structures.typos import WantedWord, texts_with
from regulars.audience.structures.word_index import WordIndex

_PAD: Final = 64
"""Number of sentinels after the last text, and the longest text (bytes) that is verified by NumPy."""

_BLOCK: Final = 65_536
_SPLIT: Final = 8_192
"""Texts that are split at a time, which holds the interpreter lock."""

_FEW: Final = 32
_FEW_ASKED: Final = 4
_EDGE: Final = bytes([SENTINEL])
_COMMON_TAIL: Final = 8
"""An address domain gets its own bitmap if at least this many texts of the segment end with it."""

_VERIFY_COST: Final = 0.12
_TAIL_COST: Final = 0.06
"""Microseconds to verify a text, and to examine a tail."""

_SCAN_COST: Final = 0.006
"""Microseconds to scan a text when there are no trigrams."""

_MOST_TAILS: Final = 4_096


def encode(text: str) -> bytes:
    """Encode as UTF-8, whose byte order is code point order; a lone surrogate in a query matches nothing."""
    return text.encode("utf-8", "surrogatepass")


class Segment:
    """Texts of ascending ordinals. `tails`: keep a bitmap of the customers of each common address domain."""

    def __init__(self, arena: Arena, live: BitMap | None = None, *, tails: bool) -> None:
        self.arena = arena
        self.live = from_ordinals(arena.ordinals) if live is None else live
        self._has_tails = tails
        self._trigrams: TrigramIndex | None = None
        self._tails: dict[bytes, BitMap] = {}
        self._words: WordIndex | None = None
        self._stored_words: Callable[[], WordIndex] | None = None
        self._remembered = BitmapCache(2 * len(self))

    @classmethod
    def of(cls, ordinals: Sequence[int] | Ordinals, texts: Sequence[str], *, tails: bool = False) -> "Segment":
        """Build a segment of folded texts; ordinals must ascend."""
        encoded = [encode(text) for text in texts]
        starts = np.ones(len(encoded) + 1, dtype=np.int64)
        lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
        starts[1:] += np.cumsum(lengths + 1)
        arena = _EDGE + _EDGE.join(encoded) + _EDGE * (_PAD + 1)
        return cls(Arena.of(np.asarray(ordinals, dtype=np.uint32), arena, starts), tails=tails)

    @classmethod
    def merged(cls, segments: Sequence["Segment"]) -> "Segment":
        """Merge the live texts of several segments into one; trigrams are merged too if all segments have them."""
        ordinals = np.concatenate([each.arena.ordinals for each in segments])
        lengths = np.concatenate([np.diff(each.arena.starts) for each in segments])
        alive = np.concatenate([each._live_mask() for each in segments])
        buffer = np.concatenate([each.arena.buffer[1 : each.arena.starts[-1]] for each in segments])
        begins = np.cumsum(lengths) - lengths
        lengths, ordinals, begins = lengths[alive], ordinals[alive], begins[alive]
        if bool(np.any(ordinals[1:] < ordinals[:-1])):
            order = np.argsort(ordinals)
            ordinals, lengths, begins = ordinals[order], lengths[order], begins[order]
        kept = gathered(buffer, begins, lengths)
        starts = np.ones(lengths.size + 1, dtype=np.int64)
        starts[1:] += np.cumsum(lengths)
        arena = b"".join((_EDGE, kept.data, _EDGE * _PAD))
        segment = cls(Arena.of(ordinals, arena, starts), tails=segments[0]._has_tails)
        if all(each._trigrams is not None for each in segments):
            segment._adopt(segments)
        return segment

    def _adopt(self, segments: Sequence["Segment"]) -> None:
        """Merge the trigrams of the segments that this one was built from."""
        parts: dict[int, list[BitMap]] = {}
        for each in segments:
            assert each._trigrams is not None
            for code, bitmap in each._trigrams.grams.items():
                left = bitmap & each.live
                if left:
                    parts.setdefault(code, []).append(left)
        self._trigrams = TrigramIndex(BitmapTable({code: union(bitmaps) for code, bitmaps in parts.items()}))
        self._tails = self._common_tails()

    def __len__(self) -> int:
        return self.arena.size

    @property
    def is_indexed(self) -> bool:
        """Whether the trigrams are built; `index` builds them."""
        return self._trigrams is not None

    @property
    def has_words(self) -> bool:
        """Whether the word index is built; the first search for a word alike builds it."""
        return self._words is not None or self._stored_words is not None

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        total = self.arena.nbytes
        if self._trigrams is not None:
            total += self._trigrams.grams.nbytes
        total += self._remembered.nbytes + (self._words.nbytes if self._words else 0)
        return total + approximate_bytes(self._tails.values())

    def index(self) -> TrigramIndex:
        """The trigrams; builds them if necessary."""
        if self._trigrams is None:
            self._tails = self._common_tails()
            self._trigrams = TrigramIndex(BitmapTable(build(self.arena.buffer, self.arena.starts, self.arena.ordinals)))
        return self._trigrams

    def words(self) -> WordIndex:
        """The word index; builds it if necessary."""
        if self._words is None and self._stored_words is not None:
            self._words = self._stored_words()
        if self._words is None:
            self._words = WordIndex.of(self.arena.ordinals, self.arena.content, self.arena.starts)
        return self._words

    def capture(self, name: str) -> Callable[[Writer], None]:
        """Return a function that writes the segment as it is now under this name, whatever changes meanwhile."""
        live = self.live.serialize()

        def write(writer: Writer) -> None:
            ordinals, content, starts = self.arena.parts
            writer.put(f"{name}/live", live)
            writer.put(f"{name}/ordinals", ordinals)
            writer.put(f"{name}/content", content)
            writer.put(f"{name}/starts", starts)
            writer.facts[name] = [len(self), self._has_tails]
            trigrams = self._trigrams
            if trigrams is not None:
                rows = ((code, trigrams.grams.raw(code)) for code in trigrams.grams)
                writer.put_bitmaps(f"{name}/trigrams", ((code, *raw) for code, raw in rows if raw is not None))
                tails = ((tail, bitmap.serialize(), len(bitmap)) for tail, bitmap in self._tails.items())
                writer.put_bitmaps(f"{name}/tails", tails)
            if self.has_words:
                self.words().write(writer, f"{name}/words")

        return write

    @classmethod
    def restored(cls, reader: Reader, name: str) -> "Segment":
        """The segment that was written under this name; its parts are read on first use."""

        def load() -> Parts:
            return reader.array(f"{name}/ordinals"), reader.bytes(f"{name}/content"), reader.array(f"{name}/starts")

        size, tails = reader.facts[name]
        segment = cls(Arena(size, load), BitMap.deserialize(reader.bytes(f"{name}/live")), tails=tails)
        if f"{name}/trigrams/keys" in reader:
            segment._trigrams = TrigramIndex(reader.bitmaps(f"{name}/trigrams"))
            segment._tails = dict(reader.bitmaps(f"{name}/tails").items())
        if f"{name}/words/owners" in reader:
            segment._stored_words = lambda: WordIndex.read(reader, f"{name}/words")
        return segment

    def read(self) -> None:
        """Read the restored parts that are still unread, except the trigrams."""
        _ = self.arena.parts
        if self.has_words:
            self.words()

    def get(self, ordinal: int) -> str | None:
        """The text of a live customer, None if it has none here."""
        if ordinal not in self.live:
            return None
        # Use the array's own type: for a plain integer NumPy would copy the whole array into a wider one.
        position = int(np.searchsorted(self.arena.ordinals, np.uint32(ordinal)))
        _, content, starts = self.arena.parts
        return content[starts[position] : starts[position + 1] - 1].decode("utf-8", "surrogatepass")

    def items(self) -> Iterator[tuple[int, str]]:
        """(ordinal, folded text) of every live customer."""
        ordinals, content, starts = self.arena.parts
        texts = content[1 : starts[-1] - 1].split(_EDGE)
        for ordinal, alive, text in zip(ordinals.tolist(), self._live_mask(), texts, strict=True):
            if alive:
                yield ordinal, text.decode("utf-8", "surrogatepass")

    def rows(self, most: int) -> tuple[Ordinals, NDArray[np.bytes_], list[tuple[int, str]]]:
        """(ordinals, texts as an array) for live texts of up to `most` bytes, then (ordinal, text) pairs of the others.

        Texts longer than _PAD bytes always count as others: rows may read only _PAD bytes past the last text.
        """
        alive = self._live_mask()
        is_short = np.diff(self.arena.starts) - 1 <= min(most, _PAD)
        chosen = np.flatnonzero(alive & is_short)
        others = self.arena.ordinals[alive & ~is_short].tolist()
        long = [(ordinal, text) for ordinal in others if (text := self.get(ordinal)) is not None]
        return self.arena.ordinals[chosen], self.arena.rows(chosen), long

    def cost(self, needle: bytes, size: int) -> float:
        """The approximate cost of `contains` over `size` customers, in microseconds."""
        if needle in self._remembered:
            return 5
        if self._trigrams is None:
            return 100 + min(_SCAN_COST * len(self), _VERIFY_COST * size)
        if len(needle) <= 3:
            return 50 + len(self) / 1_000 * (4 - len(needle))
        doubtful = min(self._trigrams.rarest(needle), size)
        if self._is_worth_tails(doubtful):
            doubtful -= min(doubtful, len(self._tailed(needle)))
        return 30 + doubtful * _VERIFY_COST

    def contains(self, needle: bytes, within: BitMap) -> BitMap:
        """The ordinals in `within` whose text contains the needle."""
        if not needle:
            return self.live & within
        within = self.live & within
        found = self._remembered.get(needle)
        if found is not None:
            return found & within
        # A cached result must not depend on `within`. If `within` is small, examine just those and cache nothing.
        is_worth_remembering = len(within) * _FEW_ASKED > len(self)
        if self._trigrams is None:
            candidates = self.arena.holders(needle) if is_worth_remembering else within
        else:
            candidates = self._trigrams.candidates(needle, None if is_worth_remembering else within)
        if self._trigrams is None:
            candidates = candidates if is_worth_remembering else self._verified(candidates, needle, whole=False)
        elif len(needle) > 3 and candidates:
            known = self._tailed(needle) & candidates if self._is_worth_tails(len(candidates)) else BitMap()
            candidates = known | self._verified(candidates - known, needle, whole=False)
        if not is_worth_remembering:
            return candidates
        return self._remembered.put(needle, candidates) & within

    def equals(self, text: bytes, within: BitMap) -> BitMap:
        """The ordinals in `within` whose text equals this one."""
        if not text:
            return from_ordinals(self.arena.ordinals[np.diff(self.arena.starts) == 1]) & self.live & within
        within = self.live & within
        if self._trigrams is not None:
            within = self._trigrams.candidates(text, within)
        elif len(within) * _FEW_ASKED > len(self):
            within = self.arena.holders(text) & within
        return self._verified(within, text, whole=True)

    def at_edge(self, needle: bytes, within: BitMap, *, at_end: bool) -> BitMap:
        """The ordinals in `within` whose text starts with the needle, or with `at_end` ends with it."""
        within = self.live & within
        if self._trigrams is not None and needle:
            within = self._trigrams.candidates(needle, within)
        if not within or not needle:
            return within
        ordinals = to_ordinals(within)
        positions = self._positions(ordinals)
        begins, ends = self.arena.starts[positions], self.arena.starts[positions + 1] - 1
        fits = np.flatnonzero(ends - begins >= len(needle))
        at = (ends[fits] - len(needle)) if at_end else begins[fits]
        for place, byte in enumerate(needle):
            is_same = self.arena.buffer[at + place] == byte
            fits, at = fits[is_same], at[is_same]
        return from_ordinals(ordinals[fits])

    def alike(self, wanted: WantedWord, within: BitMap) -> BitMap:
        """The ordinals in `within` that have a word alike (see module `typos`)."""
        question = ("alike", *wanted)
        found = self._remembered.get(question)
        if found is None:
            found = self._remembered.put(question, self.words().alike(wanted))
        return found & self.live & within

    def alike_without_words(self, wanted: WantedWord, within: BitMap) -> BitMap:
        """The same result as `alike`, found by scanning the texts; needs no word index."""
        return BitMap(texts_with(wanted, self._texts(self.live & within)))

    def alike_cost(self, wanted: WantedWord) -> float:
        """The approximate cost of `alike`, in microseconds."""
        if ("alike", *wanted) in self._remembered:
            return 5
        if self._words is None:
            return (0.05 if self._stored_words is not None else 5.0) * len(self)
        return self._words.cost(wanted)

    def _is_worth_tails(self, doubtful: int) -> bool:
        """Whether examining the tails is cheaper than verifying this many texts."""
        return doubtful * _VERIFY_COST > len(self._tails) * _TAIL_COST > 0

    def _tailed(self, needle: bytes) -> BitMap:
        """The customers with a common tail that contains the needle; cached, as both estimate and evaluation ask."""
        question = ("tail", needle)
        found = self._remembered.get(question)
        if found is None:
            tails = union(bitmap for tail, bitmap in self._tails.items() if needle in tail)
            found = self._remembered.put(question, tails)
        return found

    def _live_mask(self) -> NDArray[np.bool_]:
        mask = np.zeros(int(self.arena.ordinals[-1]) + 1 if len(self) else 0, dtype=np.bool_)
        mask[to_ordinals(self.live)] = True
        return mask[self.arena.ordinals]

    def _verified(self, candidates: BitMap, needle: bytes, *, whole: bool) -> BitMap:
        if not candidates:
            return candidates
        ordinals = to_ordinals(candidates)
        positions = self._positions(ordinals)
        begins = self.arena.starts[positions]
        lengths = self.arena.starts[positions + 1] - begins - 1
        fits = lengths == len(needle) if whole else lengths >= len(needle)
        hits = np.zeros(ordinals.size, dtype=np.bool_)
        short = np.flatnonzero(fits & (lengths <= _PAD))
        if short.size > _FEW:
            hits[short] = self._found(begins[short], lengths[short], needle)
            rest = np.flatnonzero(fits & (lengths > _PAD))
        else:
            rest = np.flatnonzero(fits)
        find = self.arena.content.find
        for each in rest.tolist():
            begin = int(begins[each])
            hits[each] = find(needle, begin, begin + int(lengths[each])) >= 0
        return from_ordinals(ordinals[hits])

    def _texts(self, ordinals: BitMap) -> Iterator[tuple[int, str]]:
        """(ordinal, text) of customers of this segment."""
        _, content, starts = self.arena.parts
        wanted = to_ordinals(ordinals)
        for start in range(0, wanted.size, _BLOCK):
            block = wanted[start : start + _BLOCK]
            positions = self._positions(block)
            bounds = zip(block.tolist(), starts[positions].tolist(), starts[positions + 1].tolist(), strict=True)
            for ordinal, begin, end in bounds:
                yield ordinal, content[begin : end - 1].decode("utf-8", "surrogatepass")

    def _positions(self, ordinals: Ordinals) -> NDArray[np.intp]:
        """The positions of ordinals of this segment."""
        first, last = int(self.arena.ordinals[0]), int(self.arena.ordinals[-1])
        if last - first == len(self) - 1:  # there are no gaps
            return ordinals.astype(np.intp) - first
        return np.searchsorted(self.arena.ordinals, ordinals)

    def _found(self, begins: NDArray[np.int64], lengths: NDArray[np.int64], needle: bytes) -> NDArray[np.bool_]:
        """Which of the texts (at most _PAD bytes long) contain the needle."""
        # Fixed-width windows over the arena run past the end of a text. The sentinel prevents matches that straddle
        # the end, and a match that begins after the end is recognised by its position.
        width = int(lengths.max())
        windows = np.lib.stride_tricks.sliding_window_view(self.arena.buffer, width)
        found = np.zeros(begins.size, dtype=np.bool_)
        for start in range(0, begins.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            rows = np.ascontiguousarray(windows[begins[block]]).view(f"S{width}")[:, 0]
            at = strings.find(rows, needle)
            found[block] = (at >= 0) & (at + len(needle) <= lengths[block])
        return found

    def _common_tails(self) -> dict[bytes, BitMap]:
        """The bitmaps of the most common address domains, by "@domain"."""
        if not self._has_tails or len(self) < _COMMON_TAIL:
            return {}
        codes: dict[bytes, int] = {}
        owners = np.empty(len(self), dtype=np.int64)
        for first in range(0, len(self), _SPLIT):
            ends = self.arena.starts[first : first + _SPLIT + 1]
            for position, text in enumerate(self.arena.content[ends[0] : ends[-1] - 1].split(_EDGE), first):
                at = text.rfind(b"@")
                owners[position] = codes.setdefault(text[at:], len(codes)) if at >= 0 else -1
        counts = np.bincount(owners[owners >= 0], minlength=len(codes))
        order = np.argsort(owners, kind="stable")
        ends = np.searchsorted(owners[order], np.arange(len(codes)), side="right")
        common = np.flatnonzero(counts >= _COMMON_TAIL)
        common = common[np.argsort(-counts[common])][:_MOST_TAILS]
        names = list(codes)
        return {
            names[code]: from_ordinals(self.arena.ordinals[order[ends[code] - counts[code] : ends[code]]])
            for code in common.tolist()
        }
