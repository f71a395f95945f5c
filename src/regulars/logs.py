"""Logs: where the lines of all rooms go, from which level on, and what they must not tell."""

import logging
import sys
from typing import Final

import structlog
from structlog.typing import Processor

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
"""The levels that can be set, in the order of their weight."""


def configure_logging(level: str = "info") -> None:
    """Write lines of a level (of LEVELS) and worse to standard error, so that standard output is a command's result.

    A traceback is told without the values of variables: among them are callers' secrets and their customers' data.
    """
    before: list[Processor] = [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    render = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(
        processors=[*before, render],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render], foreign_pre_chain=before
        )
    )
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)
