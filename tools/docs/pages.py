"""Pages: the files with generated parts, what makes each part, and a page's text with all of them as they are now."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.docs import calls, commands, customers, errors, events, filters, metrics, questions, settings

DOCS: Final = Path(__file__).parents[2] / "docs"

PARTS: Final[dict[str, Callable[[], str]]] = {
    **calls.PARTS,
    **commands.PARTS,
    **customers.PARTS,
    **errors.PARTS,
    **events.PARTS,
    **filters.PARTS,
    **metrics.PARTS,
    **questions.PARTS,
    **settings.PARTS,
}
"""The parts by name; each appears in one page."""

_PART: Final = re.compile(r"<!-- made: (?P<name>[a-z-]+) -->\n.*?<!-- end -->", re.DOTALL)


def files() -> list[Path]:
    """Every page that may hold a generated part."""
    return sorted(DOCS.glob("*.md"))


def names(text: str) -> list[str]:
    """The parts of a page, in order."""
    return [found["name"] for found in _PART.finditer(text)]


def renewed(text: str) -> str:
    """A page with its parts as the code has them now. Raises KeyError for a part that nothing makes."""
    return _PART.sub(lambda found: _part(found["name"]), text)


def _part(name: str) -> str:
    return f"<!-- made: {name} -->\n{PARTS[name]().strip()}\n<!-- end -->"
