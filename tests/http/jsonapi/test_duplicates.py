"""Possible duplicates over HTTP: found by the job, listed by score, and dismissed."""

from typing import Any

from regulars.store.duplicates import find_pairs, save_pairs

from .world import Api, World
from .writing import done, refused


def look(world: World, site: int = 1) -> None:
    """What the job does."""
    engine = world.app.store.engine

    async def find() -> None:
        await save_pairs(engine, site, await find_pairs(engine, site), now=2_000_000_000_000)

    world.app.run(find())


def listed(api: Api, path: str = "/v1/duplicates") -> list[dict[str, Any]]:
    return list(api.document(path)["data"])


def emails(pair: dict[str, Any]) -> set[str]:
    return {each["email"] for each in pair["attributes"]["customers"]}


def test_pairs_are_listed_dismissed_and_gone_after_a_merge(own_world: World) -> None:
    world = own_world
    for email, more in (
        ("du.plicate@gmail.com", {"phone_number": "+4930123457"}),
        ("duplicate+1@gmail.com", {"phone_number": "+4930123457"}),
        ("twin@example.com", {"name": "Twin Peaks", "city": "Bern"}),
        ("twin@example.org", {"name": "twin peaks", "city": "BERN"}),
    ):
        World.save(world.one, {"email": email, **more})
    assert listed(world.one) == []
    look(world)
    first, second = listed(world.one)
    assert first["attributes"]["reasons"] == ["phone", "address"]
    assert first["attributes"]["score"] > second["attributes"]["score"]
    assert emails(second) == {"twin@example.com", "twin@example.org"}
    page = world.one.document("/v1/duplicates?page[size]=1")
    assert [page["data"], world.one.document(page["links"]["next"])["data"]] == [[first], [second]]
    ids = [each["id"] for each in second["attributes"]["customers"]]
    body = {"data": [{"type": "customers", "id": each} for each in ids]}
    assert refused(world.other, "POST", "/v1/duplicates/dismissals", body)[0] == 404
    assert listed(world.other) == []
    done(world.one, "POST", "/v1/duplicates/dismissals", body)
    look(world)
    assert listed(world.one) == [first]
    one, other = (each["id"] for each in first["attributes"]["customers"])
    done(world.one, "POST", f"/v1/customers/{one}/merge", {"data": [{"id": other}]})
    assert listed(world.one) == []
    look(world)
    assert listed(world.one) == []


def test_bad_calls_are_refused(own_world: World) -> None:
    for data in ([], [{"id": str(2**32 + 1)}], [{"id": str(2**32 + 1)}] * 2):
        assert refused(own_world.one, "POST", "/v1/duplicates/dismissals", {"data": data})[0] == 400
    for query in ("page[size]=0", "page[after]=1-2", "page[after]=a-b-c", "site_id=99", "nonsense=1"):
        assert own_world.one.get(f"/v1/duplicates?{query}").status_code == 400
