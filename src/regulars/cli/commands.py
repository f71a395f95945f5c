"""The commands of `regulars`, one row each. The module of a command is imported when the command is called for.

`regulars --help` and a wrong name therefore import no command, and each command imports only what it needs itself.
"""

import gc
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple, cast

import typer
from typer.core import TyperGroup
from typer.main import get_group


class CommandRow(NamedTuple):
    """A command: its name, `module.attribute` within `regulars.cli`, and one line for the list of commands.

    The attribute is a function, or a Typer of several commands. more: what else typer gets for a function, each by its
    name in the module.
    """

    name: str
    target: str
    summary: str
    more: Mapping[str, str] = {}


ROWS: Final = (
    CommandRow("demo", "demo.demo", "Start a server with sample customers to try out."),
    CommandRow("init", "access.init", "Create a database with a site, an API key and an administrator."),
    CommandRow("serve", "serving.serve", "Serve the API over HTTP.", {"epilog": "SETTINGS_HELP"}),
    CommandRow("import", "imports.imports", "Import customers or activity from a file."),
    CommandRow("ask", "asking.ask", "Ask which customers match a question.", {"help": "HELP"}),
    CommandRow("export", "exports.exports", "Export customers and their history as files."),
    CommandRow("erase", "erasing.erase", "Erase everything about a person."),
    CommandRow("accounts", "access.accounts", "Create and list accounts."),
    CommandRow("keys", "access.keys", "Create, list, rotate and revoke API keys."),
    CommandRow("sites", "access.sites", "Create, change and list sites."),
    CommandRow("users", "users.users", "Manage users of the admin page and their sign-in links."),
    CommandRow("audit", "audit.audit", "Export and check the audit trail."),
    CommandRow("jobs", "jobs.jobs", "Show background jobs, and retry or cancel one."),
    CommandRow("check", "maintenance.check", "Check the database, and that index = store."),
    CommandRow("reindex", "maintenance.reindex", "Make all running servers reload the index."),
    CommandRow("backup", "maintenance.backup", "Copy the database to a new file, consistently."),
    CommandRow("restore", "restoring.restore", "Restore a backup of an SQLite database."),
    CommandRow("erasures", "restoring.erasures", "Apply the list of erasures to a restored database."),
    CommandRow("migrate", "moving.migrate", "Upgrade the database schema, step by step."),
    CommandRow("copy", "moving.copy", "Copy a database with all its history to another one."),
)


_BY_NAME: Final = {row.name: row for row in ROWS}


class _Commands(Mapping[str, Any]):
    """typer's commands by name, each built when it is first looked up."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            self._built[name] = _build(_BY_NAME[name])
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_BY_NAME)

    def __len__(self) -> int:
        return len(_BY_NAME)


def _build(row: CommandRow) -> Any:
    module_name, _, attribute = row.target.partition(".")
    gc.disable()  # the objects that an import makes all stay: to go through them again and again is for nothing
    try:
        module = import_module(f"regulars.cli.{module_name}")
        target = getattr(module, attribute)
        alone = typer.Typer(rich_markup_mode=None, add_completion=False)
        if isinstance(target, typer.Typer):
            alone.add_typer(target, name=row.name)
        else:
            alone.command(row.name, **{name: getattr(module, value) for name, value in row.more.items()})(target)
        return get_group(alone).commands[row.name]
    finally:
        gc.enable()  # entry.main has disabled it


class LazyGroup(TyperGroup):
    """The commands of ROWS, in their order."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast(Any, _Commands())

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands without building them."""
        with formatter.section("Commands"):
            formatter.write_dl([(row.name, row.summary) for row in ROWS])
