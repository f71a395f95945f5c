"""Run the benchmarks and print the table of figures."""

import argparse
import tempfile
from pathlib import Path

from bench import audience, postgresql, reads, writes
from bench.databases import databases
from bench.report import Figure, machine, markdown, show

PARTS = ("writes", "import", "reads", "audience")
MARKS = {"sqlite": "figures", "postgresql": "figures: postgresql"}
"""Between which comments of a document the table of each engine stands."""


def main() -> None:
    """Measure, print, and if asked write the table into a document between its marks."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="how long each load runs (default 4)")
    parser.add_argument("--customers", type=int, default=100_000, help="customers to ask about (default 100,000)")
    parser.add_argument("--only", choices=PARTS, help="one part instead of all; PostgreSQL has no part `audience`")
    parser.add_argument(
        "--engine",
        choices=tuple(MARKS),
        default="sqlite",
        help="postgresql: measure that instead, each figure beside SQLite's (default sqlite)",
    )
    parser.add_argument("--dsn", metavar="URL", help="a server for --engine postgresql; else one is started")
    parser.add_argument(
        "--size", choices=audience.SIZES, default="100k", help="customers of the audience (default 100k)"
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the audience's database is made, and kept")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the table into this document")
    options = parser.parse_args()
    if options.engine == "postgresql" and options.only == "audience":
        parser.error("the index is the same on both engines: measure it without --engine")
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as name:
        figures, title = _MEASURED[options.engine](Path(name), options)
    show(figures, title)
    if options.write is not None:
        _write(options.write, MARKS[options.engine], title, figures)


def _sqlite(folder: Path, options: argparse.Namespace) -> tuple[list[Figure], str]:
    figures: list[Figure] = []
    if options.only in (None, "writes"):
        figures += writes.over_http(folder, options.seconds)
    if options.only in (None, "import"):
        figures += writes.imported(folder, options.customers)
    if options.only in (None, "reads"):
        figures += reads.over_http(folder, options.customers, options.seconds)
    if options.only in (None, "audience"):
        figures += audience.measured(options.keep or folder, options.size)
    return figures, machine()


def _postgresql(folder: Path, options: argparse.Namespace) -> tuple[list[Figure], str]:
    figures: list[Figure] = []
    with databases(folder, options.dsn) as made:
        if options.only in (None, "writes"):
            figures += postgresql.upserts(made, options.seconds)
            figures += postgresql.sites_at_once(made, options.seconds)
        if options.only in (None, "import"):
            figures += postgresql.imported(made, options.customers)
        if options.only in (None, "reads"):
            figures += postgresql.asked(made, options.customers, options.seconds)
        return figures, f"{machine()}, {made.version()}"


_MEASURED = {"sqlite": _sqlite, "postgresql": _postgresql}


def _write(path: Path, mark: str, title: str, figures: list[Figure]) -> None:
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->\n"
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    path.write_text(f"{before}{begin}{title}\n\n{markdown(figures)}{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
