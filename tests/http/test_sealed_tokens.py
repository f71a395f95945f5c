import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.http.sealed_tokens import Sealer

SEALER = Sealer(b"secret", "test")


@given(st.binary(min_size=1, max_size=200))
def test_what_is_sealed_opens(plain: bytes) -> None:
    sealed = SEALER.seal(plain)
    assert SEALER.open(sealed) == plain
    assert sealed.replace("-", "").replace("_", "").isalnum()
    assert SEALER.seal(plain) == sealed


def test_no_bit_can_be_changed() -> None:
    sealed = base64.urlsafe_b64decode(SEALER.seal(b"anna@example.com") + "==")
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        assert SEALER.open(base64.urlsafe_b64encode(changed).rstrip(b"=").decode()) is None


@pytest.mark.parametrize("text", ["", "x", "A" * 23, "A" * 25, "A" * 9000, "Ä" * 30, "A" * 30 + "=", " " + "A" * 40])
def test_what_is_no_token(text: str) -> None:
    assert SEALER.open(text) is None


def test_tokens_of_the_first_format_are_not_opened() -> None:
    sealed = base64.urlsafe_b64decode(SEALER.seal(b"anna@example.com") + "==")
    assert SEALER.open(base64.urlsafe_b64encode(b"\x01" + sealed[1:]).rstrip(b"=").decode()) is None


def test_other_secrets_and_purposes_open_nothing() -> None:
    sealed = SEALER.seal(b"anna@example.com")
    assert Sealer(b"other", "test").open(sealed) is None
    assert Sealer(b"secret", "other").open(sealed) is None


def test_the_text_cannot_be_read() -> None:
    assert b"anna" not in base64.urlsafe_b64decode(SEALER.seal(b"anna" * 20) + "==")
    first, second = (base64.urlsafe_b64decode(SEALER.seal(b"anna" * 20 + end) + "===") for end in (b"1", b"2"))
    assert first[17:30] != second[17:30]
