"""The keyed hashes under which tombstones are stored: without the database's secret nobody can look an address up."""

import hmac

from regulars.domain.working.addresses import Identifier


def hash_of(secret: bytes, identifier: Identifier) -> bytes:
    """HMAC-SHA-256 of an identifier, with the secret of the database."""
    kind, text = identifier
    return hmac.digest(secret, f"tombstone {kind} {text}".encode("utf-8", "surrogatepass"), "sha256")
