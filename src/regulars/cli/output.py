"""Output of commands: results on stdout, as lines or as one JSON object; everything else on stderr."""

from collections.abc import Mapping
from typing import Any

import msgspec
import typer


class FailedError(Exception):
    """The command failed; the message is one sentence with the reason."""


class PartlyDoneError(Exception):
    """The command succeeded in part: some input was refused, and the sentence says how much."""


def note(text: str) -> None:
    """Print a message that is not part of the result."""
    typer.echo(text, err=True)


def show(result: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one result: a JSON object on a line, or a line for each field."""
    if as_json:
        typer.echo(msgspec.json.encode(result))
        return
    width = max(map(len, result))
    for name, value in result.items():
        typer.echo(f"{name:<{width}}  {_text(value)}".rstrip())


def show_table(rows: list[dict[str, Any]], *, as_json: bool, empty: str) -> None:
    """Print results of one shape: a JSON array on a line, or a table; `empty` says that there are none."""
    if as_json:
        typer.echo(msgspec.json.encode(rows))
        return
    if not rows:
        note(empty)
        return
    table = [list(rows[0]), *([_text(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
