"""Which attributes get a column of their own in a CSV file: the most frequent ones, found by reading all of them."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Final

import msgspec

from regulars.store.engine import Connection
from regulars.store.export_reads import attribute_texts
from regulars.store.threads import off_loop

MOST_COLUMNS: Final = 500
"""Attributes with a column of their own. The others share one column, as a JSON object."""

_MOST_COUNTED: Final = 20_000
"""Different names that are counted: with more, those that come last are not found."""

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


async def attribute_columns(connection: Connection, site: int, numbers: Sequence[int] | None) -> list[str]:
    """The names of the attributes that get a column, in their order. numbers: of these customers."""
    counts: Counter[str] = Counter()
    async for texts in attribute_texts(connection, site, numbers):
        await off_loop(_count, counts, texts)
    return sorted(name for name, _ in counts.most_common(MOST_COLUMNS))


def _count(counts: Counter[str], texts: list[str]) -> None:
    names = chain.from_iterable(map(_decode, texts))
    counts.update(names if len(counts) < _MOST_COUNTED else filter(counts.__contains__, names))
