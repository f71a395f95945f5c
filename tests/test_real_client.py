"""The vendors' clients against a live server, with nothing changed but the host."""

import base64
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
import sendwithus
from sendwithus.exceptions import APIError, AuthenticationError

from .running_server import Server, make_database


class Live(NamedTuple):
    server: Server
    key: str


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    path = tmp_path_factory.mktemp("clients") / "regulars.db"
    key = make_database(path)
    with Server(path) as server:
        yield Live(server, key)


class TestSendwithus:
    """The package `sendwithus` 5.4.0 as it is on PyPI."""

    @pytest.fixture
    def client(self, live: Live) -> Any:
        return self.client_with(live, live.key)

    @staticmethod
    def client_with(live: Live, key: str) -> Any:
        host = {"API_HOST": "127.0.0.1", "API_PROTO": "http", "API_PORT": str(live.server.port)}
        return sendwithus.api(key, raise_errors=True, **host)

    def test_a_customer_is_created_shown_and_deleted(self, client: Any) -> None:
        made = client.customer_create("anna+news@example.com", data={"first_name": "Anna"}, locale="de-DE").json()
        assert (made["success"], made["status"]) == (True, "OK")
        shown = client.customer_details("anna+news@example.com").json()["customer"]
        assert (shown["email"], shown["data"], shown["locale"]) == (
            "anna+news@example.com",
            {"first_name": "Anna"},
            "de-DE",
        )
        assert client.customer_delete("anna+news@example.com").json()["success"] is True
        assert client.customer_delete("anna+news@example.com").status_code == 200
        with pytest.raises(APIError, match="No customer has"):
            client.customer_details("anna+news@example.com")

    def test_ten_customers_are_created_in_one_batch(self, client: Any) -> None:
        batch = client.start_batch()
        for n in range(10):
            batch.customer_create(f"batch{n}@example.com", data={"n": n})
        batch.customer_details("batch9@example.com")
        batch.customer_create("nonsense")
        assert batch.command_length() == 12
        replies = batch.execute().json()
        assert batch.command_length() == 0
        assert [reply["status_code"] for reply in replies] == [200] * 11 + [400]
        assert replies[10]["body"]["customer"]["data"] == {"n": 9}
        assert isinstance(replies[11]["body"], str)

    def test_a_bad_key_is_an_authentication_error(self, live: Live) -> None:
        stranger = self.client_with(live, "rg_unknown")
        with pytest.raises(AuthenticationError):
            stranger.customer_details("anna@example.com")
        with pytest.raises(AuthenticationError):
            stranger.customer_create("anna@example.com")

    @pytest.mark.parametrize("address", ["nonsense", "a@b@c", "x" * 300 + "@example.com"])
    def test_bad_input_is_an_api_error_with_a_sentence(self, client: Any, address: str) -> None:
        with pytest.raises(APIError, match="email address"):
            client.customer_create(address)

    def test_a_call_that_we_do_not_have_is_an_api_error(self, client: Any) -> None:
        with pytest.raises(APIError, match=r"docs/compatibility\.md"):
            client.snippets()


class TestBlueshift:
    """What Blueshift's SDKs and its documented requests send."""

    @pytest.mark.parametrize("colon", [":", ""], ids=["as documented", "bare base64, as integrations send it"])
    def test_a_profile_is_written_and_read(self, live: Live, colon: str) -> None:
        basic = base64.b64encode(f"{live.key}{colon}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json", "Accept": "application/json"}
        with httpx.Client(base_url=f"{live.server.url}/api/v1", headers=headers) as client:
            profile = {"email": "mike@example.com", "customer_id": "38759877", "firstname": "Mike", "lastname": "Doel"}
            assert client.post("/customers", json=profile).status_code == 200
            assert client.post("/customers/bulk", json={"customers": [profile]}).json()["errors"] == []
            event = {"event": "purchase", "customer_id": "38759877", "revenue": 61.5, "order_id": f"O-{colon}"}
            assert client.post("/event", json=event).json()["status"] == "OK"
            [found] = client.get("/customers", params={"email": "mike@example.com"}).json()["customers"]
            assert {key: found[key] for key in profile} == profile
            assert found["lifetime_orders"] >= 1
            assert client.post("/customers/delete", json={"email": "nobody@example.com"}).status_code == 200

    def test_a_bad_key_is_told_so(self, live: Live) -> None:
        reply = httpx.get(f"{live.server.url}/api/v1/customers?email=a@example.com", auth=("unknown", ""))
        assert (reply.status_code, reply.json()["message"]) == (401, "Not authorized")


class TestKajabi:
    """What the known Kajabi clients do: an OAuth token first, then JSON:API with links that are followed."""

    def test_a_token_is_fetched_and_the_pages_of_the_list_are_followed(self, live: Live) -> None:
        with live.server.caller(live.key) as caller:
            people = [{"email": f"kajabi{n}@example.com", "name": f"K {n:02}"} for n in range(7)]
            assert caller.call("POST", "customers/bulk", {"customers": people}).status == 200
            number = caller.call("GET", "/v1/me").json()["data"]["id"]
        credentials = {"client_id": number, "client_secret": live.key, "grant_type": "client_credentials"}
        with httpx.Client(base_url=live.server.url) as client:
            granted = client.post("/v1/oauth/token", data=credentials)
            assert granted.headers["cache-control"] == "no-store"
            tokens = granted.json()
            assert tokens["token_type"] == "Bearer"
            client.headers = {"Authorization": f"Bearer {tokens['access_token']}", "Accept": "application/vnd.api+json"}
            seen: list[str] = []
            page = client.get(
                "/v1/customers?filter[email_contains]=kajabi&sort=name&page[size]=3&page[number]=1"
            ).json()
            while True:
                assert page["meta"]["total_count"] == 7
                seen += [customer["attributes"]["email"] for customer in page["data"]]
                if page["links"]["next"] is None:
                    break
                page = client.get(page["links"]["next"]).json()
            assert seen == [f"kajabi{n}@example.com" for n in range(7)]
            assert client.post("/v1/oauth/revoke", data={"token": tokens["access_token"]}).status_code == 200
            assert client.get("/v1/customers").status_code == 401

    def test_a_wrong_secret_is_told_so(self, live: Live) -> None:
        form = {"client_id": "1", "client_secret": "wrong", "grant_type": "client_credentials"}
        reply = httpx.post(f"{live.server.url}/v1/oauth/token", data=form)
        assert (reply.status_code, reply.json()["error"]) == (401, "Invalid client credentials")
