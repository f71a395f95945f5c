"""Seals: notes to ourselves that callers keep. Whoever has one can neither read it, nor change it, nor make another.

A synthetic initialisation vector (SIV, as in RFC 5297) of HMAC-SHA256: the signature of the plain text is the start of
the key stream that hides it. The same text gives the same seal, and no random number is needed.
"""

import base64
import hashlib
import hmac
import re
from typing import Final

_WRITTEN: Final = re.compile(r"[A-Za-z0-9_-]{24,8192}", re.ASCII)
_FORMAT: Final = b"\x01"
_SIGNED: Final = 17
"""Where the hidden text begins: behind the format and 128 bits of signature."""

_BLOCK: Final = hashlib.sha256().digest_size


class Sealer:
    """Seals with keys that are derived from a secret, for one purpose: what it seals opens for no other one."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._signing = hmac.digest(secret, f"regulars {purpose}: sign".encode(), "sha256")
        self._hiding = hmac.digest(secret, f"regulars {purpose}: hide".encode(), "sha256")

    def seal(self, plain: bytes) -> str:
        """The text as characters that may stand in a URL: A-Z, a-z, 0-9, - and _."""
        signature = self._sign(plain)
        sealed = _FORMAT + signature + self._hide(signature, plain)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, text: str) -> bytes | None:
        """What was sealed; None if this is not a seal of ours."""
        if not _WRITTEN.fullmatch(text) or len(text) % 4 == 1:
            return None
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        signature = sealed[1:_SIGNED]
        plain = self._hide(signature, sealed[_SIGNED:])
        return plain if sealed[:1] == _FORMAT and hmac.compare_digest(signature, self._sign(plain)) else None

    def _sign(self, plain: bytes) -> bytes:
        return hmac.digest(self._signing, plain, "sha256")[: _SIGNED - 1]

    def _hide(self, signature: bytes, text: bytes) -> bytes:
        """The text with a key stream over it that no other text has; once more, and it is plain again."""
        blocks = range(-(-len(text) // _BLOCK))
        stream = b"".join(hmac.digest(self._hiding, signature + block.to_bytes(4, "big"), "sha256") for block in blocks)
        return bytes(a ^ b for a, b in zip(text, stream, strict=False))
