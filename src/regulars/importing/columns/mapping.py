"""The mapping of a table: what each column fills. It is shown before an import, and can be stated, also as TOML."""

import tomllib
from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from datetime import UTC, tzinfo
from typing import Literal

import msgspec
from msgspec import Struct

from regulars.importing.columns.dates import DateFormat, Order
from regulars.importing.columns.exporters import Exporter
from regulars.importing.columns.names import folded
from regulars.importing.columns.statuses import State
from regulars.importing.columns.targets import SHARED, Target, parse_target

Why = Literal["stated", "exporter", "name", "content", "unknown"]
"""How a column was recognised."""

_MOST_NAMES = 20
_LONGEST_NAME = 60


class TableColumn(Struct, kw_only=True):
    """A column: its place from 0, its heading, and what it fills.

    filled: how many records have a value. samples: the first different values. note: what is to be said of it.
    separator: what stands between the words of a list.
    """

    place: int
    name: str
    target: Target
    why: Why = "unknown"
    filled: int = 0
    samples: tuple[str, ...] = ()
    note: str | None = None
    date: DateFormat | None = None
    separator: str = ","


class TableMapping(Struct, kw_only=True):
    """What the columns of a table fill. state: of the consent of everybody in it, if the name of the file says so."""

    columns: list[TableColumn]
    exporter: Exporter | None = None
    state: State | None = None
    records: int = 0

    def column_of(self, field: str) -> TableColumn | None:
        """The column that fills a field."""
        return next((each for each in self.columns if each.target.field == field), None)


class Wishes(Struct, frozen=True, kw_only=True):
    """What a caller states about a table, instead of what would be recognised.

    targets: by folded heading. order: of day and month. zone: of times without one. nulls: the words for no value; None
    for the usual ones.
    """

    targets: MappingOf[str, Target] = {}
    order: Order | None = None
    zone: tzinfo = UTC
    nulls: frozenset[str] | None = None


class MappingError(Exception):
    """A mapping that cannot be used; the message says why, and what to do."""


def parse_map(text: str, parse: Callable[[str], Target] = parse_target) -> dict[str, Target]:
    """Read `E-Mail=email,Plan=attribute:plan`. A comma within a heading is doubled. Raises MappingError."""
    found: dict[str, Target] = {}
    for item in text.replace(",,", "\0").split(","):
        heading, equals, target = item.replace("\0", ",").rpartition("=")
        if not equals or not heading.strip():
            raise MappingError(f"--map takes COLUMN=FIELD, separated by commas, not {item!r}")
        found[heading.strip()] = _target(heading, target, parse)
    return found


def parse_toml(text: str, parse: Callable[[str], Target] = parse_target) -> dict[str, Target]:
    """Read the mapping that `write_toml` wrote. Raises MappingError."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"the mapping is no TOML: {error}") from None
    columns = found.get("columns")
    if not isinstance(columns, dict) or not all(isinstance(each, str) for each in columns.values()):
        raise MappingError('the mapping needs a table [columns] with lines such as "E-Mail" = "email"')
    if unknown := set(found) - {"columns"}:
        raise MappingError(f"the mapping has an unknown key {min(unknown)!r}; it may have [columns]")
    return {heading: _target(heading, target, parse) for heading, target in columns.items()}


def write_toml(mapping: TableMapping) -> str:
    """The mapping as TOML, to be changed by hand and stated in a later import."""
    lines = ["# What each column fills. See `regulars import --help` for the fields.", "[columns]"]
    for each in mapping.columns:
        comment = f"  # {each.note}" if each.note else ""
        lines.append(f"{_quoted(each.name)} = {_quoted(str(each.target))}{comment}")
    return "\n".join(lines) + "\n"


def by_heading(stated: MappingOf[str, Target], header: Sequence[str]) -> dict[str, Target]:
    """The stated targets by folded heading. Raises MappingError if one names no column, or two fill one field."""
    names = {folded(name) or name: name for name in header}
    found: dict[str, Target] = {}
    for heading, target in stated.items():
        key = folded(heading) or heading
        if key not in names:
            raise MappingError(f"there is no column {heading!r}; the columns are {shown_names(header)}")
        found[key] = target
    fields = [target.field for target in found.values() if target.key is None and target.field not in SHARED]
    twice = next((field for field in fields if fields.count(field) > 1), None)
    if twice is not None:
        raise MappingError(f"two columns are mapped to {twice}; one must go to another field, or to ignore")
    return found


def shown_names(header: Sequence[str]) -> str:
    """The first names of columns, for a sentence."""
    names = [repr(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}...") for name in header]
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _target(heading: str, text: str, parse: Callable[[str], Target]) -> Target:
    try:
        return parse(text)
    except ValueError as error:
        raise MappingError(f"{heading.strip()}: {error}") from None


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
