"""What a list of customers costs a store that is far: round trips to PostgreSQL, counted where they are made."""

from collections.abc import Iterator

import pytest

from regulars.http import keyring
from regulars.store.postgresql.session import Session

from ...databases import only_on_postgresql
from ...in_process import Client, InProcess, application

pytestmark = only_on_postgresql("SQLite is in the process: it has no round trips to count")


class Trips:
    """Counts what is waited for on connections to the server, and what is sent without waiting."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waited = self.sent = 0
        sync, sync_later = Session.sync, Session.sync_later

        async def counted(session: Session, **how: bool) -> object:
            self.waited += 1
            return await sync(session, **how)

        def counted_later(session: Session) -> None:
            self.sent += 1
            sync_later(session)

        monkeypatch.setattr(Session, "sync", counted)
        monkeypatch.setattr(Session, "sync_later", counted_later)

    def of(self, api: Client, path: str) -> tuple[int, int]:
        """(waited for, only sent) by one call."""
        self.waited = self.sent = 0
        reply = api.send("GET", path)
        assert reply.status_code == 200, reply.text
        return self.waited, self.sent

    def least(self, api: Client, path: str) -> tuple[int, int]:
        """The same of the cheapest of twenty: a job of the server may add trips of its own, but takes none away."""
        return min(self.of(api, path) for _ in range(20))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    # Neither is the site followed meanwhile, nor a key looked up again: that would be counted, too.
    with pytest.MonkeyPatch.context() as patch, application(tmp_path_factory.mktemp("trips"), "postgresql") as running:
        patch.setattr(keyring, "REMEMBERED_SECONDS", 3600)
        running.services.audience.tail_for = -1
        yield running


@pytest.mark.parametrize("kind", ["customers", "contacts"])
def test_a_question_is_one_round_trip_while_nothing_is_written(
    shop: InProcess, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def person(name: str) -> dict[str, object]:
        return {"email": f"{name}@{kind}.example", "groups": ["vip"]}

    api = shop.client()
    assert api.send("POST", "/api/v1/customers", person("anna")).status_code == 200
    question = f"/v1/{kind}?filter[in_group_id]=vip&sort=name"
    api.send("GET", question)
    api.send("GET", question)
    trips = Trips(monkeypatch)
    assert trips.least(api, question) == (1, 0)
    assert trips.least(api, question + "&page[size]=7") == (1, 0)
    assert trips.least(api, question + "&include=site") == (2, 1)
    assert api.send("POST", "/api/v1/customers", person("berta")).status_code == 200
    assert trips.of(api, question)[0] > 2
    assert trips.of(api, question) >= (2, 0)
    assert trips.least(api, question) == (1, 0)


def test_a_question_about_nobody_is_one_round_trip(shop: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    api = shop.client()
    question = "/v1/customers?filter[has_tag_id]=nothing"
    api.send("GET", question)
    api.send("GET", question)
    assert Trips(monkeypatch).least(api, question) == (1, 0)
