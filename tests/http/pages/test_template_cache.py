"""Compiled templates are kept, belong to their source, and are not needed."""

import sys
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from regulars.http.pages.template_cache import TemplateCache


def rendered(source: str, folder: Path) -> str:
    cache = TemplateCache(folder)
    return Environment(loader=DictLoader({"a.html": source}), bytecode_cache=cache).get_template("a.html").render(x=1)


@pytest.fixture(autouse=True)
def _may_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def test_a_compiled_template_is_kept_and_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "__pycache__"
    assert rendered("{{ x }}", folder) == "1"
    (kept,) = folder.iterdir()
    first = kept.stat().st_mtime_ns
    assert rendered("{{ x }}", folder) == "1"
    assert [each.stat().st_mtime_ns for each in folder.iterdir()] == [first]


def test_a_template_that_changed_is_compiled_again(tmp_path: Path) -> None:
    assert rendered("{{ x }}", tmp_path) == "1"
    assert rendered("{{ x + 1 }}", tmp_path) == "2"


def test_nothing_is_written_where_python_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered("{{ x }}", tmp_path) == "1"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    assert rendered("{{ x }}", tmp_path / "missing" / "below") == "1"
