"""Accounts, sites, keys and tokens."""

from itertools import permutations

import pytest

from regulars.store import control
from regulars.store import tokens as oauth
from regulars.store.control import ApiKey, ControlError, Site
from regulars.store.tokens import ACCESS_SECONDS, GRANTS_PER_KEY, REFRESH_SECONDS

from .running import NOW, Running, on_sqlite, with_store


async def a_key(at: Running, **given: object) -> tuple[ApiKey, str]:
    async with at.store.snapshot() as connection:
        (site, *_) = await control.list_sites(connection)
    return await control.create_key(at.store.engine, site, now=NOW, **given)  # type: ignore[arg-type]


async def key_of(at: Running, secret: str) -> ApiKey | None:
    async with at.store.snapshot() as connection:
        return await control.key_of_secret(connection, secret, now=NOW)


async def token_key(at: Running, token: str, kind: str, now: int = NOW) -> ApiKey | None:
    async with at.store.snapshot() as connection:
        found = await oauth.key_of_token(connection, token, kind=kind, now=now)
    return None if found is None else found[0]


@with_store(sites=2)
async def test_accounts_are_found_by_name_or_as_the_only_one(at: Running) -> None:
    engine = at.store.engine
    async with at.store.snapshot() as connection:
        assert await control.find_account(connection, None) == 1
        assert await control.find_account(connection, "acme") == 1
        assert await control.account_name(connection, 1) == "acme"
        assert await control.account_name(connection, 9) == ""
        with pytest.raises(ControlError, match="no account is named 'other'"):
            await control.find_account(connection, "other")
    assert await control.create_account(engine, "other", now=NOW) == 2
    for name in ("acme", "", "  "):
        with pytest.raises(ControlError, match="account"):
            await control.create_account(engine, name, now=NOW)
    async with at.store.snapshot() as connection:
        with pytest.raises(ControlError, match="acme, other"):
            await control.find_account(connection, None)


@with_store(sites=2)
async def test_sites_belong_to_an_account_and_have_names_of_their_own_there(at: Running) -> None:
    engine = at.store.engine
    other = await control.create_account(engine, "other", now=NOW)
    site = await control.create_site(engine, other, "site-1", title="Shop", now=NOW)
    assert site == Site(3, other, "Shop", "site-1", NOW, NOW)
    async with at.store.snapshot() as connection:
        assert [each.id for each in await control.list_sites(connection, 1)] == [1, 2]
        assert await control.list_sites(connection, other) == [site]
        assert [each.id for each in await control.list_sites(connection)] == [1, 2, 3]
    for name in ("site-1", "", "Big", "-a", "a-", "a" * 64, "a.b", "ä"):
        with pytest.raises(ControlError, match="site"):
            await control.create_site(engine, 1, name, now=NOW)
    assert at.rows("SELECT count(*) FROM sites") == at.rows("SELECT count(*) FROM site_heads") == [(3,)]
    assert (await at.upsert(3, email="a@example.com")).verdict == "created"


@on_sqlite()
async def test_of_a_key_only_its_hash_is_kept(at: Running) -> None:
    key, secret = await a_key(at)
    assert secret.startswith("rg_")
    assert len(secret) >= 3 + 43  # 256 bits
    assert (key.hint, key.scopes, key.dialect, key.revoked_at, key.last_used_at) == (
        *(secret[:9], ("read", "write"), None, None, None),
    )
    await at.store.engine.backup(str(at.path.with_name("copy.db")))
    whole = at.path.with_name("copy.db").read_bytes()
    assert secret.encode() not in whole
    assert secret[9:].encode() not in whole
    assert control.fingerprint(secret) in whole
    assert await key_of(at, secret) == key
    for wrong in (secret[:-1], secret + "x", secret.upper(), "", "\ud800", key.hint):
        assert await key_of(at, wrong) is None


@with_store()
async def test_two_keys_are_never_alike(at: Running) -> None:
    made = [await a_key(at) for _ in range(5)]
    assert len({secret for _, secret in made}) == len({key.id for key, _ in made}) == 5
    async with at.store.snapshot() as connection:
        assert await control.list_keys(connection) == [key for key, _ in made]


@with_store()
async def test_keys_have_scopes_and_maybe_a_dialect(at: Running) -> None:
    key, secret = await a_key(at, scopes=("admin", "read", "admin"), dialect="sendwithus")
    assert (key.scopes, key.dialect) == (("admin", "read"), "sendwithus")
    assert await key_of(at, secret) == key
    for scopes in ((), ("all",), ("read", "")):
        with pytest.raises(ControlError, match="scopes must be some of read, write, webhook, admin"):
            await a_key(at, scopes=scopes)
    with pytest.raises(ControlError, match="sendwithus, blueshift"):
        await a_key(at, dialect="kajabi")


