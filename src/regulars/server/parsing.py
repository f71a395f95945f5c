"""What is read as one request: upgrades are ignored, trailers are dropped.

A server may ignore `Upgrade` (RFC 9110, 7.8), and then reads the request with its whole body like any other. llhttp
instead stops at the end of such a head, since another protocol may follow. uvicorn on its own then goes on as if a
request began there, so that a body becomes requests of its own.

A trailer must not be taken for a header (RFC 9110, 6.5.1): a proxy has checked the headers only.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_UPGRADE = b"upgrade"


class ParsingProtocol(HttpToolsProtocol):
    """A connection that speaks HTTP/1.1 and nothing else."""

    _postponed = False
    """Whether the head that was read last is to be read again, without its `Upgrade`."""

    def feed(self, data: bytes) -> None:
        """Parse what has come. Raises httptools.HttpParserError."""
        rest: bytes | memoryview = data
        while True:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as stopped:
                rest = memoryview(data)[len(data) - len(rest) + stopped.args[0] :]
            else:
                return
            # The framing of the body is for the parser to decide, from the same headers: a new one gets the same head.
            head = self._head_without_upgrade()
            self._postponed = False
            self.parser = self._new_parser()
            self.parser.feed_data(head)

    def on_headers_complete(self) -> None:
        """Begin a request, unless its head is to be read again."""
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":  # what follows it is not HTTP, for whoever sent it
                raise ValueError("CONNECT is for proxies")
            self._postponed = True
            return
        super().on_headers_complete()
        self.headers = []  # for trailers, which nobody reads

    def on_message_complete(self) -> None:
        """End a request."""
        if not self._postponed:
            super().on_message_complete()

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        return parser

    def _head_without_upgrade(self) -> bytes:
        parser = self.parser
        line = b"%b %b HTTP/%b\r\n" % (parser.get_method(), self.url, parser.get_http_version().encode())
        headers = (b"%b: %b\r\n" % header for header in self.headers if header[0] != _UPGRADE)
        return b"".join((line, *headers, b"\r\n"))
