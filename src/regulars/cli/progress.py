"""Progress bars on a terminal; nothing elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from regulars.importing.importer import Summary


@contextmanager
def progress_bar(name: str, total: int | None) -> Iterator[Callable[[Summary, int], None]]:
    """Show an import's progress on stderr. Call the result with the summary and the part of `total` that is done."""
    with figures_bar(name, total) as show:
        yield lambda summary, done: show(f"{summary.lines:,} lines, {summary.rate:,.0f}/s", done)


@contextmanager
def figures_bar(name: str, total: int | None) -> Iterator[Callable[[str, int], None]]:
    """Show progress on stderr. Call the result with figures and the part of `total` that is done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=total, figures="")

        yield lambda figures, done: progress.update(task, completed=done, figures=figures)
