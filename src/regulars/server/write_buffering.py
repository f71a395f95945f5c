"""Answers that leave together: what is written in one turn of the event loop is sent at its end."""

import asyncio
from typing import Any, Final

import structlog

_log = structlog.get_logger("regulars.serve")
_pending: Final[list["BufferedTransport"]] = []


class BufferedTransport:
    """A connection's transport that keeps what is written until the turn of the event loop ends.

    So an answer's head and body are one packet, and a client on the same machine, such as a proxy, is woken once for
    the answers of a turn, not once for each half of each: on a virtual machine a wake-up costs what an answer does.
    """

    __slots__ = ("_kept", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._kept: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send the bytes soon."""
        if not self._kept:
            if not _pending:
                self._loop.call_soon(_flush)
            _pending.append(self)
        self._kept.append(data)

    def flush(self) -> None:
        """Send what is kept, unless the connection is gone."""
        kept, self._kept = self._kept, []
        if kept and not self._transport.is_closing():
            self._transport.write(b"".join(kept))

    def close(self) -> None:
        """Send what is kept, then close."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection is being closed."""
        return self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _flush() -> None:
    pending = _pending[:]
    _pending.clear()
    for transport in pending:
        try:
            transport.flush()
        except Exception:  # one connection's trouble is not that of those behind it
            _log.exception("an answer could not be sent")
            transport.abort()
