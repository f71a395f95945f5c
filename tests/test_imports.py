"""Which room may know which: imports point from http and cli to store and audience, and from those to domain."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import regulars

ROOT = Path(regulars.__file__).parent
LONGEST = 400
"""Lines of a module. One that grows longer has a second noun in it, which wants a module of its own."""

ROOMS: dict[str, frozenset[str]] = {
    "domain": frozenset(),
    "cancellation": frozenset(),
    "audience": frozenset({"cancellation", "domain", "logs"}),
    "store": frozenset({"cancellation", "domain", "files", "logs"}),
    "checking": frozenset({"checking_columns", "domain", "audience", "store"}),
    "checking_columns": frozenset({"domain", "audience", "store"}),
    "checking_watches": frozenset({"domain", "audience", "store"}),
    "settings": frozenset({"domain"}),
    "logs": frozenset({"rate_counters"}),
    "metrics": frozenset(),
    "files": frozenset(),
    "stalls": frozenset(),
    "stored_files": frozenset({"files"}),
    "rate_counters": frozenset(),
    "http": frozenset(
        {
            "domain",
            "audience",
            "exporting",
            "importing",
            "jobs",
            "store",
            "settings",
            "logs",
            "metrics",
            "stalls",
            "rate_counters",
            "stored_files",
        }
    ),
    "server": frozenset({"metrics", "domain", "settings", "rate_counters"}),
    "exporting": frozenset({"domain", "files", "store"}),
    "importing": frozenset({"cancellation", "domain", "exporting", "store"}),
    "jobs": frozenset(
        {"audience", "cancellation", "domain", "store", "settings", "logs", "importing", "exporting", "stored_files"}
    ),
    "cli": frozenset(
        {
            "stored_files",
            "checking",
            "checking_watches",
            "files",
            "domain",
            "audience",
            "store",
            "settings",
            "logs",
            "importing",
            "exporting",
            "jobs",
            "server",
        }
    ),
    "__main__": frozenset({"cli"}),
    "app": frozenset(
        {
            "domain",
            "audience",
            "store",
            "settings",
            "logs",
            "http",
            "server",
            "jobs",
            "metrics",
            "stalls",
            "rate_counters",
        }
    ),
}
"""Each room (a folder, or a module beside them) and the rooms that it may import."""

LIBRARIES = {
    "sqlalchemy": ("store/",),
    "apsw": ("store/",),
    "starlette": ("http/", "app.py"),
    "uvicorn": ("server/",),
    "httptools": ("server/",),
    "psycopg": ("store/postgresql/",),
    "argon2": ("http/pages/passwords.py",),
    "cryptography": ("http/sealed_tokens.py",),
    "prometheus_client": ("metrics/",),
}
"""Libraries that only some places may know: what they are for stays replaceable there."""

_SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX)|PRAGMA\s+\w+|BEGIN\s+IMMEDIATE)\b",
    re.DOTALL,
)
MODULES = sorted(ROOT.rglob("*.py"))


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@cache
def trees() -> dict[Path, ast.Module]:
    """The syntax tree of each module."""
    return {path: ast.parse(path.read_text(), str(path)) for path in MODULES}


def imported(path: Path, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, absolute module) of every import, also those inside functions; `from x import y` gives x.y."""
    package = ["regulars", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)


def wrong_directions(path: Path, tree: ast.Module) -> list[str]:
    """A sentence for each import that points the wrong way."""
    here = room(path)
    allowed = ROOMS.get(here, frozenset())
    found = []
    for line, name in imported(path, tree):
        parts = name.split(".")
        if parts[0] != "regulars" or len(parts) < 2:
            continue
        there = parts[1]
        if there in ROOMS and there != here and there not in allowed:
            rooms = ", ".join(sorted(allowed)) or "no other room"
            found.append(
                f"{place(path)}:{line} imports {name}, but {here} may know {rooms}. Move what is shared to domain, or "
                "let app.py hand it over."
            )
    return found


def wrong_libraries(path: Path, tree: ast.Module) -> list[str]:
    """A sentence for each library that is used outside its places."""
    found = []
    for line, name in imported(path, tree):
        places = LIBRARIES.get(name.split(".")[0])
        if places is not None and not place(path).startswith(places):
            found.append(f"{place(path)}:{line} imports {name}, which only {', '.join(places)} may know.")
    return found


