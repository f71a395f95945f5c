import pytest

from regulars.http.jsonapi.failures import MEDIA_TYPE
from regulars.http.jsonapi.negotiation import is_readable

from .world import World


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/json", 200),
        (MEDIA_TYPE, 200),
        (f"{MEDIA_TYPE};q=0.5", 200),
        (f"{MEDIA_TYPE};charset=utf-8, {MEDIA_TYPE}", 200),
        (f'{MEDIA_TYPE}; profile="http://a.example/x,y"', 200),
        ("text/html", 200),
        (f"{MEDIA_TYPE};charset=utf-8", 406),
        (f"{MEDIA_TYPE} ; Charset=utf-8;q=1", 406),
        (f'{MEDIA_TYPE};ext="http://a.example/x"', 406),
        (f"{MEDIA_TYPE};a=1, {MEDIA_TYPE};b=2, */*", 406),
    ],
)
def test_accept(world: World, accept: str, status: int) -> None:
    reply = world.one.get("/v1/sites", headers={"Accept": accept})
    assert reply.status_code == status
    assert reply.headers["content-type"] == MEDIA_TYPE


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (MEDIA_TYPE, 200),
        ("application/json; charset=utf-8", 200),
        (f'{MEDIA_TYPE}; profile="http://a.example/x"', 200),
        ("text/plain", 200),
        (f"{MEDIA_TYPE}; charset=utf-8", 415),
        (f'{MEDIA_TYPE}; ext="http://a.example/x"', 415),
    ],
)
def test_content_type(world: World, content_type: str, status: int) -> None:
    assert world.one.get("/v1/sites", headers={"Content-Type": content_type}).status_code == status


def test_a_body_is_json() -> None:
    assert is_readable("application/json;charset=UTF-8", False)
    assert is_readable(MEDIA_TYPE.upper(), False)
    assert not is_readable("text/plain", False)
    assert not is_readable("", False)
