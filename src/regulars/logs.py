"""Logging: where log lines go, from which level on, and what they must not contain."""

import logging
import os
import sys
from contextlib import suppress
from time import monotonic
from typing import Any, Final, TextIO, cast

import structlog
from structlog.typing import Processor

from regulars import rate_counters
from regulars.rate_counters import RateCounters

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
"""The levels that can be set, by severity."""

_SECONDS: Final = 1.0
_COUNTER: Final = 0
"""The rate counter of log lines; API keys are numbered from 1."""


class LossyStream:
    """A stream that drops what cannot be written: a full disk under the log must not fail a request."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write it if possible; returns its length in any case."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Pass on what was written, if possible."""
        with suppress(OSError):
            self._stream.flush()


def configure_logging(level: str = "info", log_format: str = "plain") -> None:
    """Write lines of a level (of LEVELS) and worse to standard error, so that standard output is a command's result.

    log_format: "plain" for people, "json" for programs: one object a line.

    Tracebacks are logged without the values of variables, which include secrets and personal data.
    """
    before: list[Processor] = [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    render: Processor = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    if log_format == "json":
        before.append(structlog.processors.format_exc_info)
        render = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*before, render],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", LossyStream(sys.stderr))),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render], foreign_pre_chain=before
        )
    )
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)


class Throttle:
    """Logs at most one line per second. Each line says how many were dropped since the last one of this process.

    shared: all worker processes of one server together log at most one line per second.
    """

    def __init__(self, name: str, *, shared: bool = False) -> None:
        self._log = structlog.get_logger(name)
        self._silent_until = 0.0
        self._held_back = 0
        self._shared = shared
        self._counters: RateCounters | None = None

    def warning(self, event: str, **fields: Any) -> None:
        """Log a line, unless there was one within the last second."""
        now = monotonic()
        if now < self._silent_until or not self._is_admitted():
            self._held_back += 1
            return
        self._silent_until = now + _SECONDS
        if self._held_back:
            fields["held_back"] = self._held_back
        self._held_back = 0
        self._log.warning(event, **fields)

    def _is_admitted(self) -> bool:
        """Whether no other worker logged a line within the last second; True in a process without other workers."""
        if not self._shared or rate_counters.FILE_VARIABLE not in os.environ:
            return True
        if self._counters is None:
            self._counters = RateCounters.open()
        return self._counters.admit(_COUNTER, 1).is_admitted


unavailable: Final = Throttle("regulars.database", shared=True)
"""Takes every line about a database that cannot be used: all calls, sites and tasks meet it at once."""
