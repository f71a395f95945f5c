"""Run the benchmarks and print the table of figures."""

import argparse
import tempfile
from pathlib import Path

from bench import audience, reads, writes
from bench.report import Figure, machine, markdown, show


def main() -> None:
    """Measure, print, and if asked write the table into a document between its marks."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="how long each load runs (default 4)")
    parser.add_argument("--customers", type=int, default=100_000, help="customers to ask about (default 100,000)")
    parser.add_argument("--only", choices=("writes", "import", "reads", "audience"), help="one part instead of all")
    parser.add_argument(
        "--size", choices=audience.SIZES, default="100k", help="customers of the audience (default 100k)"
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the audience's database is made, and kept")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the table into this document")
    options = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as name:
        folder = Path(name)
        if options.only in (None, "writes"):
            figures += writes.over_http(folder, options.seconds)
        if options.only in (None, "import"):
            figures += writes.imported(folder, options.customers)
        if options.only in (None, "reads"):
            figures += reads.over_http(folder, options.customers, options.seconds)
        if options.only in (None, "audience"):
            figures += audience.measured(options.keep or folder, options.size)
    show(figures)
    if options.write is not None:
        _write(options.write, figures)


def _write(path: Path, figures: list[Figure]) -> None:
    begin, end = "<!-- figures -->\n", "<!-- /figures -->\n"
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    path.write_text(f"{before}{begin}{machine()}\n\n{markdown(figures)}{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
