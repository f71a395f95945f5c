"""BitmapCache: answers to questions about something that never changes, so that asking again costs next to nothing."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Final

from pyroaring import BitMap

from regulars.audience.structures.bitmaps import approximate_bytes

_LEAST_ROOM: Final = 65_536


class BitmapCache:
    """Bitmaps by question. Those asked least of late go when all of them take over `room` bytes.

    The event loop and the pool thread may both be here. The bitmaps are shared: nobody may alter one.
    """

    def __init__(self, room: int) -> None:
        self._room = max(room, _LEAST_ROOM)
        self._lock = Lock()
        self._found: OrderedDict[Hashable, tuple[BitMap, int]] = OrderedDict()
        self.nbytes = 0

    def __contains__(self, question: Hashable) -> bool:
        return question in self._found

    def get(self, question: Hashable) -> BitMap | None:
        """The answer, if it is remembered."""
        with self._lock:
            found = self._found.get(question)
            if found is None:
                return None
            self._found.move_to_end(question)
            return found[0]

    def put(self, question: Hashable, answer: BitMap) -> BitMap:
        """Remember an answer; returns it."""
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
    """About how much memory a question takes: it is in the words of a caller."""
    match question:
        case str():
            return 50 + 2 * len(question)
        case tuple() | frozenset():
            return 200 + sum(map(_bytes_of, question))
        case _:
            return 50
