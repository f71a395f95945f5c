"""The documentation is that of this code: its tables are current, its links lead somewhere, its commands run."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tools.docs import commands, pages

from regulars.audience.filters.catalogue import FILTERS
from regulars.domain.events import EVENTS, REFERENCE_FIELDS
from regulars.domain.fields import FIELDS_OF
from regulars.domain.mail import STATUSES
from regulars.domain.profile import EXPLICIT_FIELDS
from regulars.domain.relations import KINDS, RELATIONS
from regulars.http.compatibility import OWN, VENDORS, place, served, unlisted
from regulars.http.errors import ERRORS
from regulars.settings import SETTINGS
from regulars.store.schema import metadata

from .running_server import Server, database_url

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
TEXTS = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_MODULE = re.compile(r"`([a-z_]+(?:/[a-z_0-9]+)*\.py)`")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    return [text for found, text in _BLOCK.findall(path.read_text()) if found == language]


@pytest.mark.parametrize("page", pages.files(), ids=name)
def test_generated_parts_are_current(page: Path) -> None:
    assert pages.renewed(page.read_text()) == page.read_text(), "run `make docs`"


def test_every_generated_part_is_shown_once() -> None:
    shown = Counter(part for page in pages.files() for part in pages.names(page.read_text()))
    assert shown == Counter(list(pages.PARTS))


@pytest.mark.parametrize(
    ("page", "listed"),
    [
        ("filters.md", [each.name for each in FILTERS]),
        ("events.md", [*EVENTS, *REFERENCE_FIELDS, *STATUSES, *(each.name for each in RELATIONS)]),
        ("customers.md", [*EXPLICIT_FIELDS, *FIELDS_OF]),
        ("settings.md", [each.variable for each in SETTINGS]),
        ("errors.md", list(ERRORS)),
        ("compatibility.md", [f"{call.method} {call.path}" for each in VENDORS for call in each.calls]),
        ("compatibility.md", [f"{call.method} {call.path}" for call in OWN]),
    ],
)
def test_everything_that_can_be_listed_is(page: str, listed: Iterable[str]) -> None:
    text = (DOCS / page).read_text()
    assert [each for each in listed if f"| `{each}`" not in text and f"`{each}`" not in text] == []


def test_every_kind_of_object_and_every_command_has_its_place() -> None:
    assert [kind for kind in KINDS if f"\n| {kind} |" not in (DOCS / "events.md").read_text()] == []
    text = (DOCS / "commands.md").read_text()
    assert [each for each in commands.names() if f"\n## regulars {each}\n" not in text] == []


def test_the_tables_of_customers_are_counted_and_named() -> None:
    text = (DOCS / "architecture.md").read_text()
    tables = [each.name for each in metadata.sorted_tables if next(iter(each.primary_key.columns)).name == "site_id"]
    count, named = re.findall(
        r"^([\w-]+) tables of customers start their key with `site_id`.*?: (.*?)\. ", text, re.DOTALL | re.MULTILINE
    )[0]
    words = (
        "Eight",
        "Nine",
        "Ten",
        "Eleven",
        "Twelve",
        "Thirteen",
        "Fourteen",
        "Fifteen",
        "Sixteen",
        "Seventeen",
        "Eighteen",
        "Nineteen",
        "Twenty",
        "Twenty-one",
        "Twenty-two",
        "Twenty-three",
        "Twenty-four",
        "Twenty-five",
        "Twenty-six",
        "Twenty-seven",
        "Twenty-eight",
        "Twenty-nine",
        "Thirty",
        "Thirty-one",
        "Thirty-two",
        "Thirty-three",
        "Thirty-four",
        "Thirty-five",
        "Thirty-six",
    )
    assert count == words[len(tables) - 8]
    assert sorted(re.findall(r"`(\w+)`", named)) == sorted(tables)


def test_the_changelog_names_every_command() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert [each for each in commands.names() if f"`{each.split()[0]}`" not in text] == []


class TestCalls:
    def test_every_route_is_a_listed_call(self) -> None:
        """But for one vendor's documented slip, a group without the slash in front of it."""
        assert [path for _, path in unlisted() if "/groups{}" not in path] == []

    def test_our_own_calls_are_there(self) -> None:
        assert {place(call.method, call.path) for call in OWN} <= served()

    @pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
    def test_each_call_is_listed_once(self, vendor: Any) -> None:
        assert max(Counter(place(call.method, call.path) for call in vendor.calls).values()) == 1

    def test_advice_for_the_meantime_ends_with_it(self) -> None:
        calls = [call for each in VENDORS for call in each.calls if call.note.startswith("Until then")]
        assert [call for call in calls if place(call.method, call.path) in served()] == []


