"""The command `regulars`: assembles the subcommands, and turns errors into a sentence and an exit code."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from regulars import __version__
from regulars.cli import (
    access,
    asking,
    audit,
    demo,
    erasing,
    exports,
    imports,
    jobs,
    maintenance,
    moving,
    restoring,
    serving,
    users,
)
from regulars.cli.options import GlobalDatabase
from regulars.cli.output import FailedError, PartlyDoneError, note
from regulars.logs import configure_logging
from regulars.settings import PREFIX, SettingError
from regulars.store.control import ControlError
from regulars.store.engine import UnavailableError
from regulars.store.ledger import CommandFailedError
from regulars.store.migrations import IncompatibleError

FAILED: Final = 1
WRONG_USAGE: Final = 2
PARTLY_DONE: Final = 3
INTERRUPTED: Final = 130

_LOG_LEVEL: Final = f"{PREFIX}LOG_LEVEL"

_HELP: Final = """A self-hosted customers API: who they are, what they agreed to, every email they got.

\b
First steps:
  regulars demo                                 a server with sample customers to try out
  regulars init                                 a new database; prints its API key and a link to sign in
  regulars import customers people.csv          a list of people, from almost any program
  regulars serve                                the API on http://127.0.0.1:8080

`regulars COMMAND --help` explains each command.
"""

app: Final = typer.Typer(name="regulars", help=_HELP, rich_markup_mode=None, add_completion=False)
app.command()(demo.demo)
app.command()(access.init)
app.command(epilog=serving.SETTINGS_HELP)(serving.serve)
app.add_typer(imports.imports, name="import")
app.command(help=asking.HELP, short_help="Ask which customers match a question.")(asking.ask)
app.add_typer(exports.exports, name="export")
app.command()(erasing.erase)
app.add_typer(access.accounts, name="accounts")
app.add_typer(access.keys, name="keys")
app.add_typer(access.sites, name="sites")
app.add_typer(users.users, name="users")
app.add_typer(audit.audit, name="audit")
app.add_typer(jobs.jobs, name="jobs")
app.command()(maintenance.check)
app.command()(maintenance.reindex)
app.command()(maintenance.backup)
app.command()(restoring.restore)
app.add_typer(restoring.erasures, name="erasures")
app.command()(moving.migrate)
app.command()(moving.copy)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"regulars {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    database: GlobalDatabase = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 success, 1 failure, 2 wrong usage, 3 partial success, 130 interrupted."""
    configure_logging()
    sys.exit(_run(list(sys.argv[1:] if arguments is None else arguments) or ["--help"]))


def _run(arguments: list[str]) -> int:
    try:
        return app(arguments, prog_name="regulars", standalone_mode=False) or 0
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "regulars"
        sentence = " ".join(error.format_message().split()).rstrip(".")
        note(f"regulars: {sentence} (see `{command} --help`)")
        return WRONG_USAGE
    except SettingError as error:
        note(f"regulars: {error}")
        return WRONG_USAGE
    except PartlyDoneError as error:
        note(str(error))
        return PARTLY_DONE
    except (FailedError, ControlError, UnavailableError, IncompatibleError) as error:
        note(f"regulars: {error}")
        return FAILED
    except CommandFailedError as error:
        note(f"regulars: unexpected error; please report this bug: {error.__cause__!r}")
        return FAILED
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        if os.environ.get(_LOG_LEVEL) == "debug":
            raise
        note(f"regulars: unexpected error: {error!r} ({_LOG_LEVEL}=debug shows where)")
        return FAILED


if __name__ == "__main__":
    main()
