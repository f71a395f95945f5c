"""Pages with generated parts: which function generates each part, and how a page is updated."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.docs import calls, commands, customers, errors, events, exports, filters, metrics, questions, settings

DOCS: Final = Path(__file__).parents[2] / "docs"

PARTS: Final[dict[str, Callable[[], str]]] = {
    **calls.PARTS,
    **commands.PARTS,
    **customers.PARTS,
    **errors.PARTS,
    **events.PARTS,
    **exports.PARTS,
    **filters.PARTS,
    **metrics.PARTS,
    **questions.PARTS,
    **settings.PARTS,
}
"""The parts by name. Each appears on one page."""

_PART: Final = re.compile(r"<!-- made: (?P<name>[a-z-]+) -->\n.*?<!-- end -->", re.DOTALL)


def files() -> list[Path]:
    """Every page that can have generated parts."""
    return sorted(DOCS.glob("*.md"))


def names(text: str) -> list[str]:
    """The parts of a page, in order."""
    return [found["name"] for found in _PART.finditer(text)]


def renewed(text: str) -> str:
    """A page with up-to-date parts. Raises KeyError for an unknown part."""
    return _PART.sub(lambda found: _part(found["name"]), text)


def _part(name: str) -> str:
    return f"<!-- made: {name} -->\n{PARTS[name]().strip()}\n<!-- end -->"
