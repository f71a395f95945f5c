"""docs/consent.md: every answer names a test, and the tests are there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ANSWERS = re.split(r"^(?=\*\*)", (ROOT / "docs" / "consent.md").read_text(), flags=re.MULTILINE)[1:]


def test_every_answer_names_tests_that_exist() -> None:
    assert len(ANSWERS) >= 25
    known: dict[str, set[str]] = {}
    for answer in ANSWERS:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", answer)
        assert named, answer.partition("\n")[0]
        for path, test in named:
            if path not in known:
                tree = ast.parse((ROOT / path).read_text())
                known[path] = {
                    each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
                }
            assert test in known[path], f"{path}::{test}"
