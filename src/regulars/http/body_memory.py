"""BodyMemory: limits the memory for incomplete request bodies of a process."""

from types import TracebackType
from typing import Self

from regulars.http.errors import Problem


class BodyMemory:
    """The bytes of all incomplete bodies, up to `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    def share(self) -> "Share":
        """The share of one body, as `with memory.share() as share:`. It is released at the end."""
        return Share(self)


class Share:
    """The memory of one body."""

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
        """Reserve more bytes. Raises Problem if all bodies together would exceed the limit."""
        memory = self._memory
        if memory.taken + size > memory.limit:
            raise Problem(
                "busy",
                f"The server is receiving too many request bodies (over {memory.limit} bytes). Try again in a second.",
                headers={"Connection": "close"},
            )
        memory.taken += size
        self._taken += size
