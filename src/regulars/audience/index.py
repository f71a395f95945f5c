"""SiteIndex: the in-memory index that answers the questions of one site.

It is loaded from a store, follows the store's changes, and can be discarded at any time. It does no I/O; the service
decides who reads the store and in which order.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from pyroaring import BitMap

from regulars.audience.source import CustomerRow, Head
from regulars.audience.structures.attribute_table import AttributeTable
from regulars.audience.structures.bands import Banding, Bands
from regulars.audience.structures.bitmap_table import BitmapTable
from regulars.audience.structures.bitmaps import from_ordinals
from regulars.audience.structures.buckets import Buckets
from regulars.audience.structures.coded import CodedColumn
from regulars.audience.structures.columns import Column, Numbering
from regulars.audience.structures.event_table import EventTable, NewEvents
from regulars.audience.structures.orders import TextOrder
from regulars.audience.structures.packed_ties import PackedTies
from regulars.audience.structures.spellings import Spellings
from regulars.audience.structures.text import TextColumn
from regulars.audience.structures.tie_times import TieTimesTable
from regulars.domain.changes import COLUMNS, NULL, TEXTS, Entry, Record
from regulars.domain.identity import address_key
from regulars.domain.relations import BY_CODE
from regulars.domain.text import search_key

CODED: Final = frozenset({"address_city", "address_state", "address_country", "address_zip"})
"""Text fields with few distinct values."""

SORTED_TEXTS: Final = ("name", "email")
"""Text fields that pages can be sorted by; similarity search covers the same fields."""


_NO_TIMES: Final[Mapping[tuple[int, int, int], int]] = {}
_NO_ATTRIBUTES: Final[Mapping[int, str | None]] = {}
_NO_BUCKETS: Final[Mapping[int, int]] = {}


class OutOfOrderError(Exception):
    """A change cannot be applied to this index, which must be reloaded."""


class Tuning(Struct, frozen=True):
    """Size thresholds of text storage (see `TextColumn`, `TextOrder`), and the number of customers from which columns
    are divided into bands (see `Bands`). Tests make them tiny."""

    pending_limit: int = 1_000
    scan_limit: int = 2_000
    delta_limit: int = 5_000
    words_limit: int = 20_000
    banded_from: int = 16_384


class SiteIndex:
    """The index of one site.

    `head` is the last change applied in full. `horizon` is the newest change that any of its texts may already
    reflect: texts are read from the newest snapshot, so it is ahead of `head` during a catch-up.
    `alive` holds the ordinals of existing customers; bitmaps of ties and columns may include deleted ones.
    """

    def __init__(self, tuning: Tuning | None = None) -> None:
        tuning = tuning or Tuning()
        self._scan_limit = tuning.scan_limit
        self._packing: list[tuple[int, int, Sequence[int]]] = []
        self.head = Head(0, 0)
        self.horizon = 0
        self.numbering = Numbering()
        self.alive = BitMap()
        self.columns = {name: Column() for name in COLUMNS}
        self._bandings: dict[str, Banding] = {}
        self._banded_from = tuning.banded_from
        self.attributes = AttributeTable()
        self.buckets = Buckets()
        self.events = EventTable()
        self.tie_times = TieTimesTable()
        self.ties: BitmapTable[tuple[int, int]] = BitmapTable()
        self.texts: dict[str, TextColumn | CodedColumn] = {}
        self.spellings = {name: Spellings(address_key if name == "email" else None) for name in SORTED_TEXTS}
        self.orders: dict[str, TextOrder] = {}
        for name in TEXTS:
            if name in CODED:
                self.texts[name] = CodedColumn()
                continue
            column = TextColumn(
                pending_limit=tuning.pending_limit,
                scan_limit=tuning.scan_limit,
                words_limit=tuning.words_limit,
                tails=name == "email",
            )
            self.texts[name] = column
            if name in SORTED_TEXTS:
                self.orders[name] = TextOrder(column, self.spellings[name], delta_limit=tuning.delta_limit)
        self._columns = list(self.columns.values())
        self._texts = [self.texts[name] for name in TEXTS]
        self._orders = [self.orders.get(name) for name in TEXTS]
        self._spellings = [self.spellings.get(name) for name in TEXTS]

    def __len__(self) -> int:
        return len(self.alive)

    @property
    def size(self) -> int:
        """The number of ordinals, including those of deleted customers."""
        return len(self.numbering)

    def bands(self, name: str) -> Bands | None:
        """A column's bands; None if it has none yet or a full scan is as fast."""
        if self.size < self._banded_from or self.columns[name].is_ascending:
            return None
        banding = self._bandings.get(name) or self._bandings.setdefault(name, Banding(self.columns[name]))
        return banding.ask()

    def is_banded(self, name: str) -> bool:
        """Whether a column currently has bands."""
        banding = self._bandings.get(name)
        return banding is not None and banding.is_cut

    @property
    def due_bandings(self) -> list[Banding]:
        """The columns whose bands should be built or rebuilt."""
        return [each for each in list(self._bandings.values()) if each.is_due]

    def load_customers(self, rows: Sequence[CustomerRow]) -> None:
        """Append customers. Raises OutOfOrderError unless their numbers ascend and follow the existing ones."""
        if not rows:
            return
        ordinals = self._append([row.number for row in rows])
        values = np.array([row.columns for row in rows], dtype=np.int64)
        for code, column in enumerate(self._columns):
            column.load(ordinals.start, values[:, code])
        for code, texts in enumerate(self._texts):
            shown = [row.texts[code] for row in rows]
            if isinstance(texts, TextColumn):
                texts.load(ordinals.start, shown, self._spellings[code])
            else:
                texts.load(ordinals.start, shown)
        for ordinal, row in zip(ordinals, rows, strict=True):
            if row.merged:
                self.alive.discard(ordinal)

    def load_ties(self, relation: int, target: int, numbers: Sequence[int]) -> None:
        """Add ties of customers that are already loaded; may be called several times for one target."""
        if self.size <= self._scan_limit:
            self._packing.append((relation, target, numbers))
            return
        ordinals = self.numbering.ordinals(np.array(numbers, dtype=np.uint32))
        found = from_ordinals(ordinals)
        known = self.ties.get((relation, target))
        if known is None:
            self.ties.setdefault((relation, target), found)
        else:
            known |= found

    def finish(self, head: Head) -> None:
        """Complete the load; everything must have come from one snapshot with this head."""
        if self._packing:
            self.ties = BitmapTable.stored(self._packed())
            self._packing.clear()
        for name, texts in self.texts.items():
            texts.finish(index=name in SORTED_TEXTS)
        self.head = head
        self.horizon = head.number

    def _packed(self) -> PackedTies:
        pieces = [np.array(numbers, dtype=np.uint32) for _, _, numbers in self._packing]
        together = np.concatenate(pieces)
        known = np.isin(together, self.numbering.values)
        if not bool(known.all()):  # ties of missing customers: a damaged store, reported by `regulars check`
            ends = np.cumsum([piece.size for piece in pieces])[:-1]
            pieces = [piece[kept] for piece, kept in zip(pieces, np.split(known, ends), strict=True)]
        keys = [(relation, target) for relation, target, _ in self._packing]
        return PackedTies(keys, [piece.size for piece in pieces], self.numbering.ordinals(together))

    def apply(
        self,
        records: Iterable[Record],
        texts: Mapping[int, tuple[str | None, ...]],
        head: Head,
        *,
        horizon: int | None = None,
        attributes: Mapping[int, str | None] = _NO_ATTRIBUTES,
        events: NewEvents | None = None,
        tie_times: Mapping[tuple[int, int, int], int] = _NO_TIMES,
        buckets: Mapping[int, int] = _NO_BUCKETS,
    ) -> None:
        """Bring the index to `head` by applying changes in order, one complete change per record. Idempotent.

        `texts` maps customers whose texts changed to their current texts (in the order of TEXTS) as of change number
        `horizon` (default: that of `head`); a customer missing from it has been deleted by then. `attributes` are
        the attributes of customers in the same way, needed only if `attributes.is_followed`. events: all that
        `events` lacks at `head`, which must then be that of the snapshot. tie_times: (customer, relation, object) to
        time, of the changed ties that hold and whose times `tie_times` has, read as the texts are. buckets: of new
        customers, needed only if `buckets.is_built`. Raises
        OutOfOrderError if a change does not fit; the index must then be discarded.
        """
        for record in records:
            for target in record.cleared:
                if record.cleared_at is not None and BY_CODE[target[0]].is_shown:
                    self.columns["updated_at"].fill(self.ties.get(target) or BitMap(), record.cleared_at)
                self.ties.pop(target)
                self.tie_times.drop(target)
            for entry in record.entries:
                self._apply(entry, texts, attributes)
                if len(self.tie_times):
                    self._follow_times(entry, tie_times)
        for number, bucket in buckets.items():
            if (ordinal := self.numbering.ordinal(number)) is not None:
                self.buckets.set(ordinal, bucket)
        if events is not None:
            self.events.follow(events, self.ordinals_of(row.customer for row in events.rows))
        self.horizon = max(self.horizon, head.number if horizon is None else horizon)
        self.head = head

    def ordinals_of(self, numbers: Iterable[int]) -> dict[int, int]:
        """The ordinals of those of the customers that exist, by number."""
        found = ((number, self.numbering.ordinal(number)) for number in set(numbers))
        return {number: ordinal for number, ordinal in found if ordinal is not None and ordinal in self.alive}

    def drop_idle(self, seconds: float) -> None:
        """Drop the columns built on first use that nobody has asked for so long."""
        self.attributes.drop_idle(seconds)
        self.events.drop_idle(seconds)
        self.tie_times.drop_idle(seconds)
        self.buckets.drop_idle(seconds)

    @property
    def is_untidy(self) -> bool:
        """Whether `tidy` would do anything."""
        return self.events.is_untidy or any(isinstance(each, TextColumn) and each.is_untidy for each in self._texts)

    def tidy(self) -> None:
        """Merge changed texts and new events. This may take long; questions may be asked meanwhile."""
        self.events.tidy()
        for each in self._texts:
            if isinstance(each, TextColumn) and each.is_untidy:
                each.tidy()

    def approximate_bytes(self) -> int:
        """The approximate memory use of the index, in bytes."""
        return (
            20_000
            + self.numbering.nbytes
            + sum(each.nbytes for each in self._columns)
            + sum(each.nbytes for each in list(self._bandings.values()))
            + sum(each.nbytes for each in self._texts)
            + sum(each.nbytes for each in self.orders.values())
            + sum(each.nbytes for each in self.spellings.values())
            + self.ties.nbytes
            + self.attributes.nbytes
            + self.events.nbytes
            + self.tie_times.nbytes
            + self.buckets.nbytes
        )

    def _append(self, numbers: list[int]) -> range:
        try:
            ordinals = self.numbering.append(np.array(numbers, dtype=np.uint32))
        except ValueError as error:
            raise OutOfOrderError(str(error)) from None
        self.alive.add_range(ordinals.start, ordinals.stop)
        for column in self._columns:
            column.grow(ordinals.stop)
        return ordinals

    def _add(self, number: int) -> int:
        try:
            ordinal = self.numbering.add(number)
        except ValueError as error:
            raise OutOfOrderError(str(error)) from None
        self.alive.add(ordinal)
        for column in self._columns:
            column.grow(ordinal + 1)
        for order in self.orders.values():
            order.changed(ordinal)
        return ordinal

    def _apply(
        self, entry: Entry, texts: Mapping[int, tuple[str | None, ...]], attributes: Mapping[int, str | None]
    ) -> None:
        ordinal = self.numbering.ordinal(entry.number)
        if entry.gone:
            if ordinal is not None:
                self.alive.discard(ordinal)
                for code in range(len(TEXTS)):
                    self._set_text(ordinal, code, None)
                if entry.into and (whole := self.numbering.ordinal(entry.into)) is not None:
                    self.events.reassign(ordinal, whole)
            return
        is_new = ordinal is None
        if ordinal is None:
            ordinal = self._add(entry.number)
        elif ordinal not in self.alive:
            if not entry.back:
                return
            self.alive.add(ordinal)
            self.events.clear()  # which events are of which customer is known to the store
        for column_code, value in entry.columns:
            self._columns[column_code][ordinal] = value
        if is_new and self.columns["updated_at"].values[ordinal] == NULL:  # the record of an older program
            self.columns["updated_at"][ordinal] = int(self.columns["created_at"].values[ordinal])
        if entry.texts:
            current = texts.get(entry.number)
            for text_code in entry.texts:
                self._set_text(ordinal, text_code, None if current is None else current[text_code])
        if entry.attributes:
            self.attributes.changed(ordinal, attributes, entry.number)
        for relation, target, holds in entry.ties:
            if holds:
                self.ties.setdefault((relation, target), BitMap()).add(ordinal)
            elif (bitmap := self.ties.get((relation, target))) is not None:
                bitmap.discard(ordinal)

    def _follow_times(self, entry: Entry, times: Mapping[tuple[int, int, int], int]) -> None:
        ordinal = self.numbering.ordinal(entry.number)
        if ordinal is not None:
            for key in (*((relation, target) for relation, target, _ in entry.ties), *entry.moved):
                self.tie_times.changed(ordinal, key, times.get((entry.number, *key)))

    def _set_text(self, ordinal: int, code: int, text: str | None) -> None:
        key = None if text is None else search_key(text)
        self._texts[code].set(ordinal, key)
        spellings = self._spellings[code]
        if spellings is not None and key is not None and text is not None:
            spellings.set(ordinal, key, text)
        order = self._orders[code]
        if order is not None:
            order.changed(ordinal)
