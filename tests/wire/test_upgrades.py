"""A request that asks for another protocol is answered like any other, and its body is never a request."""

import json
import random
import shutil
import subprocess
import threading
from itertools import product
from pathlib import Path

import pytest

from .cases import DELIVERIES, FRAMINGS, UPGRADES, delivered
from .conftest import Wire
from .raw import Answer, chunked, framed, head

VICTIM = "victim@example.com"
METHODS = {
    "GET": ("/api/v1/customers/victim@example.com", 200),
    "POST": ("/api/v1/customers", 400),
    "DELETE": ("/api/v1/customers/nobody@example.com", 200),
}
"""What is asked with a body that is a request of its own, and the status of the answer."""


@pytest.fixture(scope="module", autouse=True)
def victim(wire: Wire) -> None:
    with wire.server.caller(wire.key) as caller:
        assert caller.call("POST", "customers", {"email": VICTIM}).status == 200


def smuggled(wire: Wire) -> bytes:
    return head("DELETE", f"/api/v1/customers/{VICTIM}", wire.authorization)


def statuses(answers: list[Answer | None]) -> list[int | None]:
    return [None if answer is None else answer.status for answer in answers]


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("upgrade", UPGRADES)
def test_the_body_of_a_request_is_its_body(wire: Wire, upgrade: str, delivery: str) -> None:
    next_request = head("GET", f"/api/v1/customers/{VICTIM}", wire.authorization)
    with wire.connect() as connection:
        for framing, (method, (path, status)) in product(FRAMINGS, METHODS.items()):
            first, body = framed(framing, method, path, smuggled(wire), wire.authorization, *UPGRADES[upgrade])
            connection.send(*delivered(delivery, first, body, next_request))
            assert statuses(connection.answers(2)) == [status, 200], (framing, method)
        connection.send(head("GET", "/healthz", "Connection: close"))
        assert [answer.status for answer in connection.rest()] == [200]


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("upgrade", UPGRADES)
def test_what_it_asks_is_done(wire: Wire, upgrade: str, framing: str, delivery: str) -> None:
    email = f"{upgrade}-{framing}-{delivery}@example.com".replace(" ", "").replace(",", "")
    body = json.dumps({"email": email}).encode()
    first, rest = framed(framing, "POST", "/api/v1/customers", body, wire.authorization, *UPGRADES[upgrade])
    with wire.connect() as connection:
        asked = head("GET", f"/api/v1/customers/{email}", wire.authorization)
        connection.send(*delivered(delivery, first, rest, asked))
        created, shown = connection.answers(2)
    assert created is not None
    assert shown is not None
    assert created.json()["result"] == "created"
    assert shown.json()["customer"]["email"] == email


def test_many_of_them_in_one_packet_are_answered_in_order(wire: Wire) -> None:
    requests: list[bytes] = []
    expected: list[tuple[str, int]] = []
    chosen = random.Random(7)
    for n in range(60):
        lines = (wire.authorization, f"X-Request-Id: n{n}", *chosen.choice([(), *UPGRADES.values()]))
        method, (path, status) = chosen.choice(list(METHODS.items()))
        requests += framed(chosen.choice(FRAMINGS), method, path, smuggled(wire), *lines)
        expected.append((f"n{n}", status))
    with wire.connect() as connection:
        connection.send(b"".join(requests))
        found = [(each.headers["x-request-id"], each.status) for each in connection.answers(60) if each]
    assert found == expected


@pytest.mark.parametrize("lines", [(), *UPGRADES.values()], ids=["plain", *UPGRADES])
def test_what_follows_a_connect_is_thrown_away(wire: Wire, lines: tuple[str, ...]) -> None:
    with wire.connect() as connection:
        connection.send(head("CONNECT", "x:80", wire.authorization, *lines) + smuggled(wire))
        assert [answer.status for answer in connection.rest()] == [400]
    with wire.server.caller(wire.key) as caller:
        assert caller.call("GET", f"customers/{VICTIM}").status == 200


def test_trailers_are_dropped(wire: Wire) -> None:
    trailers = (wire.authorization, "X-Request-Id: late", *UPGRADES["h2c"])
    body = json.dumps({"email": "trailed@example.com"}).encode()
    without_key = head("POST", "/api/v1/customers", "Transfer-Encoding: chunked")
    with_key = head("POST", "/api/v1/customers", wire.authorization, "Transfer-Encoding: chunked")
    with wire.connect() as connection:
        for _ in range(2):
            connection.send(without_key + chunked(body, trailers=trailers) + head("GET", "/healthz"))
            assert statuses(connection.answers(2)) == [401, 200]
            connection.send(with_key + chunked(body, trailers=trailers) + head("GET", "/healthz"))
            answers = connection.answers(2)
            assert statuses(answers) == [200, 200]
            assert all(answer and answer.headers["x-request-id"] != "late" for answer in answers)


