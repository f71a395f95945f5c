"""The columns of exported files, for docs/files.md."""

from collections.abc import Callable
from typing import Final

from regulars.exporting.customer_columns import COLUMNS
from tools.docs.markdown import code, table


def _columns() -> str:
    return table(("column", "meaning"), [(code(each.name), each.meaning) for each in COLUMNS])


PARTS: Final[dict[str, Callable[[], str]]] = {"export-columns": _columns}
