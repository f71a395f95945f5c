"""Sealed tokens: short texts that callers return to us and can neither read nor change.

They are encrypted with AES-SIV (RFC 5297): deterministic, so the same text gives the same token, and no nonce that
could repeat.
"""

import base64
import re
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_WRITTEN: Final = re.compile(r"[A-Za-z0-9_-]{24,8192}", re.ASCII)
_FORMAT: Final = b"\x02"
"""The first byte of a token. Tokens of format 1, which had a cipher of their own, are no longer opened."""

_KEY_BYTES: Final = 64
"""AES-256 in both halves of AES-SIV."""


class Sealer:
    """Seals texts with a key derived from a secret, for one purpose: a token of one purpose opens for no other."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        derived = HKDF(SHA256(), _KEY_BYTES, salt=None, info=f"regulars {purpose}".encode()).derive(secret)
        self._cipher = AESSIV(derived)

    def seal(self, plain: bytes) -> str:
        """Seal a text of at least one byte. The token may stand in a URL: A-Z, a-z, 0-9, - and _."""
        sealed = _FORMAT + self._cipher.encrypt(plain, [_FORMAT])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, text: str) -> bytes | None:
        """The text that was sealed; None if this is not a token of ours."""
        if not _WRITTEN.fullmatch(text) or len(text) % 4 == 1:
            return None
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if sealed[:1] != _FORMAT:
            return None
        try:
            return self._cipher.decrypt(sealed[1:], [_FORMAT])
        except InvalidTag:
            return None
