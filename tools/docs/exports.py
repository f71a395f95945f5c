"""The columns of exported files, and what columns of imported files can fill, for docs/files.md."""

from collections.abc import Callable
from typing import Final

from regulars.exporting.customer_columns import COLUMNS
from regulars.importing.columns.exporters import EXPORTERS, OWN
from regulars.importing.columns.targets import FIELDS
from tools.docs.markdown import code, table


def _columns() -> str:
    return table(("column", "meaning"), [(code(each.name), each.meaning) for each in COLUMNS])


def _fields() -> str:
    return table(("field", "meaning"), [(code(name), meaning) for name, meaning in FIELDS.items()])


def _exporters() -> str:
    rows = [(each.title, each.note or "") for each in EXPORTERS if each.name != OWN]
    return table(("export", "to know"), sorted(rows))


PARTS: Final[dict[str, Callable[[], str]]] = {
    "export-columns": _columns,
    "import-fields": _fields,
    "import-exporters": _exporters,
}
