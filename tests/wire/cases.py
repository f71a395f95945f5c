"""The cases of the wire as tables, for every test that wants all of them."""

UPGRADES = {
    "h2c": ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"),
    "websocket": ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: eA=="),
    "unknown": ("Connection: upgrade", "Upgrade: something/1"),
    "a list": ("Connection: keep-alive, Upgrade", "Upgrade: h2c, websocket"),
    "twice": ("Connection: Upgrade", "Connection: keep-alive", "Upgrade: h2c", "uPGRADE: websocket"),
}
"""Headers that ask to change the protocol, to one that is not spoken here."""

FRAMINGS = ("length", "chunks", "none")

DELIVERIES = ("one packet", "head, then body", "byte by byte")


def delivered(delivery: str, head: bytes, body: bytes, rest: bytes) -> list[bytes]:
    """The packets of a request and of what follows on the connection."""
    match delivery:
        case "one packet":
            return [head + body + rest]
        case "head, then body":
            return [head, body, rest]
        case _:
            whole = head + body + rest
            return [whole[at : at + 1] for at in range(len(whole))]
