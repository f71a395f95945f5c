"""The keyring: what it remembers of keys, and that callers cannot fill its memory."""

from regulars.http.keyring import LONGEST, Keyring
from regulars.store import control

from ..store.running import NOW, Running, on_sqlite

LARGEST = 5


def bearer(secret: str) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {secret}".encode()


@on_sqlite()
async def test_wrong_secrets_do_not_fill_the_memory(at: Running) -> None:
    keyring = Keyring(at.store, lambda: NOW, largest=LARGEST)
    for number in range(3 * LARGEST):
        assert await keyring.find(bearer(f"rg_wrong_{number}")) is None
        assert 1 <= len(keyring) <= LARGEST


@on_sqlite()
async def test_a_long_header_is_not_remembered(at: Running) -> None:
    keyring = Keyring(at.store, lambda: NOW)
    longest = bearer("x" * (LONGEST - len("Bearer ")))
    assert await keyring.find(longest) is None
    assert len(keyring) == 1
    assert await keyring.find(bearer("x" * LONGEST)) is None
    assert len(keyring) == 1


@on_sqlite()
async def test_a_key_is_remembered_until_it_is_forgotten(at: Running) -> None:
    async with at.store.snapshot() as connection:
        (site,) = await control.list_sites(connection, 1)
    key, secret = await control.create_key(at.store.engine, site, now=NOW)
    keyring = Keyring(at.store, lambda: NOW)
    assert keyring.recall(bearer(secret)) is None
    found = await keyring.find(bearer(secret))
    assert found is not None
    assert found.key.id == key.id
    assert keyring.recall(bearer(secret)) == found
    keyring.forget()
    assert keyring.recall(bearer(secret)) is None
