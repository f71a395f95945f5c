"""Static files: ours and those of others, as the manifest has them, under names that change with them."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

import regulars
from regulars.http.pages.static_files import FILES, PREFIX, StaticFile

from ...in_process import InProcess
from .visiting import Browser

FOLDER = Path(regulars.__file__).parent / "http" / "pages" / "vendored"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())
TEMPLATES = sorted((FOLDER.parent / "templates").rglob("*.html"))


@pytest.mark.parametrize("name", MANIFEST)
def test_a_file_of_others_is_the_one_that_was_vendored(name: str) -> None:
    entry = MANIFEST[name]
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == entry["sha256"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])
    assert entry["license"] in ("0BSD", "ISC", "MIT")
    assert (FOLDER / entry["license_file"]).stat().st_size > 300


def test_the_manifest_names_every_file_of_others() -> None:
    licences = {each["license_file"] for each in MANIFEST.values()}
    assert {each.name for each in FOLDER.iterdir()} == {*MANIFEST, *licences, "manifest.json"}


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_a_file_is_kept_for_good_and_compressed(app: InProcess, file: StaticFile) -> None:
    browser = Browser(app)
    plain = browser.get(file.url, **{"Accept-Encoding": "identity"})
    assert (plain.status_code, plain.content) == (200, file.body)
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["vary"] == "Accept-Encoding"
    packed = browser.get(file.url, **{"Accept-Encoding": "gzip"})
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", file.body)
    assert gzip.decompress(file.packed) == file.body
    assert hashlib.sha256(file.body).hexdigest()[:12] in file.url


@pytest.mark.parametrize("name", ["admin.css", "admin.000000000000.css", "..%2fmanifest.json", "manifest.json"])
def test_nothing_else_is_served(app: InProcess, name: str) -> None:
    assert Browser(app).get(PREFIX + name).status_code == 404


def test_our_own_files_ask_nobody_else() -> None:
    for name in ("admin.css", "admin.js"):
        assert not re.search(rb"url\(|@import|https?://|eval\(|innerHTML", FILES[name].body)


def test_the_first_load_is_light() -> None:
    assert sum(len(each.packed) for each in FILES.values()) < 60_000


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_icons_of_templates_are_in_the_sprite(path: Path) -> None:
    assert set(re.findall(r'icon\("([\w-]+)"', path.read_text())) <= set(MANIFEST["icons.svg"]["icons"])
