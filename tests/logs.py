"""What the program logs while it is tested."""

import structlog


def plain_logs() -> None:
    """Log as structlog does by default, but for the values of all variables in a traceback, which take seconds."""
    structlog.reset_defaults()
    (*processors, _) = structlog.get_config()["processors"]
    structlog.configure(
        processors=[*processors, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
