"""Static files of the admin page: served under a name with their hash, so that browsers keep them for good."""

import gzip
import hashlib
from pathlib import Path
from typing import Final

from msgspec import Struct
from starlette.responses import Response

from regulars.http.call import Call
from regulars.http.errors import Problem

PREFIX: Final = "/admin/static/"
_HERE: Final = Path(__file__).parent
FOLDERS: Final = (_HERE / "assets", _HERE / "vendored")
"""Our own files, and those of others, which vendored/manifest.json lists."""

_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS: Final = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_GZIP: Final = {"Content-Encoding": "gzip"}
_DIGITS: Final = 12


class StaticFile(Struct, frozen=True):
    """A file: its URL, its bytes, plain and compressed, and its media type."""

    url: str
    body: bytes
    packed: bytes
    media_type: str


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:_DIGITS]
    url = f"{PREFIX}{path.name.removesuffix(path.suffix)}.{digest}{path.suffix}"
    return StaticFile(url, body, gzip.compress(body, mtime=0), f"{_TYPES[path.suffix]}; charset=utf-8")


FILES: Final = {
    path.name: _read(path) for folder in FOLDERS for path in sorted(folder.iterdir()) if path.suffix in _TYPES
}
"""Every static file, by its name without the hash."""

_BY_URL: Final = {each.url: each for each in FILES.values()}


def url_of(name: str) -> str:
    """The URL of a static file."""
    return FILES[name].url


async def show(call: Call) -> Response:
    """A static file."""
    found = _BY_URL.get(PREFIX + call.path("name"))
    if found is None:
        raise Problem("not_found", "There is no such file. Reload the page that asked for it.")
    if "gzip" in call.request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type=found.media_type, headers={**_HEADERS, **_GZIP})
    return Response(found.body, media_type=found.media_type, headers=_HEADERS)