@pytest.mark.parametrize("trailer", ["Content-Length: 400", "Transfer-Encoding: chunked", "Connection: close"])
def test_trailers_do_not_frame_what_follows(wire: Wire, trailer: str) -> None:
    request = head("GET", "/healthz", "Transfer-Encoding: chunked") + chunked(b"{}", trailers=(trailer,))
    with wire.connect() as connection:
        connection.send(request + head("GET", f"/api/v1/customers/{VICTIM}", wire.authorization))
        connection.end()
        assert [answer.status for answer in connection.rest()] in ([200, 200], [200, 400], [400], [200])


def test_trailers_that_come_before_the_request_is_answered_are_dropped(wire: Wire) -> None:
    """The key is looked for when the body is read: a trailer that came with the head was there in time."""
    request = head("GET", f"/api/v1/customers/{VICTIM}", "Transfer-Encoding: chunked")
    with wire.connect() as connection:
        connection.send(request + chunked(b"{}", trailers=(wire.authorization,)))
        assert statuses([connection.answer()]) == [401]


def test_curl_with_http2_posts_as_ever(wire: Wire) -> None:
    curl = shutil.which("curl")
    if curl is None or b"HTTP2" not in subprocess.run([curl, "--version"], capture_output=True, check=True).stdout:
        pytest.skip("curl with HTTP/2 is not installed")
    sent = ["--http2", "--header", wire.authorization, "--data", '{"email": "curl@example.com"}']
    shown = ["--silent", "--write-out", "%{http_code} %{http_version}"]
    done = subprocess.run(
        [curl, *sent, *shown, f"http://127.0.0.1:{wire.port}/api/v1/customers"],
        capture_output=True,
        check=True,
    )
    assert done.stdout.endswith(b"200 1.1"), done
    assert b'"created"' in done.stdout


_JAVA = """
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Post {
    public static void main(String[] given) throws Exception {
        HttpClient client = HttpClient.newHttpClient();  // asks for HTTP/2 by an upgrade
        for (int n = 0; n < 3; n++) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(given[0]))
                .header("Authorization", given[1])
                .POST(HttpRequest.BodyPublishers.ofString("{\\"email\\": \\"java" + n + "@example.com\\"}"))
                .build();
            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(response.statusCode() + " " + response.version() + " " + response.body());
        }
    }
}
"""


def test_the_client_of_java_posts_as_ever(wire: Wire, tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None:
        pytest.skip("Java is not installed")
    source = tmp_path / "Post.java"
    source.write_text(_JAVA)
    _, _, value = wire.authorization.partition(": ")
    done = subprocess.run(
        [java, "-XX:TieredStopAtLevel=1", source, f"http://127.0.0.1:{wire.port}/api/v1/customers", value],
        capture_output=True,
        check=False,
        text=True,
    )
    if "ClassNotFoundException" in done.stderr or "modules" in done.stderr:
        pytest.skip("this Java compiles nothing")
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done
    for line in lines:
        assert line.startswith("200 HTTP_1_1"), done
        assert '"created"' in line


def test_behind_a_proxy_no_answer_reaches_another_connection(proxied: Wire) -> None:
    """Attackers and callers share the proxy's connections; each caller gets the answers to its own requests."""
    callers, turns = 4, 60
    failures: list[str] = []
    done = threading.Event()

    def attack(seed: int) -> None:
        chosen = random.Random(seed)
        while not done.is_set():
            lines = UPGRADES[chosen.choice(list(UPGRADES))]
            method, (path, _) = chosen.choice(list(METHODS.items()))
            first, body = framed(chosen.choice(FRAMINGS), method, path, smuggled(proxied) * 2, *lines)
            with proxied.connect() as connection:
                connection.socket.settimeout(0.5)
                try:
                    connection.send(*delivered(chosen.choice(DELIVERIES[:2]), first, body, b""))
                    connection.answer()
                except (OSError, ValueError):
                    pass

    def call(name: str) -> None:
        with proxied.connect() as connection:
            for n in range(turns):
                mark = f"{name}-{n}"
                connection.send(
                    head("GET", f"/api/v1/customers/{mark}@example.com", proxied.authorization, f"X-Request-Id: {mark}")
                )
                answer = connection.answer()
                if answer is None or (answer.status, answer.headers.get("x-request-id")) != (404, mark):
                    failures.append(f"{mark}: {answer}")
                    return

    attackers = [threading.Thread(target=attack, args=(seed,)) for seed in range(3)]
    threads = [threading.Thread(target=call, args=(f"caller{n}",)) for n in range(callers)]
    for thread in attackers + threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    for thread in attackers:
        thread.join()
    assert failures == []
    with proxied.server.caller(proxied.key) as caller:
        assert caller.call("GET", f"customers/{VICTIM}").status == 200


@pytest.mark.parametrize("upgrade", UPGRADES)
def test_a_proxy_hands_on_what_asks_for_an_upgrade(proxied: Wire, upgrade: str) -> None:
    body = json.dumps({"email": "proxied@example.com"}).encode()
    lines = (proxied.authorization, *UPGRADES[upgrade])
    with proxied.connect() as connection:
        connection.send(*framed("length", "POST", "/api/v1/customers", body, *lines))
        assert statuses([connection.answer()]) == [200]
