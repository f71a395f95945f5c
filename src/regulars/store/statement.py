"""Statements: SQL written once with SQLAlchemy Core, compiled once per dialect, run by our own engines.

One owner of parameter names and of the order of rows, and one list of every statement there is, which tests go
through (each names its site; none scans one).
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Integer, LargeBinary, Table, Text, bindparam, func, literal_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import Join

DIALECTS: Final[dict[str, Dialect]] = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": postgresql.dialect(paramstyle="format"),  # type: ignore[no-untyped-call]
}


class Sql(NamedTuple):
    """A compiled statement: its text, the parameter names in order, and the values of those that are constants."""

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]

    def arguments(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The positional arguments for named values."""
        constants = self.constants
        return tuple(values[name] if name in values else constants[name] for name in self.names)


class Statement:
    """One statement with a name of its own, compiled for a dialect when it is first used there."""

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
    """A join that looks up each key of a list, in this order and no other.

    SQLite without statistics plans a look-up of many keys as a scan of the whole site (430 times slower at 125,000
    customers); `CROSS JOIN` is its documented way to fix the order of a join.
    """

    inherit_cache = True


@compiles(KeyedJoin)
def _plain_join(element: KeyedJoin, compiler: SQLCompiler, **kw: Any) -> str:
    return _join(element, compiler, " JOIN ", kw)


@compiles(KeyedJoin, "sqlite")
def _cross_join(element: KeyedJoin, compiler: SQLCompiler, **kw: Any) -> str:
    return _join(element, compiler, " CROSS JOIN ", kw)


def _join(element: KeyedJoin, compiler: SQLCompiler, words: str, kw: dict[str, Any]) -> str:
    kw["asfrom"] = True
    sides = (compiler.process(element.left, **kw), compiler.process(element.right, **kw))
    assert element.onclause is not None
    kw.pop("from_linter", None)
    return words.join(sides) + " ON " + compiler.process(element.onclause, **{**kw, "asfrom": False})


def keys_of(*names: str) -> tuple[FromClause, tuple[ColumnElement[Any], ...]]:
    """The list parameter `keys` as a table, and its fields as columns, one for each name.

    With one name the parameter is a JSON array of values, with several an array of arrays. A name that ends in
    `_hex` is bytes written in hexadecimal.
    """
    table = func.json_each(bindparam("keys", type_=Text)).table_valued("value", name="k")
    value: ColumnElement[Any] = table.c.value
    fields: list[ColumnElement[Any]] = []
    for place, name in enumerate(names):
        field = value if len(names) == 1 else func.json_extract(value, literal_column(f"'$[{place}]'"))
        fields.append(func.unhex(field, type_=LargeBinary) if name.endswith("_hex") else field)
    return table, tuple(fields)


def site_is(table: Table) -> ColumnElement[bool]:
    """The tenant filter: the only way a statement names its site."""
    return table.c.site_id == bindparam("site", type_=Integer)
