"""Run the benchmarks and print the table of figures."""

import argparse
import tempfile
from pathlib import Path

from bench import activity, audience, exports, files, pages, postgresql, reads, timings, writes
from bench.databases import databases
from bench.report import Figure, machine, markdown, show

PARTS = ("writes", "import", "files", "export", "reads", "audience", "activity", "pages")
MARKS = {"sqlite": "figures", "postgresql": "figures: postgresql"}
"""Between which comments of a document the table of each engine stands."""

PART_MARKS = {name: f"figures: {name}" for name in ("files", "export", "activity", "pages")}
"""The same for parts that have a table of their own."""


def main() -> None:
    """Measure, print, and if asked write the tables into a document, each between its marks."""
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
        "--size",
        choices=audience.SIZES,
        nargs="+",
        default=["100k"],
        help="customers of the audience (default 100k); of several sizes, growth is a figure, too",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="where the databases of the parts audience, activity and pages are made, and kept",
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the tables into this document")
    parser.add_argument("--sends", type=int, default=2_000_000, help="emails of the part activity (default 2,000,000)")
    parser.add_argument("--activities", type=int, default=500_000, help="other events of it (default 500,000)")
    options = parser.parse_args()
    if options.engine == "postgresql" and options.only == "audience":
        parser.error("the index is the same on both engines: measure it without --engine")
    if options.write is not None and options.only not in (None, "audience", *PART_MARKS):
        parser.error(f"--only {options.only} has no table of its own in a document: leave --write or --only away")
    if options.engine == "postgresql" and options.only in PART_MARKS:
        parser.error(f"{options.only}: measured on SQLite only")
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as name:
        if options.only == "activity":
            folder = options.keep or Path(name)
            figures = activity.over_http(folder, options.customers, options.sends, options.activities)
            show(figures, machine())
            _write(options.write, PART_MARKS["activity"], machine(), markdown(figures))
            return
        if options.only == "pages":
            figures = pages.over_http(options.keep or Path(name), options.customers)
            show(figures, machine())
            _write(options.write, PART_MARKS["pages"], machine(), markdown(figures))
            return
        if options.only != "audience":
            figures, title = _MEASURED[options.engine](Path(name), options)
            show(figures, title)
            mark = PART_MARKS.get(options.only, MARKS[options.engine])
            _write(options.write, mark, title, markdown(figures))
        if options.only == "audience" or (options.only is None and options.engine == "sqlite"):
            for run in audience.measured(options.keep or Path(name), options.size):
                show(run.figures, machine())
                tables = f"{markdown(run.figures)}\n{timings.markdown(run.timings)}"
                _write(options.write, f"audience: {run.size}", machine(), tables)


def _sqlite(folder: Path, options: argparse.Namespace) -> tuple[list[Figure], str]:
    figures: list[Figure] = []
    if options.only in (None, "writes"):
        figures += writes.over_http(folder, options.seconds)
    if options.only in (None, "import"):
        figures += writes.imported(folder, options.customers)
    if options.only in (None, "files"):
        figures += files.imported(folder, options.customers)
    if options.only in (None, "export"):
        figures += exports.exported(folder, options.customers)
    if options.only in (None, "reads"):
        figures += reads.over_http(folder, options.customers, options.seconds)
    return figures, machine()


def _postgresql(folder: Path, options: argparse.Namespace) -> tuple[list[Figure], str]:
    figures: list[Figure] = []
    with databases(folder, options.dsn) as made:
        if options.only in (None, "writes"):
            figures += postgresql.upserts(made, options.seconds)
            figures.append(postgresql.sites_at_once(made, options.seconds))
        if options.only in (None, "import"):
            figures += postgresql.imported(made, options.customers)
        if options.only in (None, "reads"):
            figures += postgresql.asked(made, options.customers, options.seconds)
        return figures, f"{machine()}, {made.version()}"


_MEASURED = {"sqlite": _sqlite, "postgresql": _postgresql}


def _write(path: Path | None, mark: str, title: str, tables: str) -> None:
    """Put tables between the marks of that name, if they are to be written at all."""
    if path is None:
        return
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->\n"
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    path.write_text(f"{before}{begin}{title}\n\n{tables}{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
