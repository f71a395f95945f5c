"""What GET /metrics shows: for docs/deploy.md."""

from collections.abc import Callable
from typing import Final

from regulars.metrics.catalogue import METRICS
from tools.docs.markdown import code, table


def _metrics() -> str:
    return table(
        ("metric", "kind", "labels", "meaning"),
        [(code(each.name), each.kind, ", ".join(map(code, each.labels)), each.meaning) for each in METRICS],
    )


PARTS: Final[dict[str, Callable[[], str]]] = {"metrics": _metrics}
"""The parts of the page, by name."""
