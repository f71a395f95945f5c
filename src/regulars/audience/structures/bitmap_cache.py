"""BitmapCache: caches query results on immutable data."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Final

from pyroaring import BitMap

from regulars.audience.structures.bitmaps import approximate_bytes

_LEAST_ROOM: Final = 65_536


class BitmapCache:
    """An LRU cache of bitmaps by question. The least recently used are evicted beyond `room` bytes.

    The event loop and the pool thread may use it concurrently. The bitmaps are shared and must not be modified.
    """

    def __init__(self, room: int) -> None:
        self._room = max(room, _LEAST_ROOM)
        self._lock = Lock()
        self._found: OrderedDict[Hashable, tuple[BitMap, int]] = OrderedDict()
        self.nbytes = 0

    def __contains__(self, question: Hashable) -> bool:
        return question in self._found

    def get(self, question: Hashable) -> BitMap | None:
        """The cached answer, None if there is none."""
        with self._lock:
            found = self._found.get(question)
            if found is None:
                return None
            self._found.move_to_end(question)
            return found[0]

    def put(self, question: Hashable, answer: BitMap) -> BitMap:
        """Cache an answer and return it."""
        size = approximate_bytes([answer]) + _bytes_of(question)
        with self._lock:
            if size * 2 <= self._room and question not in self._found:
                self._found[question] = (answer, size)
                self.nbytes += size
                while self.nbytes > self._room:
                    _, (_, dropped) = self._found.popitem(last=False)
                    self.nbytes -= dropped
        return answer


def _bytes_of(question: Hashable) -> int:
    """The approximate size of a question in bytes; callers choose its text, so it counts."""
    match question:
        case str():
            return 50 + 2 * len(question)
        case tuple() | frozenset():
            return 200 + sum(map(_bytes_of, question))
        case _:
            return 50