@pytest.mark.parametrize("page", TEXTS, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    local = [link for link in _LINK.findall(page.read_text()) if not link.startswith("https://")]
    assert [link for link in local if not (page.parent / link.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", TEXTS, ids=name)
def test_modules_that_are_named_exist(page: Path) -> None:
    """A module is named by its place in the repository or in the package, or, where its room was named, without it."""
    there = [name(each) for folder in ("src", "tests", "tools", "bench") for each in (ROOT / folder).rglob("*.py")]
    named = _MODULE.findall(page.read_text())
    assert [each for each in named if not any(f"/{path}".endswith(f"/{each}") for path in there)] == []


def test_make_has_the_targets_that_are_named() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {
        target for page in TEXTS for target in re.findall(r"^(?:.*`)?make ([a-z]+)", page.read_text(), re.MULTILINE)
    }
    assert named
    assert [target for target in named if f"\n{target}:" not in makefile] == []


def test_decisions_are_numbered_without_gaps_and_have_one_form() -> None:
    assert [page.name[:5] for page in DECISIONS] == [f"{number:04d}-" for number in range(1, len(DECISIONS) + 1)]
    for page in DECISIONS:
        heads = re.findall(r"^#+ .*", page.read_text(), re.MULTILINE)
        assert heads[0].startswith(f"# {page.name[:4]} ")
        assert heads[1:] == ["## Context", "## Decision", "## Alternatives", "## Consequences"]


def test_the_readme_is_short_and_counts_right() -> None:
    text = README.read_text()
    assert len(text.splitlines()) < 150
    assert set(re.findall(r"(\d+) filters", text)) == {str(len(FILTERS))}
    assert re.findall(r"(\d+) events", text) == [str(len(EVENTS))]


class Shell:
    """Runs a block of the documentation as it stands, but for the server's URL."""

    def __init__(self, folder: Path, url: str, **environment: str) -> None:
        self._folder = folder
        self._url = url
        self._environment = {**os.environ, "PYTHON": sys.executable, **environment}

    def run(self, text: str) -> str:
        text = text.replace("http://127.0.0.1:8080", self._url)
        done = subprocess.run(
            ["sh", "-euc", _PRELUDE + text],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=300,  # only what hangs: a loaded machine takes its time
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def replies(self, text: str) -> list[Any]:
        """The JSON objects that the block's requests are answered with."""
        return [json.loads(line) for line in self.run(text).splitlines()]


_PRELUDE = """
regulars() { "$PYTHON" -m regulars "$@"; }
curl() { command curl --silent --show-error --fail "$@"; echo; }
"""

# Reason: the requests of the README are curl commands, and are run as they stand. CI has curl.
needs_curl = pytest.mark.skipif(
    shutil.which("curl") is None,
    reason="the README's requests are run as they stand, with curl, which is not installed",
)


@needs_curl
class TestDemo:
    """What `make demo` starts, with fewer customers."""

    @pytest.fixture(scope="class")
    @staticmethod
    def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
        folder = tmp_path_factory.mktemp("demo")
        url = database_url(folder / "demo.db")
        demo = [sys.executable, "-m", "regulars", "demo", "--customers", "120", "--port", "0", "--database", url]
        log = folder / "said"
        with log.open("wb") as stream:
            process = subprocess.Popen(demo, stdout=stream, stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 60
            while "Ctrl-C" not in log.read_text():
                assert process.poll() is None
                assert time.monotonic() < until, "the demo did not start"
                time.sleep(0.05)
            yield log.read_text()
        finally:
            process.terminate()
            process.wait(300)

    @pytest.fixture(scope="class")
    @staticmethod
    def shell(said: str, tmp_path_factory: pytest.TempPathFactory) -> Shell:
        found = re.search(r"Bearer (\S+)' '(http://[^/]+)", said)
        assert found is not None
        return Shell(tmp_path_factory.mktemp("shell"), found[2], KEY=found[1])

    def test_the_three_requests_work_when_they_are_pasted(self, said: str, shell: Shell) -> None:
        requests = [line.strip() for line in said.splitlines() if line.startswith("  curl ")]
        somebody, newcomer, listed = shell.replies("\n".join(requests))
        assert somebody["customer"]["object"] == "customer"
        assert newcomer["result"] == "created"
        assert listed["meta"]["total_count"] > 0
        assert len(listed["data"]) == min(3, listed["meta"]["total_count"])

    def test_the_readme_shows_a_reply_as_it_is(self, shell: Shell) -> None:
        (reply,) = shell.replies(blocks(README, "sh")[0])
        (shown,) = map(json.loads, blocks(README, "json"))
        assert reply.keys() == shown.keys()
        assert reply["links"].keys() == shown["links"].keys()
        assert reply["meta"].keys() == shown["meta"].keys()
        for customer in reply["data"]:
            assert customer.keys() == shown["data"][0].keys()
            assert customer["attributes"].keys() == shown["data"][0]["attributes"].keys()

    def test_the_question_of_the_filters_page(self, shell: Shell) -> None:
        (reply,) = shell.replies(blocks(DOCS / "filters.md", "sh")[0])
        assert reply["meta"]["current_page"] == 1


@needs_curl
def test_the_readme_s_first_steps(tmp_path: Path) -> None:
    start, requests, imports = (text for text in blocks(README, "sh")[1:] if "make" not in text)
    path = tmp_path / "regulars.db"
    environment = {"REGULARS_DATABASE": database_url(path)}
    *init, serve = start.strip().splitlines()
    assert serve.startswith("regulars serve")
    key = dict(line.split(maxsplit=1) for line in Shell(tmp_path, "", **environment).run("\n".join(init)).splitlines())
    with Server(path) as server:
        shell = Shell(tmp_path, server.url, KEY=key["key"], **environment)
        upsert, event, listed = shell.replies(requests)
        assert (upsert["result"], upsert["customer"]["groups"]) == ("created", ["grp_regulars"])
        assert event["result"] == "updated"
        assert [each["attributes"]["email"] for each in listed["data"]] == ["anna@example.com"]
        assert listed["meta"]["total_count"] == 1
        said = shell.run(imports)
        assert [line.split()[1] for line in said.splitlines() if line.startswith("rejected")] == ["0", "0"]
        assert "2 customers" in said and "index = store" in said
        for page, result in (("events.md", "updated"), ("customers.md", "updated")):
            (reply,) = shell.replies(blocks(DOCS / page, "sh")[0])
            assert reply["result"] == result
