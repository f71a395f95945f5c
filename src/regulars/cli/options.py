"""Options that several commands share. `--database` can come before or after the command's name."""

from typing import Annotated, Final

import typer

from regulars.settings import PREFIX, Settings

DEFAULT_DATABASE: Final = Settings().database
DEMO_DATABASE: Final = "sqlite:///regulars-demo.db"
DATABASE_VARIABLE: Final = PREFIX + "DATABASE"
_DATABASE_HELP: Final = (
    "The database, as sqlite:///path or postgresql://user@host/name.  "
    f"[env: {DATABASE_VARIABLE}; default: {DEFAULT_DATABASE}]"
)


def _known(value: str | None) -> str | None:
    if value is not None:
        from regulars.store.store import DatabaseURLError, engine_for

        try:
            engine_for(value)
        except DatabaseURLError as error:
            raise typer.BadParameter(str(error)) from None
    return value


def known_database(value: str) -> str:
    """A required URL. Raises BadParameter if it is not the URL of a database."""
    return _known(value) or value


def _nearest(context: typer.Context, value: str | None) -> str:
    """The command's own option, else the one before its name, else the environment's, else the default."""
    return _known(value) or context.find_root().params["database"] or DEFAULT_DATABASE


def _nearest_demo(context: typer.Context, value: str | None) -> str:
    return _known(value) or context.find_root().params["database"] or DEMO_DATABASE


GlobalDatabase = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", envvar=DATABASE_VARIABLE, show_envvar=False, callback=_known, help=_DATABASE_HELP
    ),
]
Database = Annotated[str, typer.Option("--database", metavar="URL", callback=_nearest, help=_DATABASE_HELP)]
"""Use the default NEAREST: the option's callback replaces it by the right URL."""

DemoDatabase = Annotated[
    str,
    typer.Option(
        "--database",
        metavar="URL",
        callback=_nearest_demo,
        help=f"The demo database, created if it does not exist.  [default: {DEMO_DATABASE}]",
    ),
]
NEAREST: Final = None
LARGEST_NUMBER: Final = 2**53 - 1
"""No number of an import, a job or a row is larger."""

SiteNumber = Annotated[
    int | None, typer.Option("--site", metavar="ID", help="The site's number. Not needed if there is only one site.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
