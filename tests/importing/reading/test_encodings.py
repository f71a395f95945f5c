"""Files as text."""

from collections.abc import Generator
from pathlib import Path
from typing import cast

import pytest

from regulars.importing.reading.delimited import text_lines
from regulars.importing.reading.json_lines import json_lines


@pytest.mark.parametrize(("read", "encoding"), [(text_lines, "utf-8"), (json_lines, "utf-16")])
@pytest.mark.parametrize("is_closed", [False, True])
def test_lines_that_are_left_half_read_may_outlive_their_file(
    tmp_path: Path, read: object, encoding: str, is_closed: bool
) -> None:
    path = tmp_path / "lines"
    path.write_text('{"email": "a@example.com"}\n' * 100, encoding=encoding)
    with path.open("rb") as file:
        lines = cast(Generator[object], read(file, encoding))  # type: ignore[operator]
        next(lines)
        if is_closed:
            file.close()
        lines.close()
        assert file.closed is is_closed
