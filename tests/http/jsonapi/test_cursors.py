"""Pages by cursor: through the links, under writes, and everything that a cursor is not good for."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from regulars.http.jsonapi.listing import SORTS

from ...effort import slow
from ...in_process import InProcess, application
from .world import COUNT, NAMES, Api, World, every

TOTAL = COUNT + 1


def ids(document: dict[str, Any]) -> list[str]:
    return [each["id"] for each in document["data"]]


def cursor(link: str, parameter: str = "page[after]") -> str:
    (value,) = parse_qs(urlsplit(link).query)[parameter]
    return value


def backwards(api: Api, path: str) -> list[list[str]]:
    """The pages of a list from its end, by the links."""
    found: list[list[str]] = []
    while path:
        document = api.document(path)
        found.insert(0, ids(document))
        path = document["links"]["prev"]
    return found


@pytest.mark.parametrize(
    ("size", "sort"),
    [
        *((size, sort) for size in (7, 61, 100) for sort in SORTS),
        *((1, sort) if sort in ("name", "-last_request_at") else slow(1, sort) for sort in SORTS),
    ],
)
def test_pages_add_up_in_both_directions(world: World, sort: str, size: int) -> None:
    whole = [each["id"] for each in every(world.one, f"/v1/customers?page[size]=100&sort={sort}")]
    start = f"/v1/customers?page[size]={size}&sort={sort}"
    assert [each["id"] for each in every(world.one, f"{start}&page[after]=")] == whole
    back = backwards(world.one, f"{start}&page[before]=")
    assert [each for page in back for each in page] == whole
    assert all(len(page) == size for page in back[1:])


def test_links_and_figures(world: World) -> None:
    document = world.one.document("/v1/customers?page%5Bafter%5D=&page[size]=20&sort=name")
    links = document["links"]
    start = "http://regulars.example/v1/customers?sort=name&"
    assert links["self"] == links["current"] == links["first"] == f"{start}page[after]=&page[size]=20"
    assert links["last"] == f"{start}page[before]=&page[size]=20"
    assert links["prev"] is None
    assert links["next"].startswith(f"{start}page[after]=A")
    assert document["meta"] == {"total_count": TOTAL, "total": TOTAL, "total_pages": 4}
    second = world.one.document(links["next"])
    assert second["links"]["self"] == links["next"]
    assert ids(world.one.document(second["links"]["prev"])) == ids(document)
    last = world.one.document(links["last"])
    assert last["links"]["next"] is None
    assert len(last["data"]) == 20
    alone = world.one.document("/v1/customers?sort=name&page[before]=&page[size]=1")
    end = cursor(alone["links"]["prev"], "page[before]")
    behind = world.one.document(f"/v1/customers?sort=name&page[after]={end}")
    assert (behind["data"], behind["links"]["next"]) == ([], None)
    assert ids(world.one.document(behind["links"]["prev"]))[-20:] == ids(last)


def test_nobody_at_all(world: World) -> None:
    for name in ("after", "before"):
        document = world.one.document(f"/v1/customers?page[{name}]=&filter[name_contains]=nobody+at+all")
        assert document["links"]["prev"] is document["links"]["next"] is None
        assert document["meta"]["total"] == 0


def test_a_cursor_is_good_for_its_question_only(world: World) -> None:
    filters = "filter[is_hidden]=false&filter[email_contains]=e"
    first = world.one.document(f"/v1/customers?page[after]=&page[size]=5&sort=name&{filters}")
    given = cursor(first["links"]["next"])
    same = f"page[after]={given}&sort=name"
    there = ids(world.one.document(f"/v1/customers?{same}&{filters}&page[size]=9"))
    reordered = f"filter[email_contains]=e&{same}&page[size]=9&filter[is_hidden]=false&filter[site_id]=1"
    assert ids(world.one.document(f"/v1/customers?{reordered}")) == there != []
    for other in (
        f"{same}&filter[is_hidden]=false",
        f"{same}&filter[is_hidden]=false&filter[email_contains]=web",
        f"page[after]={given}&sort=-name&{filters}",
    ):
        status, error = world.one.error(f"/v1/customers?{other}")
        assert (status, error["source"]) == (400, {"parameter": "page[after]"})
        assert "other filters, another sort order or another site" in error["detail"]
    for stranger in (world.other, world.many):
        status, error = stranger.error(f"/v1/customers?page[after]={given}&filter[site_id]=1&sort=name")
        assert (status, error["source"]) == (400, {"parameter": "page[after]"})


@pytest.mark.parametrize("name", ["page[after]", "page[before]"])
@pytest.mark.parametrize("value", ["x", "0", "A" * 60, "A" * 9000, "=", "../..", "é", "AAAA AAAA", "%"])
def test_forged_and_garbled_cursors(world: World, name: str, value: str) -> None:
    for query in ({name: value}, {name: value, "filter[site_id]": "999"}):
        status, error = world.one.error("/v1/customers", params=query)
        assert (status, error["code"], error["source"]) == (400, "invalid_parameter", {"parameter": name})
        assert "unchanged" in error["detail"]


def test_a_cursor_with_one_character_changed(world: World) -> None:
    given = cursor(world.one.document("/v1/customers?page[after]=&page[size]=5")["links"]["next"])
    for place in range(0, len(given) - 1, 7):
        forged = given[:place] + ("A" if given[place] != "A" else "B") + given[place + 1 :]
        assert world.one.error(f"/v1/customers?page[after]={forged}")[0] == 400


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("page[after]=&page[number]=1", "page[number]"),
        ("page[before]=&page[number]=2", "page[number]"),
        ("page[after]=&page[before]=", "page[before]"),
    ],
)
def test_only_one_way_to_name_a_page(world: World, query: str, refused: str) -> None:
    status, error = world.one.error(f"/v1/customers?{query}")
    assert (status, error["source"]) == (400, {"parameter": refused})
    assert query.partition("=")[0] in error["detail"]


def test_lists_without_cursors_refuse_them(world: World) -> None:
    status, error = world.many.error("/v1/sites?page[after]=")
    assert (status, error["source"]) == (400, {"parameter": "page[after]"})


def test_names_and_addresses_are_not_in_the_clear(world: World) -> None:
    for sort in ("name", "email"):
        link = world.one.document(f"/v1/customers?page[after]=&page[size]=5&sort={sort}")["links"]["next"]
        raw = base64.urlsafe_b64decode(cursor(link) + "===").lower()
        assert not any(part in raw for part in (b"anna", b"user", b"gmail", b"web.de"))


@pytest.fixture
def market(engine: str, tmp_path: Path) -> Iterator[tuple[InProcess, Api]]:
    with application(tmp_path, engine) as app:
        yield app, Api(app, app.secret()[1])


@pytest.mark.parametrize("sort", ["name", "-name", "email", "-created_at", "-net_revenue", "last_request_at"])
def test_a_walk_under_writes_skips_and_repeats_nobody(market: tuple[InProcess, Api], sort: str) -> None:
    _, api = market
    for i in range(30):
        World.save(api, {"email": f"u{i:02d}@x.example", **({"name": name} if (name := NAMES[i % len(NAMES)]) else {})})
        if i % 3 == 0:
            World.happens(api, {"event": "purchase", "email": f"u{i:02d}@x.example", "revenue": str(i % 7)})
    staying = {each["id"] for each in every(api) if int(each["id"]) % 3}
    met: list[str] = []
    path = f"/v1/customers?page[after]=&page[size]=4&sort={sort}"
    for turn in range(100):
        document = api.document(path)
        met += ids(document)
        assert document["meta"]["total"] == len(every(api))
        if document["links"]["next"] is None:
            break
        path = document["links"]["next"]
        if turn < 8:
            World.save(api, {"email": f"new{turn}@x.example", "name": NAMES[turn] or "nobody"})
            gone = [each for each in every(api) if each["id"] not in staying]
            victim = next((each for each in gone if each["id"] in met[-4:]), gone[turn % len(gone)])
            email = victim["attributes"]["email"]
            assert api.send("DELETE", f"/api/v1/customers/{email}").status_code == 200
    assert len(met) == len(set(met))
    assert staying <= set(met)


def test_a_cursor_outlives_the_process(engine: str, tmp_path: Path) -> None:
    with application(tmp_path, engine) as app:
        secret = app.secret()[1]
        api = Api(app, secret)
        for i in range(6):
            World.save(api, {"email": f"u{i}@x.example"})
        following = api.document("/v1/customers?page[after]=&page[size]=2&sort=email")["links"]["next"]
        there = ids(api.document(following))
        with app.twin() as other:
            assert ids(Api(other, secret).document(following)) == there
