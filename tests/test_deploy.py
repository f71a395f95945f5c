"""The files in deploy/: they can be read, and what they name is there."""

import re
import shlex
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from regulars.settings import SETTINGS

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "deploy").iterdir())


def text(name: str) -> str:
    return (ROOT / "deploy" / name).read_text()


@pytest.mark.parametrize("path", [*FILES, ROOT / "docs" / "deploy.md"], ids=lambda path: path.name)
def test_every_setting_that_is_named_is_one(path: Path) -> None:
    known = {setting.variable for setting in SETTINGS} | {"REGULARS_TEST_CITUS"}
    assert set(re.findall(r"\bREGULARS_[A-Z_]+\b", path.read_text())) <= known


def test_the_compose_file_is_one() -> None:
    composed = yaml.safe_load(text("compose.yaml"))
    services, volumes = composed["services"], composed["volumes"]
    assert set(services) == {"postgres", "regulars", "proxy"}
    for service in services.values():
        assert set(service.get("depends_on", ())) <= set(services)
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (ROOT / "deploy" / source).exists() if source.startswith(".") else source in volumes
    build = services["regulars"]["build"]
    assert (ROOT / "deploy" / build["context"] / build["dockerfile"]).is_file()


def test_the_container_file_copies_what_is_there() -> None:
    for line in re.sub(r"\\\n", " ", text("Containerfile")).splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        assert words[0] in {*("FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "ENV", "EXPOSE", "STOPSIGNAL")} | {
            *("HEALTHCHECK", "ENTRYPOINT", "CMD")
        }, line
        if words[0] == "COPY" and not words[1].startswith("--from"):
            for name in words[1:-1]:
                assert (ROOT / name).exists(), name


def test_the_unit_is_one() -> None:
    unit = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(text("regulars.service"))
    assert unit.sections() == ["Unit", "Service", "Install"]
    assert unit["Service"]["ExecStart"].endswith("/regulars serve")
    assert int(unit["Service"]["LimitNOFILE"]) >= 65_536


def test_what_the_page_links_to_is_there() -> None:
    page = ROOT / "docs" / "deploy.md"
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
