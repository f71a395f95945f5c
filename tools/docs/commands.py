"""What `regulars --help` and the help of each command say: for docs/commands.md."""

import os
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, Final
from unittest.mock import patch

import typer

from regulars.cli.main import app
from tools.docs.markdown import block

_SETTINGS: Final = "  Settings from the environment:"


def names() -> list[str]:
    """Every command, a subcommand with its group in front."""
    found = []
    for name, command in _commands(typer.main.get_command(app)).items():
        found += [f"{name} {inner}" for inner in _commands(command)] or [name]
    return found


def _commands(command: object) -> Mapping[str, Any]:
    listed: Mapping[str, Any] = getattr(command, "commands", {})
    return listed


def _all() -> str:
    return "\n\n".join(f"## regulars {name}\n\n{block(_help(*name.split()), 'text')}" for name in names())


def _help(*command: str) -> str:
    """The help, without what a page of its own tells of the settings."""
    said = StringIO()
    with patch.dict(os.environ, {"COLUMNS": "100", "NO_COLOR": "1"}), redirect_stdout(said):
        app([*command, "--help"], prog_name="regulars", standalone_mode=False)
    return said.getvalue().partition(_SETTINGS)[0]


PARTS: Final[dict[str, Callable[[], str]]] = {"command": lambda: block(_help(), "text"), "commands": _all}
