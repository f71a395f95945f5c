"""The table of figures: each beside its reference, their ratio, and the target."""

import math
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct
from rich.console import Console
from rich.markup import escape
from rich.table import Table

NO_TARGET: Final = math.inf
"""The target of a figure that is only told."""


class Figure(Struct, frozen=True):
    """One figure. `at_least`: whether the ratio must be at least the target, or at most; NO_TARGET is none."""

    name: str
    figure: float
    unit: str
    reference: str
    referred: float
    target: float
    at_least: bool = True
    note: str = ""

    @property
    def ratio(self) -> float:
        """The figure by its reference."""
        return self.figure / self.referred if self.referred else float("inf")

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target

    def row(self) -> tuple[str, ...]:
        """The cells of its line."""
        if self.target == NO_TARGET:
            return self.name, f"{_number(self.figure)} {self.unit}", "", "", "", "", self.note
        return (
            self.name,
            f"{_number(self.figure)} {self.unit}",
            f"{self.reference}: {_number(self.referred)} {self.unit}",
            f"{self.ratio:.2f}",
            f"{'>=' if self.at_least else '<='} {self.target:g}",
            "yes" if self.met else "NO",
            self.note,
        )


HEADINGS = ("figure", "measured", "reference", "ratio", "target", "met", "")


def machine() -> str:
    """The machine and the day, for the head of a table."""
    model = platform.processor() or platform.machine()
    with Path("/proc/cpuinfo").open(encoding="ascii", errors="replace") as lines:
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    day = datetime.now(UTC).date().isoformat()
    return f"{day}, {os.cpu_count()} cores of {model}, Python {platform.python_version()}"


def show(figures: list[Figure], title: str) -> None:
    """Print the table."""
    table = Table(*HEADINGS, title=title)
    for figure in figures:
        table.add_row(*map(escape, figure.row()))
    Console(width=180).print(table)


def markdown(figures: list[Figure]) -> str:
    """The table for the documentation."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS)]
    lines += ["| " + " | ".join(figure.row()) + " |" for figure in figures]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