@with_store()
async def test_a_revoked_key_and_its_tokens_are_dead(at: Running) -> None:
    key, secret = await a_key(at)
    other, other_secret = await a_key(at)
    tokens = await oauth.grant_tokens(at.store.engine, key, now=NOW)
    assert await control.revoke_key(at.store.engine, key.id, now=NOW + 5)
    assert not await control.revoke_key(at.store.engine, key.id, now=NOW + 6)
    assert not await control.revoke_key(at.store.engine, 99, now=NOW)
    assert await key_of(at, secret) is None
    assert await token_key(at, tokens.access_token, "access") is None
    assert await token_key(at, tokens.refresh_token, "refresh") is None
    assert await key_of(at, other_secret) == other
    async with at.store.snapshot() as connection:
        assert [each.revoked_at for each in await control.list_keys(connection)] == [NOW + 5, None]


@with_store()
async def test_the_last_use_only_moves_forward(at: Running) -> None:
    key, _ = await a_key(at)
    for used in (NOW + 5, NOW + 3, NOW + 9):
        await control.note_use(at.store.engine, {key.id: used, 99: used})
    await control.note_use(at.store.engine, {})
    async with at.store.snapshot() as connection:
        assert [each.last_used_at for each in await control.list_keys(connection)] == [NOW + 9]


@with_store()
async def test_tokens_are_granted_for_a_time(at: Running) -> None:
    key, _ = await a_key(at)
    tokens = await oauth.grant_tokens(at.store.engine, key, now=NOW)
    assert tokens.expires_in == ACCESS_SECONDS
    for token, kind, seconds in (
        (tokens.access_token, "access", ACCESS_SECONDS),
        (tokens.refresh_token, "refresh", REFRESH_SECONDS),
    ):
        assert await token_key(at, token, kind, NOW + seconds * 1000 - 1) == key
        assert await token_key(at, token, kind, NOW + seconds * 1000) is None
    assert await token_key(at, tokens.access_token, "refresh") is None
    assert await token_key(at, tokens.refresh_token, "access") is None
    stored = {digest for (digest,) in at.rows("SELECT hash FROM tokens")}
    assert stored == {control.fingerprint(tokens.access_token), control.fingerprint(tokens.refresh_token)}


@with_store()
async def test_a_refresh_replaces_the_pair_and_drops_what_has_expired(at: Running) -> None:
    key, _ = await a_key(at)
    engine = at.store.engine
    first, bystander = [await oauth.grant_tokens(engine, key, now=NOW) for _ in range(2)]
    async with at.store.snapshot() as connection:
        found = await oauth.key_of_token(connection, first.refresh_token, kind="refresh", now=NOW)
    assert found is not None
    second = await oauth.grant_tokens(engine, key, replaces=found[1], now=NOW)
    alive = [await token_key(at, pair.access_token, "access") for pair in (first, second, bystander)]
    assert alive == [None, key, key]
    assert await token_key(at, first.refresh_token, "refresh") is None
    await oauth.grant_tokens(engine, key, now=NOW + (REFRESH_SECONDS + 1) * 1000)
    assert at.rows("SELECT count(*) FROM tokens") == [(2,)]


@with_store()
async def test_a_key_has_a_bounded_number_of_grants_and_the_oldest_end(at: Running) -> None:
    (busy, _), (other, _) = [await a_key(at) for _ in range(2)]
    engine = at.store.engine
    bystander = await oauth.grant_tokens(engine, other, now=NOW)
    granted = [await oauth.grant_tokens(engine, busy, now=NOW + n) for n in range(GRANTS_PER_KEY + 3)]
    for n, tokens in enumerate(granted):
        alive = busy if n >= 3 else None
        assert await token_key(at, tokens.access_token, "access") == alive, n
        assert await token_key(at, tokens.refresh_token, "refresh") == alive, n
    assert await token_key(at, bystander.access_token, "access") == other
    assert at.rows("SELECT count(*) FROM tokens") == [(2 * GRANTS_PER_KEY + 2,)]


@with_store()
async def test_revoking_either_token_kills_both_but_nobody_elses(at: Running) -> None:
    (mine, _), (theirs, _) = [await a_key(at) for _ in range(2)]
    engine = at.store.engine
    for first, _ in permutations(("access_token", "refresh_token")):
        tokens = await oauth.grant_tokens(engine, mine, now=NOW)
        await oauth.revoke_tokens(engine, getattr(tokens, first), key=theirs, now=NOW)
        await oauth.revoke_tokens(engine, "unknown", key=mine, now=NOW)
        assert await token_key(at, tokens.access_token, "access") == mine
        await oauth.revoke_tokens(engine, getattr(tokens, first), key=mine, now=NOW)
        assert await token_key(at, tokens.access_token, "access") is None
        assert await token_key(at, tokens.refresh_token, "refresh") is None
