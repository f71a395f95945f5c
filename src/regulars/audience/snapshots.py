"""Snapshots of an index: written piece by piece while the index keeps changing, and restored.

The pieces are captured at different times. The numbering is captured first; all other pieces may already reflect later
changes, up to the horizon. After loading, the changes since the first piece are applied again, which is idempotent. No
question therefore waits for more than one piece to be copied.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import msgspec
from pyroaring import BitMap

from regulars.audience.index import SiteIndex, Tuning
from regulars.audience.source import Head
from regulars.audience.structures.archive import DamagedError, Reader, Writer
from regulars.audience.structures.attribute_values import Path
from regulars.audience.structures.attributes import AttributeColumn
from regulars.audience.structures.coded import CodedColumn
from regulars.domain.changes import COLUMNS, TEXTS

Write = Callable[[Writer], None]
Piece = Callable[[], Write]
"""Copies a piece of the index, which must not change meanwhile, and returns a function that writes the copy later."""

_TIES = 64


def pieces(index: SiteIndex) -> Iterator[Piece]:
    """The pieces of an index, in the order in which they must be copied."""
    yield lambda: _beginning(index)
    for name in COLUMNS:
        if name != "updated_at":
            yield lambda name=name: _column(index, name)  # type: ignore[misc]
    for name in TEXTS:
        yield lambda name=name: index.texts[name].capture(f"texts/{name}")  # type: ignore[misc]
    for name in index.spellings:
        yield lambda name=name: index.spellings[name].capture(f"spellings/{name}")  # type: ignore[misc]
    for name in index.orders:
        yield lambda name=name: index.orders[name].capture(f"orders/{name}") or _nothing  # type: ignore[misc]
    kept: list[tuple[tuple[int, int], bytes, int]] = []
    keys = iter(list(index.ties))
    while some := list(islice(keys, _TIES)):
        yield lambda some=some: _ties(index, some, kept)  # type: ignore[misc]
    paths: list[Path] = []
    for path in index.attributes:
        yield lambda path=path: _attribute(index, path, paths)  # type: ignore[misc]
    # After the ties: a change that clears ties sets it for those who are tied, and must find them when applied again.
    yield lambda: _column(index, "updated_at")
    yield lambda: _end(index, kept, paths)


def restored(reader: Reader, tuning: Tuning | None = None) -> SiteIndex:
    """Restore an index from a snapshot. Raises DamagedError, now or when a part is first used."""
    index = SiteIndex(tuning)
    try:
        index.head = Head(*reader.facts["head"])
        index.horizon = reader.facts["horizon"]
        index.numbering.adopt(reader.array("numbers"))
        size = index.size
        index.alive = BitMap.deserialize(reader.bytes("alive")) & BitMap(range(size))
        for name in COLUMNS:
            index.columns[name].adopt(reader.array(f"columns/{name}")[:size])
        index.ties = reader.bitmaps("ties")
        for name in TEXTS:
            texts = index.texts[name]
            if isinstance(texts, CodedColumn):
                texts.restore(reader, f"texts/{name}", size)
            else:
                texts.restore(reader, f"texts/{name}")
        for name, spellings in index.spellings.items():
            spellings.restore(reader, f"spellings/{name}", size)
        for name, order in index.orders.items():
            order.restore(reader, f"orders/{name}", size)
        columns = [AttributeColumn(tuple(path)) for path in reader.facts.get("attributes", ())]
        for place, column in enumerate(columns):
            column.restore(reader, f"attributes/{place}", size)
        index.attributes.install(columns)
    except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
        raise DamagedError(f"the snapshot has inconsistent contents: {error!r}") from None
    return index


def _nothing(writer: Writer) -> None:
    """Write nothing, for a piece with no content of its own."""


def _beginning(index: SiteIndex) -> Write:
    head, numbers = index.head, index.numbering.values.copy()

    def write(writer: Writer) -> None:
        writer.facts["head"] = list(head)
        writer.put("numbers", numbers)

    return write


def _column(index: SiteIndex, name: str) -> Write:
    values = index.columns[name].values.copy()
    return lambda writer: writer.put(f"columns/{name}", values)


def _ties(index: SiteIndex, keys: Sequence[tuple[int, int]], kept: list[tuple[tuple[int, int], bytes, int]]) -> Write:
    for key in keys:
        raw = index.ties.raw(key)
        if raw is not None:
            kept.append((key, *raw))
    return _nothing


def _attribute(index: SiteIndex, path: Path, paths: list[Path]) -> Write:
    column = index.attributes.peek(path)
    if column is None:  # dropped meanwhile
        return _nothing
    paths.append(path)
    return column.capture(f"attributes/{len(paths) - 1}")


def _end(index: SiteIndex, ties: list[tuple[tuple[int, int], bytes, int]], paths: list[Path]) -> Write:
    alive, horizon = index.alive.serialize(), max(index.horizon, index.head.number)

    def write(writer: Writer) -> None:
        writer.put("alive", alive)
        writer.put_bitmaps("ties", ties)
        writer.facts["horizon"] = horizon
        writer.facts["attributes"] = [list(path) for path in paths]

    return write
