"""Write buffering: data written within one turn of the event loop is sent together at its end."""

import asyncio
from typing import Any, Final

import structlog

_log = structlog.get_logger("regulars.serve")
_pending: Final[list["BufferedTransport"]] = []


class BufferedTransport:
    """A transport that buffers writes until the end of the event loop turn.

    The head and body of a response then share a packet. A client on the same machine, such as a proxy, wakes up once
    for all responses of a turn instead of twice per response; on a virtual machine a wake-up costs as much as a
    response.
    """

    __slots__ = ("_kept", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._kept: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Buffer the bytes until the end of the turn."""
        if not self._kept:
            if not _pending:
                self._loop.call_soon(_flush)
            _pending.append(self)
        self._kept.append(data)

    def flush(self) -> None:
        """Send the buffered data, unless the connection is gone."""
        kept, self._kept = self._kept, []
        if kept and not self._transport.is_closing():
            self._transport.write(b"".join(kept))

    def close(self) -> None:
        """Send the buffered data, then close."""
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
        except Exception:  # one connection's failure must not affect the others
            _log.exception("a response could not be sent")
            transport.abort()
