"""docs/extending.md names every module that knows an example of each kind, and a row is picked up everywhere."""

import re
from pathlib import Path

import pytest
from tools.docs import filters as filters_page

from regulars.audience.filters.catalogue import BY_NAME
from regulars.http.compatibility import place, served
from regulars.http.openapi.document import document
from regulars.http.operations import OPERATIONS
from regulars.http.pages.api_page import page
from regulars.settings import Settings

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "regulars"
TEXT = (ROOT / "docs" / "extending.md").read_text()
SECTIONS = {section.partition("\n")[0]: section for section in TEXT.split("\n## ")[1:] if "\nExample: " in section}
MOST = {"Filter": 1, "Event": 2, "Call": 1, "Screen": 1, "Command": 3, "Job": 1, "Column": 8, "Migration": 3}
"""How many modules each kind may touch. A larger number is a step back: derive it instead."""


def example(section: str) -> str:
    (found,) = re.findall(r"^Example: `([^`]+)`$", section, re.MULTILINE)
    return str(found)


def named(section: str) -> list[str]:
    return re.findall(r"^\| `([^`]+\.py)` \|", section, re.MULTILINE)


def test_every_kind_has_its_section() -> None:
    assert SECTIONS.keys() == MOST.keys()
    assert re.findall(r"^## (.+)$", TEXT, re.MULTILINE) == [*MOST, "Provider"]


@pytest.mark.parametrize("kind", MOST)
def test_the_modules_are_all_in_which_the_example_is_named(kind: str) -> None:
    word = re.compile(rf"(?<![\w.]){re.escape(example(SECTIONS[kind]))}(?![\w.])")
    quoted = re.compile(rf"\"{re.escape(example(SECTIONS[kind]))}\"")
    found = quoted if kind in ("Filter", "Event", "Call", "Screen", "Job", "Migration") else word
    holding = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if found.search(path.read_text())}
    assert set(named(SECTIONS[kind])) == holding
    assert len(holding) <= MOST[kind]


def test_a_filter_is_picked_up_everywhere() -> None:
    name = example(SECTIONS["Filter"])
    made = document(OPERATIONS, Settings())
    for path in ("/v1/customers", "/v1/contacts"):
        (parameter,) = (each for each in made["paths"][path]["get"]["parameters"] if each["name"] == f"filter[{name}]")
        assert parameter["description"].startswith(BY_NAME[name].meaning)
    assert f"filter[{name}]" in page(made)
    assert any(f"`{name}`" in make() for make in filters_page.PARTS.values())


def test_a_call_is_picked_up_everywhere() -> None:
    (operation,) = (each for each in OPERATIONS if each.name == example(SECTIONS["Call"]) and "/v1/" in each.path)
    made = document(OPERATIONS, Settings())
    shown = made["paths"][operation.path][operation.method.lower()]
    assert shown["summary"] == operation.summary
    assert shown["operationId"] in page(made)
    assert place(operation.method, operation.path) in served()
