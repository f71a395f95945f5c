"""Markdown for the generated parts."""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: object) -> str:
    """Text as it is written to a computer."""
    return f"`{text}`"


def codes(texts: Iterable[object]) -> str:
    """Several of them, with commas."""
    return ", ".join(map(code, texts))


def block(text: str, language: str) -> str:
    """Lines as they are written to a computer."""
    return f"```{language}\n{text.strip()}\n```"
