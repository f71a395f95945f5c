"""BodyMemory: how many bytes of unfinished bodies a process holds, for all of its connections."""

from types import TracebackType
from typing import Self

from regulars.http.errors import Problem


class BodyMemory:
    """What the bodies under way take, in bytes, up to `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    def share(self) -> "Share":
        """A place for one body, as `with memory.share() as share:`; what it took is given back at the end."""
        return Share(self)


class Share:
    """What one body takes."""

    def __init__(self, memory: BodyMemory) -> None:
        self._memory = memory
        self._taken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._memory.taken -= self._taken

    def take(self, size: int) -> None:
        """Take so many bytes more. Raises Problem where all bodies together would take more than the limit."""
        memory = self._memory
        if memory.taken + size > memory.limit:
            raise Problem(
                "busy",
                f"The server is receiving too many request bodies (over {memory.limit} bytes). Try again in a second.",
                headers={"Connection": "close"},
            )
        memory.taken += size
        self._taken += size
