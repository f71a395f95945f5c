"""The access log: one line per request, written in bulk to keep its cost low.

A line names the method, the route's template, the status, the time, the request id and the site. It never holds an
address, a key or a value of the query: the path is the template of the route.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from regulars.domain.moments import iso
from regulars.logs import LossyStream

LogFormat = Literal["plain", "json"]

_EVERY: Final = 0.2
"""How long a line may be buffered (seconds). A killed process loses these lines."""

_encode = msgspec.json.Encoder().encode


class AccessLog:
    """Writes the lines of one process. `write` takes text of whole lines."""

    def __init__(self, log_format: LogFormat, write: Callable[[str], object] | None = None) -> None:
        self._render = _json if log_format == "json" else _plain
        self._write = write or LossyStream(sys.stderr).write
        self._lines: list[str] = []

    def record(
        self, *, at: int, method: str, route: str, status: int, seconds: float, request_id: str, site: int | None
    ) -> None:
        """Record one answered request. at: ms since 1970, UTC."""
        if not self._lines:
            asyncio.get_running_loop().call_later(_EVERY, self.flush)
        self._lines.append(self._render(at, method, route, status, seconds * 1_000, request_id, site))

    def flush(self) -> None:
        """Write the lines that wait."""
        lines, self._lines = self._lines, []
        if lines:
            self._write("".join(lines))


def _plain(
    at: int, method: str, route: str, status: int, milliseconds: float, request_id: str, site: int | None
) -> str:
    return (
        f"{iso(at)} [info     ] request                        method={method} ms={milliseconds:.1f} "
        f"request_id={request_id} route={route} site={'-' if site is None else site} status={status}\n"
    )


def _json(at: int, method: str, route: str, status: int, milliseconds: float, request_id: str, site: int | None) -> str:
    line = {
        "event": "request",
        "level": "info",
        "timestamp": iso(at),
        "method": method,
        "route": route,
        "status": status,
        "ms": round(milliseconds, 1),
        "request_id": request_id,
        "site": site,
    }
    return _encode(line).decode() + "\n"
