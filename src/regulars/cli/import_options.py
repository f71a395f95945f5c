"""The options that the commands of `regulars import` share."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.importing.columns.dates import Order
from regulars.importing.consent_choice import ConsentChoice

File = Annotated[str, typer.Argument(metavar="FILE", help="The file, or - for standard input.")]
RejectFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write refused and kept back lines to FILE, with line number and reason."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the result of the import without changing anything.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse lines with an invalid optional field.")]
Encoding = Annotated[
    str | None, typer.Option(metavar="NAME", help="The encoding of the text, such as cp1252, if it is not recognized.")
]
Map = Annotated[
    str | None,
    typer.Option(
        "--map", metavar="COLUMN=FIELD,...", help="The field that each column fills, or a TOML file with this mapping."
    ),
]
WriteMap = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write what was recognized as TOML, and import nothing.")
]
DateOrder = Annotated[
    Order | None, typer.Option(metavar="dmy|mdy", help="The order of day and month in dates such as 3/4/2026.")
]
TimeZone = Annotated[
    str, typer.Option(metavar="NAME", help="The time zone of times without one, such as Europe/Berlin.")
]
Separator = Annotated[str | None, typer.Option(metavar="SIGN", help="The cell separator: , ; | or tab.")]
Sheet = Annotated[str | None, typer.Option(metavar="NAME", help="The sheet of a spreadsheet.")]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Continue an interrupted import. The same command does so without it, too."),
]
Consents = Annotated[
    ConsentChoice,
    typer.Option(help="What counts of the consent in the file: all, only what ended, or none."),
]
