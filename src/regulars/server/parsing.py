"""Request framing: ignores upgrades and drops trailers.

A server may ignore `Upgrade` (RFC 9110, 7.8) and must then read the request with its body like any other. llhttp
instead stops after such a head, since another protocol may follow. Plain uvicorn then continues as if a new request
began there, so the body is parsed as separate requests.

A trailer must not be treated as a header (RFC 9110, 6.5.1): proxies check only the headers.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_UPGRADE = b"upgrade"


class ParsingProtocol(HttpToolsProtocol):
    """A connection that speaks HTTP/1.1 and nothing else."""

    _postponed = False
    """Whether the last head must be parsed again, without its `Upgrade`."""

    def feed(self, data: bytes) -> None:
        """Parse received data. Raises httptools.HttpParserError."""
        rest: bytes | memoryview = data
        while True:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as stopped:
                rest = memoryview(data)[len(data) - len(rest) + stopped.args[0] :]
            else:
                return
            # The parser must determine the body's framing from the same headers, so a new parser gets the same head.
            head = self._head_without_upgrade()
            self._postponed = False
            self.parser = self._new_parser()
            self.parser.feed_data(head)

    def on_headers_complete(self) -> None:
        """Begin a request, unless its head must be parsed again."""
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":  # to the client, whatever follows is not HTTP
                raise ValueError("CONNECT is not supported")
            self._postponed = True
            return
        super().on_headers_complete()
        self.headers = []  # collects the trailers, which are dropped

    def on_message_complete(self) -> None:
        """End a request."""
        if not self._postponed:
            super().on_message_complete()

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # the same as in uvicorn
        return parser

    def _head_without_upgrade(self) -> bytes:
        parser = self.parser
        line = b"%b %b HTTP/%b\r\n" % (parser.get_method(), self.url, parser.get_http_version().encode())
        headers = (b"%b: %b\r\n" % header for header in self.headers if header[0] != _UPGRADE)
        return b"".join((line, *headers, b"\r\n"))
