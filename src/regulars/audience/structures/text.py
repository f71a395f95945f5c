"""TextColumn: one text field of every customer, searchable for substrings and similar words.

Built like a log-structured merge tree: changed texts wait in `pending`, which questions scan, and are drained,
vectorised, into immutable segments; small segments are merged so that there are few. A small site has pending
texts only. Every answer is exact, whatever waits where.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.archive import Reader, Writer
from regulars.audience.structures.bitmaps import Ordinals
from regulars.audience.structures.segments import Segment, encode
from regulars.audience.structures.similar import similar_texts, trigrams_of
from regulars.audience.structures.spellings import Spellings
from regulars.domain.text import search_key

LOAD_BATCH: Final = 65_536
"""Texts that make a segment while a site is loaded."""

_WORTH_A_SEGMENT: Final = 64
"""A segment takes a third of the memory of texts that wait; so many times fewer than may wait are worth one."""

_MOST_AT_ONCE: Final = 16_384
"""Texts of a segment that is merged at once; larger ones wait for `tidy`."""

_MERGE_RATIO: Final = 3
"""A segment is merged with the one in front of it unless that has over this many times its texts."""


class TextColumn:
    """Search keys of texts by ordinal; a customer without a text is in none of the answers.

    pending_limit: texts that may wait before they become a segment. scan_limit: up to so many texts there are no
    segments at all. words_limit: a segment of so many texts is looked through for similar words until somebody has
    built its words; of a smaller one they are built by the first question. tails: keep a bitmap of each common
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
        """Take texts, as they are shown, of ordinals from `start` on; they ascend, and `finish` comes last.

        spellings: where how they are spelled is kept.
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
        """The load is complete. `index`: build trigrams now rather than at the first question."""
        is_large = bool(self._segments) or len(self._pending) > self._limit
        if is_large or len(self._pending) > self._pending_limit // _WORTH_A_SEGMENT:
            self._drain()
        if len(self._segments) > 1:
            self._segments = [Segment.merged(self._segments)]
        if is_large and index:
            self._segments[0].index()

    def capture(self, name: str) -> Callable[[Writer], None]:
        """What writes the column as it is now, under this name, whatever becomes of it meanwhile."""
        pending = list(self._pending.items())
        segments = [segment.capture(f"{name}/{at}") for at, segment in enumerate(self._segments)]

        def write(writer: Writer) -> None:
            writer.put(f"{name}/pending", msgspec.msgpack.encode(pending))
            writer.facts[name] = len(segments)
            for segment in segments:
                segment(writer)

        return write

    def restore(self, reader: Reader, name: str) -> None:
        """Take over, into this new column, what was written under this name."""
        self._pending = dict(msgspec.msgpack.decode(reader.bytes(f"{name}/pending"), type=list[tuple[int, str]]))
        self._segments = [Segment.restored(reader, f"{name}/{at}") for at in range(reader.facts[name])]

    @property
    def segments(self) -> list[Segment]:
        """The segments there are now."""
        return list(self._segments)

    @property
    def lacks_words(self) -> list[Segment]:
        """The segments whose words take so long to build that no question does it."""
        return [segment for segment in self._segments if self._lacks_words(segment)]

    def set(self, ordinal: int, text: str | None) -> None:
        """The search key of the customer's text is now this one, or none."""
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
        """(ordinal, text) of every customer that has one, in no order."""
        yield from self._pending.items()
        for segment in self._segments:
            yield from segment.items()

    def rows(self, most: int) -> tuple[Ordinals, NDArray[np.bytes_], list[tuple[int, str]]]:
        """Whose texts of up to `most` bytes they are, and the texts as an array; (ordinal, text) of longer ones."""
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
        """Those of `within` whose text contains the folded needle."""
        found = BitMap([ordinal for ordinal, text in self._scanned(within) if needle in text])
        encoded = encode(needle)
        for segment in self._segments:
            found |= segment.contains(encoded, within)
        return found

    def equals(self, text: str, within: BitMap) -> BitMap:
        """Those of `within` whose text has this search key."""
        found = BitMap([ordinal for ordinal, each in self._scanned(within) if each == text])
        encoded = encode(text)
        for segment in self._segments:
            found |= segment.equals(encoded, within)
        return found

    def similar(self, text: str, within: BitMap) -> BitMap:
        """Those of `within` that have a word similar to the folded text."""
        grams = trigrams_of(text)
        found = BitMap(similar_texts(grams, self._scanned(within)))
        for segment in self._segments:
            ask = segment.similar_without_words if self._lacks_words(segment) else segment.similar
            found |= ask(grams, within)
        return found

    def cost(self, needle: str, size: int) -> float:
        """About how long `contains` takes over `size` customers, in microseconds."""
        encoded = encode(needle)
        pending = 0.06 * min(len(self._pending), size)
        return pending + sum(segment.cost(encoded, size) for segment in self._segments)

    def similar_cost(self, text: str) -> float:
        """About how long `similar` takes, in microseconds."""
        grams = trigrams_of(text)
        return 1.5 * len(self._pending) + sum(each.similar_cost(grams) for each in self._segments)

    @property
    def nbytes(self) -> int:
        """About how much memory it takes, in bytes."""
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
        """Merge what is too large to be merged while a text is set. Questions may be asked meanwhile."""
        self._merge(most=None)

    @property
    def is_untidy(self) -> bool:
        """Whether `tidy` would do anything."""
        return len(self._segments) - self._to_merge(most=None) > 1

    def _merge(self, *, most: int | None) -> None:
        """Merge from the end while neighbours are of like size, so that n texts are in about log(n) segments."""
        first = self._to_merge(most=most)
        tail = self._segments[first:]
        # What questions need of a drained segment is built now, while it is small, and merged from then on.
        if any(each.is_indexed for each in self._segments[:-1]):
            tail[-1].index()
        if len(tail) > 1:
            self._segments = [*self._segments[:first], Segment.merged(tail)]

    def _to_merge(self, *, most: int | None) -> int:
        """The position of the first segment that is to be merged with all behind it, of up to `most` texts."""
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
