"""Compares the content of two stores: what their exports say, whatever numbers they give."""

from collections import Counter
from collections.abc import Callable, Sequence

from regulars.exporting.content import content_of
from regulars.store.engine import Connection


async def content_differences(
    one: Connection, other: Connection, sites: Sequence[int], on_progress: Callable[[int], None] | None = None
) -> list[str]:
    """How the content of sites differs, one sentence per site and kind of thing; empty if it is equal.

    on_progress: called with the number of customers, events and emails after each slice.
    """
    found: list[str] = []
    for site in sites:
        counts = await _compare(one, other, site, on_progress)
        found += [f"site {site}: {_sentence(what, count)}" for what, count in counts.items()]
    return found


async def _compare(
    one: Connection, other: Connection, site: int, on_progress: Callable[[int], None] | None
) -> Counter[str]:
    """How many things of each kind are in only one of the sites, or differ.

    Both are read side by side. As their order is mostly the same, few things wait for their counterpart.
    """
    streams = [content_of(one, site, on_progress), content_of(other, site)]
    waiting: list[dict[tuple[str, bytes], list[bytes]]] = [{}, {}]
    different: Counter[str] = Counter()
    is_over = [False, False]
    while not all(is_over):
        for mine, stream in enumerate(streams):
            item = None if is_over[mine] else await anext(stream, None)
            if item is None:
                is_over[mine] = True
                continue
            what, key, digest = item
            theirs = waiting[1 - mine]
            if (place := (what, key)) in theirs:
                different[what] += theirs[place].pop() != digest
                if not theirs[place]:
                    del theirs[place]
            else:
                waiting[mine].setdefault(place, []).append(digest)
    for side in waiting:
        for (what, _), digests in side.items():
            different[what] += len(digests)
    return Counter({what: count for what, count in different.items() if count})


def _sentence(what: str, count: int) -> str:
    return f"one of the {what} differs" if count == 1 else f"{count:,} {what} differ"
