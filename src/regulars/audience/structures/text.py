"""TextColumn: one text field of every customer, searchable by substring and by words alike but for typing errors.

It works like a log-structured merge tree. Changed texts wait in `pending`, which queries scan, and are flushed in bulk
into immutable segments; small segments are merged to keep their number low. A small site has pending texts only.
Answers are always exact, wherever a text is held.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.archive import Reader, Writer
from regulars.audience.structures.bitmaps import Ordinals, union
from regulars.audience.structures.segments import Segment, encode
from regulars.audience.structures.spellings import Spellings
from regulars.audience.structures.typos import WantedWord, texts_with
from regulars.domain.text import search_key

LOAD_BATCH: Final = 65_536
"""Texts per segment while a site is being loaded."""

_WORTH_A_SEGMENT: Final = 64
"""A segment takes a third of the memory of pending texts, so a load makes one from this fraction of the limit on."""

_MOST_AT_ONCE: Final = 4_096
"""Largest segment (texts) that is merged immediately; larger ones wait for `tidy`."""

_MERGE_RATIO: Final = 3
"""A segment is merged with its predecessor unless that has more than this many times its texts."""


class TextColumn:
    """Search keys of texts by ordinal; a customer without a text never matches.

    pending_limit: texts that may be pending before they become a segment. scan_limit: no segments are made up to this
    many texts. words_limit: segments of at least this many texts are scanned for words alike until their word index
    has been built in the background; for smaller ones the first query builds it. tails: keep a bitmap of each common
    address domain.
    """

    def __init__(
        self,
        *,
        pending_limit: int = 1_000,
        scan_limit: int = 2_000,
        words_limit: int = 20_000,
        tails: bool = False,
    ) -> None:
        self._pending: dict[int, str] = {}
        self._segments: list[Segment] = []
        self._pending_limit = pending_limit
        self._scan_limit = scan_limit
        self._words_limit = words_limit
        self._tails = tails

    def load(self, start: int, texts: Sequence[str | None], spellings: Spellings | None = None) -> None:
        """Add the display texts of consecutive ordinals from `start` on, in ascending order; call `finish` last.

        spellings: receives the spelling of each text.
        """
        pending = self._pending
        for ordinal, text in enumerate(texts, start):
            if text is not None:
                key = pending[ordinal] = search_key(text)
                if spellings is not None and (key != text or not text.isascii()):
                    spellings.set(ordinal, key, text)
        if len(self._pending) >= LOAD_BATCH:
            self._drain()

    def finish(self, *, index: bool) -> None:
        """Complete the load. `index`: also build trigrams if the column is large."""
        is_large = bool(self._segments) or len(self._pending) > self._limit
        if is_large or len(self._pending) > self._pending_limit // _WORTH_A_SEGMENT:
            self._drain()
        if len(self._segments) > 1:
            self._segments = [Segment.merged(self._segments)]
        if is_large and index:
            self._segments[0].index()

    def capture(self, name: str) -> Callable[[Writer], None]:
        """Return a function that writes the column as it is now under this name, whatever changes meanwhile."""
        pending = list(self._pending.items())
        segments = [segment.capture(f"{name}/{at}") for at, segment in enumerate(self._segments)]

        def write(writer: Writer) -> None:
            writer.put(f"{name}/pending", msgspec.msgpack.encode(pending))
            writer.facts[name] = len(segments)
            for segment in segments:
                segment(writer)

        return write

    def restore(self, reader: Reader, name: str) -> None:
        """Restore what was written under this name into this new column."""
        self._pending = dict(msgspec.msgpack.decode(reader.bytes(f"{name}/pending"), type=list[tuple[int, str]]))
        self._segments = [Segment.restored(reader, f"{name}/{at}") for at in range(reader.facts[name])]

    @property
    def segments(self) -> list[Segment]:
        """The current segments."""
        return list(self._segments)

    @property
    def lacks_words(self) -> list[Segment]:
        """The segments without a word index that are too large for a query to build it."""
        return [segment for segment in self._segments if self._lacks_words(segment)]

    def set(self, ordinal: int, text: str | None) -> None:
        """Set or clear the search key of the customer's text."""
        for segment in self._segments:
            segment.live.discard(ordinal)
        if text is None:
            self._pending.pop(ordinal, None)
            return
        self._pending[ordinal] = text
        if len(self._pending) > self._limit:
            self._drain()
            self._merge(most=_MOST_AT_ONCE)

    def get(self, ordinal: int) -> str | None:
        """The customer's text, None if it has none."""
        text = self._pending.get(ordinal)
        if text is not None:
            return text
        return next((text for each in self._segments if (text := each.get(ordinal)) is not None), None)

    def items(self) -> Iterator[tuple[int, str]]:
        """(ordinal, text) of every customer that has one, in no particular order."""
        yield from self._pending.items()
        for segment in self._segments:
            yield from segment.items()

    def rows(self, most: int) -> tuple[Ordinals, NDArray[np.bytes_], list[tuple[int, str]]]:
        """(ordinals, texts as an array) for texts of up to `most` bytes, then (ordinal, text) pairs of longer ones."""
        pending = [(ordinal, encode(text), text) for ordinal, text in self._pending.items()]
        short = [each for each in pending if len(each[1]) <= most]
        ordinals = [np.array([each[0] for each in short], dtype=np.uint32)]
        rows = [np.array([each[1] for each in short], dtype=np.bytes_)]
        long = [(ordinal, text) for ordinal, encoded, text in pending if len(encoded) > most]
        for segment in self._segments:
            found = segment.rows(most)
            ordinals.append(found[0])
            rows.append(found[1])
            long += found[2]
        return np.concatenate(ordinals), np.concatenate(rows), long

    def contains(self, needle: str, within: BitMap) -> BitMap:
        """The ordinals in `within` whose text contains the folded needle."""
        found = BitMap([ordinal for ordinal, text in self._scanned(within) if needle in text])
        encoded = encode(needle)
        for segment in self._segments:
            found |= segment.contains(encoded, within)
        return found

    def equals(self, text: str, within: BitMap) -> BitMap:
        """The ordinals in `within` whose text has this search key."""
        found = BitMap([ordinal for ordinal, each in self._scanned(within) if each == text])
        encoded = encode(text)
        for segment in self._segments:
            found |= segment.equals(encoded, within)
        return found

    def at_edge(self, needle: str, within: BitMap, *, at_end: bool) -> BitMap:
        """The ordinals in `within` whose text starts with the folded needle, or with `at_end` ends with it."""
        is_there = str.endswith if at_end else str.startswith
        found = BitMap([ordinal for ordinal, text in self._scanned(within) if is_there(text, needle)])
        encoded = encode(needle)
        for segment in self._segments:
            found |= segment.at_edge(encoded, within, at_end=at_end)
        return found

    def present(self, within: BitMap) -> BitMap:
        """The ordinals in `within` that have a text."""
        return union([BitMap(self._pending), *(segment.live for segment in self._segments)]) & within

    def alike(self, wanted: WantedWord, within: BitMap) -> BitMap:
        """The ordinals in `within` that have a word alike (see module `typos`)."""
        found = BitMap(texts_with(wanted, self._scanned(within)))
        for segment in self._segments:
            ask = segment.alike_without_words if self._lacks_words(segment) else segment.alike
            found |= ask(wanted, within)
        return found

    def cost(self, needle: str, size: int) -> float:
        """The approximate cost of `contains` over `size` customers, in microseconds."""
        encoded = encode(needle)
        pending = 0.06 * min(len(self._pending), size)
        return pending + sum(segment.cost(encoded, size) for segment in self._segments)

    def alike_cost(self, wanted: WantedWord) -> float:
        """The approximate cost of `alike`, in microseconds."""
        return 1.5 * len(self._pending) + sum(each.alike_cost(wanted) for each in self._segments)

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        return 150 * len(self._pending) + sum(each.nbytes for each in self._segments)

    @property
    def _limit(self) -> int:
        return self._pending_limit if self._segments else self._scan_limit

    def _lacks_words(self, segment: Segment) -> bool:
        return not segment.has_words and len(segment) >= self._words_limit

    def _scanned(self, within: BitMap) -> Iterator[tuple[int, str]]:
        if len(within) < len(self._pending):
            get = self._pending.get
            return ((ordinal, text) for ordinal in within if (text := get(ordinal)) is not None)
        return ((ordinal, text) for ordinal, text in self._pending.items() if ordinal in within)

    def _drain(self) -> None:
        if self._pending:
            waiting = dict(sorted(self._pending.items()))
            self._segments.append(Segment.of(list(waiting), list(waiting.values()), tails=self._tails))
            self._pending.clear()

    def tidy(self) -> None:
        """Merge the segments that are too large to merge during `set`. Queries may run meanwhile."""
        self._merge(most=None)

    @property
    def is_untidy(self) -> bool:
        """Whether `tidy` would do anything."""
        return len(self._segments) - self._to_merge(most=None) > 1

    def _merge(self, *, most: int | None) -> None:
        """Merge from the end while neighbours are of similar size, so that n texts are in about log(n) segments."""
        first = self._to_merge(most=most)
        tail = self._segments[first:]
        # Index a flushed segment now, while it is small; from then on its index is merged, not rebuilt.
        if any(each.is_indexed for each in self._segments[:-1]):
            tail[-1].index()
        if len(tail) > 1:
            self._segments = [*self._segments[:first], Segment.merged(tail)]

    def _to_merge(self, *, most: int | None) -> int:
        """The position of the first segment (of up to `most` texts) to merge with all that follow it."""
        if not self._segments:
            return 0
        first = len(self._segments) - 1
        size = len(self._segments[first].live)
        while first > 0:
            before = self._segments[first - 1]
            is_like = len(before.live) <= _MERGE_RATIO * size
            is_half_dead = len(before.live) * 2 < len(before)
            if not (is_like or is_half_dead) or (most is not None and len(before) > most):
                break
            first -= 1
            size += len(before.live)
        return first
