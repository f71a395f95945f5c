"""Files in forms: what browsers without script send, read as a stream, so that memory does not grow with the file."""

import re
from collections.abc import AsyncIterator
from typing import Final

from msgspec import Struct

from regulars.http.errors import Problem

_BOUNDARY: Final = re.compile(r'boundary="?([^";,\s]{1,70})"?')
_NAME: Final = re.compile(rb'[; ]name="([^"]*)"')
_FILE_NAME: Final = re.compile(rb'filename="([^"]*)"')
_LARGEST_FIELD: Final = 64 * 1024


class UploadedFile(Struct):
    """A file in a form. fields: those that stand before it. parts: its content, as it comes."""

    name: str
    fields: dict[str, str]
    parts: AsyncIterator[bytes]


async def file_of(content_type: str, body: AsyncIterator[bytes]) -> UploadedFile:
    """The file in a multipart form, and the fields before it. Raises Problem if there is none."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise _malformed()
    reading = _Parser(body, b"\r\n--" + found[1].encode())
    await reading.until(reading.end[2:])
    fields: dict[str, str] = {}
    while True:
        head = await reading.until(b"\r\n\r\n")
        name, file_name = _NAME.search(head), _FILE_NAME.search(head)
        if file_name is not None:
            return UploadedFile(file_name[1].decode("utf-8", "replace"), fields, reading.content())
        if name is None:
            raise _malformed()
        value = await reading.until(reading.end)
        fields[name[1].decode("utf-8", "replace")] = value.decode("utf-8", "replace")


class _Parser:
    """The body as far as it has come. end: what ends a part."""

    def __init__(self, body: AsyncIterator[bytes], end: bytes) -> None:
        self.end = end
        self._body = body
        self._held = b""

    async def until(self, mark: bytes) -> bytes:
        """What comes before a mark, which is passed. Raises Problem if it does not come soon."""
        while mark not in self._held:
            if len(self._held) > _LARGEST_FIELD:
                raise _malformed()
            self._held += await self._next()
        before, _, self._held = self._held.partition(mark)
        return before

    async def content(self) -> AsyncIterator[bytes]:
        """The part until its end, without holding it."""
        while self.end not in self._held:
            ready = len(self._held) - len(self.end)
            if ready > 0:
                yield self._held[:ready]
                self._held = self._held[ready:]
            self._held += await self._next()
        rest = await self.until(self.end)
        if rest:
            yield rest
        self._held = b""
        async for _ in self._body:  # so that the client gets to read the reply
            pass

    async def _next(self) -> bytes:
        part = await anext(self._body, b"")
        if not part:
            raise _malformed()
        return part


def _malformed() -> Problem:
    return Problem("malformed", "The form has no file, or it is not complete. Choose a file and send it again.")
