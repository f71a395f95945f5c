"""Statements: SQL written once with SQLAlchemy Core, compiled once per dialect, run by our own engines.

This module owns parameter names and row order, and keeps a list of all statements, which tests iterate over (each must
name its site, and none may scan one).
"""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    FromClause,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    cast,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import Join
from sqlalchemy.types import TypeEngine

DIALECTS: Final[dict[str, Dialect]] = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": postgresql.dialect(paramstyle="numeric_dollar"),  # type: ignore[no-untyped-call]
}


class Sql:
    """A compiled statement: its text, the parameter names in order, and the values of constant parameters."""

    def __init__(self, text: str, names: tuple[str, ...], constants: Mapping[str, Any]) -> None:
        self.text = text
        self.names = names
        self._constants = {name: constants[name] for name in names if constants.get(name) is not None}
        self._pick: Callable[[Mapping[str, Any]], Any] = itemgetter(*names) if names else lambda values: ()

    def arguments(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The positional arguments for named values."""
        picked = self._pick({**self._constants, **values} if self._constants else values)
        return picked if len(self.names) != 1 else (picked,)


class Statement:
    """A statement with a unique name, compiled for a dialect on first use.

    Build INSERT ... ON CONFLICT with PostgreSQL's `insert`, which compiles for both dialects.
    """

    all: Final[dict[str, "Statement"]] = {}

    def __init__(self, name: str, clause: ClauseElement) -> None:
        assert name not in Statement.all, name
        self.name = name
        self.clause = clause
        self._compiled: dict[str, Sql] = {}
        Statement.all[name] = self

    def __repr__(self) -> str:
        return f"<Statement {self.name}>"

    def sql(self, dialect: str) -> Sql:
        """The statement in a dialect of DIALECTS."""
        found = self._compiled.get(dialect)
        if found is None:
            compiled = self.clause.compile(dialect=DIALECTS[dialect])
            assert isinstance(compiled, SQLCompiler)
            found = Sql(str(compiled), tuple(compiled.positiontup or ()), dict(compiled.params))
            self._compiled[dialect] = found
        return found


class KeyedJoin(Join):
    """A join that looks up each key of a list in a table, with a fixed join order.

    Without statistics, SQLite plans a lookup of many keys as a scan of the whole site (430 times slower at 125,000
    customers), and so does PostgreSQL while a table is small. `CROSS JOIN` is SQLite's documented way to fix the join
    order. PostgreSQL keeps the order for a subquery that it cannot flatten; the OFFSET prevents flattening.
    """

    inherit_cache = True
    index: str | None = None

    def by(self, index: str) -> "KeyedJoin":
        """Look the keys up in this index, where SQLite without statistics would rather read the site by its key."""
        self.index = index
        return self


@compiles(KeyedJoin, "sqlite")
def _sqlite_keyed_join(element: KeyedJoin, compiler: SQLCompiler, **kw: Any) -> str:
    keys, table, condition = _parts(element, compiler, kw)
    by = "" if element.index is None else f" INDEXED BY {element.index}"
    return f"{keys} CROSS JOIN {table}{by} ON {condition}"


@compiles(KeyedJoin, "postgresql")
def _postgresql_keyed_join(element: KeyedJoin, compiler: SQLCompiler, **kw: Any) -> str:
    keys, table, condition = _parts(element, compiler, kw)
    held = f"SELECT * FROM {table} WHERE {condition} OFFSET 0"  # noqa: S608 - compiled text, no values
    return f"{keys} CROSS JOIN LATERAL ({held}) AS {table}"


def _parts(element: KeyedJoin, compiler: SQLCompiler, kw: dict[str, Any]) -> tuple[str, str, str]:
    """The keys, the table and the condition, as text."""
    kw["asfrom"] = True
    keys, table = compiler.process(element.left, **kw), compiler.process(element.right, **kw)
    assert element.onclause is not None
    kw.pop("from_linter", None)
    return keys, table, compiler.process(element.onclause, **{**kw, "asfrom": False})


class _Elements(FunctionElement[Any]):
    """The elements of a JSON array, as a table with the column `value`."""

    name = "elements"
    inherit_cache = True


class _Field(FunctionElement[Any]):
    """An element of a JSON array, or one field of an element that is itself an array, cast to a column's type.

    Bytes are given in hexadecimal.
    """

    name = "field"
    inherit_cache = False

    def __init__(self, element: ColumnElement[Any], place: int | None, type_: TypeEngine[Any]) -> None:
        super().__init__(element)
        self.place = place
        self.type = type_


class JsonArray(FunctionElement[str]):
    """A JSON array of the arguments."""

    name = "json_array"
    inherit_cache = True


class JsonGroupArray(FunctionElement[str]):
    """Aggregates the argument over all rows into a JSON array, as text; empty if there are no rows."""

    name = "json_group_array"
    type = Text()
    inherit_cache = True


class JoinedJson(FunctionElement[str]):
    """Joins the argument, which is JSON as text, over all rows into a JSON array, as text. NULL is left out."""

    name = "joined_json"
    type = Text()
    inherit_cache = True


class JoinedLines(FunctionElement[str]):
    """Joins the argument, a text without line breaks, over all rows, one line each. NULL is left out."""

    name = "joined_lines"
    type = Text()
    inherit_cache = True


class JsonAt(FunctionElement[str]):
    """The value at a path in a JSON object, as JSON text; NULL if there is none.

    Arguments: the object as text, and the path: names joined by dots, each of letters, digits, spaces, _ and -, and
    beginning with a letter or _. PostgreSQL would take a number for a place in an array.
    """

    name = "json_at"
    type = Text()
    inherit_cache = True


class Contains(FunctionElement[bool]):
    """Whether a text contains another, compared by code point."""

    name = "contains"
    type = Boolean()
    inherit_cache = True


class Greatest(FunctionElement[int]):
    """The greatest of the arguments, none of which may be NULL."""

    name = "greatest"
    type = BigInteger()
    inherit_cache = True


@compiles(Greatest, "sqlite")
def _sqlite_greatest(element: Greatest, compiler: SQLCompiler, **kw: Any) -> str:
    return f"max({_arguments(element, compiler, kw)})"


@compiles(Greatest, "postgresql")
def _postgresql_greatest(element: Greatest, compiler: SQLCompiler, **kw: Any) -> str:
    return f"greatest({_arguments(element, compiler, kw)})"


@compiles(Contains, "sqlite")
def _sqlite_contains(element: Contains, compiler: SQLCompiler, **kw: Any) -> str:
    return f"instr({_arguments(element, compiler, kw)}) > 0"


@compiles(Contains, "postgresql")
def _postgresql_contains(element: Contains, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strpos({_arguments(element, compiler, kw)}) > 0"


def _arguments(element: FunctionElement[Any], compiler: SQLCompiler, kw: dict[str, Any]) -> str:
    return str(compiler.process(element.clauses, **kw))


@compiles(_Elements, "sqlite")
def _sqlite_elements(element: _Elements, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({_arguments(element, compiler, kw)})"


@compiles(_Elements, "postgresql")
def _postgresql_elements(element: _Elements, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array_elements(CAST({_arguments(element, compiler, kw)} AS JSON))"


@compiles(_Field, "sqlite")
def _sqlite_field(element: _Field, compiler: SQLCompiler, **kw: Any) -> str:
    text = _arguments(element, compiler, kw)
    if element.place is not None:
        text = f"json_extract({text}, '$[{element.place}]')"
    return f"unhex({text})" if isinstance(element.type, LargeBinary) else text


@compiles(_Field, "postgresql")
def _postgresql_field(element: _Field, compiler: SQLCompiler, **kw: Any) -> str:
    text = _arguments(element, compiler, kw) + (" #>> '{}'" if element.place is None else f" ->> {element.place}")
    if isinstance(element.type, LargeBinary):
        return f"decode({text}, 'hex')"
    if isinstance(element.type, Text):
        return f"({text})"
    return f"CAST({text} AS {compiler.dialect.type_compiler_instance.process(element.type)})"


@compiles(JsonArray, "sqlite")
def _sqlite_json_array(element: JsonArray, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array({_arguments(element, compiler, kw)})"


@compiles(JsonArray, "postgresql")
def _postgresql_json_array(element: JsonArray, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_build_array({_arguments(element, compiler, kw)})"


@compiles(JsonGroupArray, "sqlite")
def _sqlite_json_group_array(element: JsonGroupArray, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_group_array({_arguments(element, compiler, kw)})"


@compiles(JsonGroupArray, "postgresql")
def _postgresql_json_group_array(element: JsonGroupArray, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(coalesce(json_agg({_arguments(element, compiler, kw)}), '[]') AS TEXT)"


@compiles(JoinedJson, "sqlite")
def _sqlite_joined_json(element: JoinedJson, compiler: SQLCompiler, **kw: Any) -> str:
    return f"'[' || coalesce(group_concat({_arguments(element, compiler, kw)}, ','), '') || ']'"


@compiles(JoinedJson, "postgresql")
def _postgresql_joined_json(element: JoinedJson, compiler: SQLCompiler, **kw: Any) -> str:
    return f"'[' || coalesce(string_agg({_arguments(element, compiler, kw)}, ','), '') || ']'"


@compiles(JoinedLines, "sqlite")
def _sqlite_joined_lines(element: JoinedLines, compiler: SQLCompiler, **kw: Any) -> str:
    return f"coalesce(group_concat({_arguments(element, compiler, kw)}, char(10)), '')"


@compiles(JoinedLines, "postgresql")
def _postgresql_joined_lines(element: JoinedLines, compiler: SQLCompiler, **kw: Any) -> str:
    return f"coalesce(string_agg({_arguments(element, compiler, kw)}, chr(10)), '')"


@compiles(JsonAt, "sqlite")
def _sqlite_json_at(element: JsonAt, compiler: SQLCompiler, **kw: Any) -> str:
    document, path = (str(compiler.process(each, **kw)) for each in element.clauses)
    return f"({document} -> ('$.' || {path}))"


@compiles(JsonAt, "postgresql")
def _postgresql_json_at(element: JsonAt, compiler: SQLCompiler, **kw: Any) -> str:
    document, path = (str(compiler.process(each, **kw)) for each in element.clauses)
    return f"CAST(CAST({document} AS JSON) #> string_to_array({path}, '.') AS TEXT)"


def keys_of(*columns: Column[Any]) -> tuple[FromClause, tuple[ColumnElement[Any], ...]]:
    """The list parameter `keys` as a table, and its fields as values comparable to these columns.

    The parameter is a JSON array of values for one column, and an array of arrays for several; bytes are given in
    hexadecimal.
    """
    table = _Elements(bindparam("keys", type_=Text)).table_valued("value", name="k")
    alone = len(columns) == 1
    fields = [_Field(table.c.value, None if alone else place, column.type) for place, column in enumerate(columns)]
    return table, tuple(fields)


def id_is(column: ColumnElement[int], name: str) -> ColumnElement[bool]:
    """Whether an integer column is the number in a parameter, which may be larger than any that the column holds.

    PostgreSQL refuses such a number unless the parameter has a type of its own. Not for the columns that Citus
    distributes by: with the cast it would ask all shards.
    """
    return column == cast(bindparam(name), BigInteger)


def site_is(table: Table) -> ColumnElement[bool]:
    """The tenant filter: the only way in which a statement may name its site."""
    return table.c.site_id == bindparam("site", type_=Integer)
