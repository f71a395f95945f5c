"""What each of the forty questions took, and its tables: for the terminal, and for the documentation."""

import statistics
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from bench.questions import Question
from bench.report import Figure, machine


class Timing(Struct):
    """What one question took, in ms. `sql` is None where it was not asked; `way` is how it was.

    `first` and `again`: the whole request over HTTP. `evaluation`, `bare` and `sql`: the total and the numbers of
    the page, warm: ours in process, by hand in process, and PostgreSQL's over its socket.
    """

    question: Question
    total: int
    first: float
    again: float = 0.0
    evaluation: float = 0.0
    bare: float = 0.0
    sql: float | None = None
    way: str = ""

    @property
    def by_sql(self) -> float | None:
        """How many times as long SQL takes as our evaluation."""
        return None if self.sql is None else self.sql / self.evaluation

    def row(self) -> tuple[str, ...]:
        """The cells of its line."""
        numbers = (self.first, self.again, self.evaluation, self.bare)
        cells = (self.question.text, f"{self.total:,}", *(_shown(each) for each in numbers))
        if self.sql is None or self.by_sql is None:
            return (*cells, "", "", "")
        return (*cells, _shown(self.sql), f"{self.by_sql:,.1f}", self.way)


_HEADINGS: Final = ("question", "matches", "first ms", "again ms", "evaluation ms", "bare ms")
_SQL_HEADINGS: Final = ("SQL ms", "SQL / evaluation", "asked in SQL as")


def _shown(value: float) -> str:
    return f"{value:,.2f}" if value < 1_000 else f"{value:,.0f}"


def _headings(timings: Sequence[Timing]) -> tuple[str, ...]:
    return (*_HEADINGS, *_SQL_HEADINGS) if any(each.sql is not None for each in timings) else _HEADINGS


def show(size: str, timings: Sequence[Timing]) -> None:
    """Print the table."""
    table = Table(*_headings(timings), title=f"{size}: {machine()}")
    for each in timings:
        table.add_row(*each.row()[: len(table.columns)])
    Console(width=240).print(table)


def markdown(timings: Sequence[Timing]) -> str:
    """The table for the documentation."""
    headings = _headings(timings)
    lines = [
        "| " + " | ".join(headings) + " |",
        "| --- |" + " ---: |" * 5 + " ---: | ---: | --- |" * (len(headings) > 6),
    ]
    lines += [
        "| " + " | ".join((f"`{row[0]}`", *row[1:])) + " |" for row in (each.row()[: len(headings)] for each in timings)
    ]
    return "\n".join(lines) + "\n"


def growth(before: Sequence[Timing], after: Sequence[Timing], sizes: tuple[str, str]) -> list[Figure]:
    """Figures of ten times the customers."""

    def figure(name: str, of: Callable[[list[float]], float], target: float) -> Figure:
        old, new = (of([each.again for each in timings]) for timings in (before, after))
        return Figure(f"{name}, {sizes[1]} customers", new, "ms", sizes[0], old, target, at_least=False)

    return [figure("question, slowest", max, 10), figure("question, median", statistics.median, 3)]


def compared(timings: Sequence[Timing]) -> list[Figure]:
    """Figures of our evaluation beside the same work by hand, and beside SQL."""
    bare = sorted(each.evaluation / each.bare for each in timings)
    sql = sorted(each.by_sql for each in timings if each.by_sql is not None)
    figures = [
        Figure(f"evaluation / bare set operations, {name}", value, "x", "itself", 1, 2, at_least=False)
        for name, value in (("median", statistics.median(bare)), ("most", bare[-1]))
    ]
    if sql:
        figures += [
            Figure(f"SQL / evaluation, {name}", value, "x", "itself", 1, target)
            for name, value, target in (("median", statistics.median(sql), 20.0), ("least", sql[0], 1.0))
        ]
    return figures
