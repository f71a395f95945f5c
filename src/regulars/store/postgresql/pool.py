"""A bounded, self-healing connection pool: lost connections leave it at once, new ones are opened when needed."""

import asyncio
from collections.abc import Awaitable, Callable

from regulars.store.engine import UnavailableError
from regulars.store.postgresql.session import Session


class PoolExhaustedError(UnavailableError):
    """All connections are in use and none became free in time."""


class ConnectionPool:
    """Up to `size` connections, opened by `connect`. patience: seconds to wait for a free one.

    idle, used: the open connections.
    """

    def __init__(self, connect: Callable[[], Awaitable[Session]], *, size: int, patience: float) -> None:
        self._connect = connect
        self.size = size
        self.patience = patience
        self._permits = asyncio.Semaphore(size)
        self.idle: list[Session] = []
        self.used: set[Session] = set()
        self._closed = False

    async def take(self, *, fresh: bool = False) -> Session:
        """Take a connection; return it with `give`. fresh: always open a new one. Raises UnavailableError."""
        await self._permit()
        try:
            self._check()
            session = await self._fresh() if fresh else self._newest() or await self._connect()
            self.used.add(session)
            if self._closed:
                session.close()
            self._check()
        except BaseException:
            self._permits.release()
            raise
        return session

    def give(self, session: Session) -> None:
        """Return a connection: keeps it unless it is in a transaction, else closes it. Idempotent."""
        if session not in self.used:
            return
        self.used.remove(session)
        if self._closed or not session.can_be_reused:
            session.close()
        else:
            self.idle.append(session)
        self._permits.release()

    def close(self) -> None:
        """Close all connections, including those in use."""
        self._closed = True
        for session in (*self.idle, *self.used):
            session.close()
        self.idle.clear()

    async def _permit(self) -> None:
        """Wait in FIFO order until one more connection may be in use."""
        if not self._permits.locked():
            await self._permits.acquire()
            return
        try:
            async with asyncio.timeout(self.patience):
                await self._permits.acquire()
        except TimeoutError:
            raise PoolExhaustedError(f"all {self.size} connections to the database are in use") from None

    def _check(self) -> None:
        if self._closed:
            raise UnavailableError("the database is closed")

    async def _fresh(self) -> Session:
        if self.idle:
            self.idle.pop(0).close()
        return await self._connect()

    def _newest(self) -> Session | None:
        """The most recently used idle connection: its prepared statements and caches are most likely useful."""
        while self.idle:
            session = self.idle.pop()
            if not session.closed:
                return session
        return None