def sql_outside(path: Path, tree: ast.Module) -> list[str]:
    """A sentence for each string literal with SQL in it, docstrings aside."""
    told = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        f"{place(path)}:{node.lineno} has SQL in a string: {node.value[:60]!r}. Statements live in store/, where each "
        "names its site and is explained."
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
        if _SQL.search(node.value)
    ]


def test_imports_point_one_way() -> None:
    problems = [
        problem
        for path, tree in trees().items()
        for problem in wrong_directions(path, tree) + wrong_libraries(path, tree)
    ]
    assert not problems, "\n".join(problems)


def test_sql_is_written_in_the_store() -> None:
    problems = [
        problem for path, tree in trees().items() if room(path) != "store" for problem in sql_outside(path, tree)
    ]
    assert not problems, "\n".join(problems)


def test_no_module_is_too_long() -> None:
    problems = [
        f"{place(path)} has {lines} lines, {LONGEST} at most: it has a second noun; give it a module"
        for path in MODULES
        if (lines := len(path.read_text().splitlines())) > LONGEST
    ]
    assert not problems, "\n".join(problems)


def test_every_room_has_its_rule() -> None:
    unruled = {room(path) for path in MODULES} - set(ROOMS) - {"__init__"}
    assert not unruled, f"say in ROOMS which rooms {', '.join(sorted(unruled))} may import"


@pytest.mark.parametrize(
    ("where", "text", "caught"),
    [
        ("domain/x.py", "from regulars.store import ledger", 1),
        ("domain/x.py", "def f():\n    import regulars.http.app", 1),
        ("domain/x.py", "from ..store import ledger", 1),
        ("domain/x.py", "from regulars import audience", 1),
        ("domain/x.py", "from regulars.domain.text import fold\nimport re\nimport msgspec", 0),
        ("store/x.py", "from regulars.audience.source import Head", 1),
        ("audience/x.py", "from regulars.store.engine import Row", 1),
        ("http/x.py", "from regulars.store.store import Store\nfrom regulars.audience import Audience", 0),
        ("http/x.py", "from regulars.cli import main\nfrom regulars.app import create_app", 2),
        ("http/classic/x.py", "from ...store import store\nfrom ..gate import Gate", 0),
        ("cli/x.py", "from regulars.http.gate import Gate", 1),
        ("app.py", "from regulars.http.gate import Gate\nfrom regulars.store.store import Store", 0),
        ("http/x.py", "import sqlalchemy", 1),
        ("domain/x.py", "from starlette.requests import Request", 1),
        ("server/x.py", "import uvicorn", 0),
        ("server/x.py", "from regulars.http.gate import Gate", 1),
        ("app.py", "from regulars.cli.output import note", 1),
        ("cli/keys.py", "import uvicorn", 1),
        ("store/x.py", "import apsw", 0),
        ("http/x.py", 'X = "SELECT number FROM customers"', 1),
        ("http/x.py", 'X = f"DELETE FROM {table}"', 1),
        (
            "http/x.py",
            'def f():\n    """SELECT a FROM b is avoided."""\n    return "Select one from the list"',
            0,
        ),
    ],
)
def test_the_rules_catch_what_they_should(where: str, text: str, caught: int) -> None:
    path, tree = ROOT / where, ast.parse(text)
    problems = wrong_directions(path, tree) + wrong_libraries(path, tree) + sql_outside(path, tree)
    assert len(problems) == caught, problems


SAME_NAMES = frozenset(
    [
        "All",
        "Any",
        "Contains",
        "Field",
        "Not",
        "Reader",
        "Record",
        "Report",
        "Rows",
        "Slice",
        "State",
        "Status",
        "Tie",
        "UnknownFormatError",
        "Writer",
    ]
)
"""Names that two rooms use for different things. They may become fewer, not more."""


def test_a_class_has_a_name_of_its_own() -> None:
    found = Counter(
        each.name
        for tree in trees().values()
        for each in tree.body
        if isinstance(each, ast.ClassDef) and not each.name.startswith("_")
    )
    assert {name for name, count in found.items() if count > 1} == SAME_NAMES


def test_digits_are_read_by_one_helper() -> None:
    """`str.isdigit` and `str.isdecimal` accept digits of other scripts, and `int` takes long for a long text."""
    calls = [place(path) for path, tree in trees().items() for each in ast.walk(tree) if _is_digit_check(each)]
    assert calls == ["domain/text.py"]


def _is_digit_check(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in ("isdigit", "isdecimal", "isnumeric")
