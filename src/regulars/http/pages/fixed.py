"""Fixed documents: made once per process, and served with an ETag."""

import hashlib
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response


class Fixed:
    """A document that is the same for everybody. `headers`: others than those of the cache."""

    def __init__(self, body: bytes, media_type: str, headers: Mapping[str, str] | None = None) -> None:
        self.body = body
        self.etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        self._media_type = media_type
        self._headers = {**(headers or {}), "ETag": self.etag, "Cache-Control": "no-cache"}

    def respond(self, request: Request) -> Response:
        """The document, or 304 to a caller who has it."""
        known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
        if known & {self.etag, "*"}:
            return Response(status_code=304, headers=self._headers)
        return Response(self.body, media_type=self._media_type, headers=self._headers)
