"""Random lives that end with an erasure: no row, no reply and no file has the person, whatever names it later.

Everything that is written about a person has one word that nobody else has, so it is enough to look for that.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import pytest

from regulars.http.classic.surface import CLASSIC
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.operations import OPERATIONS

from .databases import ENGINES
from .effort import examples
from .http.jsonapi.test_audit_events import administrator
from .http.jsonapi.test_erasures import rows_with
from .http.jsonapi.world import World
from .http.jsonapi.writing import made
from .in_process import application
from .test_erased_files import ended, found, path_of, waited

LIVES: Final = examples(2, 40)
_READ: Final = [each for each in OPERATIONS if each.method == "GET" and each.surface in (CLASSIC, JSONAPI)]


@pytest.fixture(params=[each for each in ENGINES if each != "citus"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A server with folders for files."""
    with application(tmp_path, request.param, files_folder=str(tmp_path / "files")) as app:
        yield World(app)


class Life:
    """One person, known by two addresses, with a second record that may be merged into the first, and a neighbour.

    done: how often each kind of thing happened. erased: since then, replies are not told apart.
    """

    def __init__(self, world: World, number: int, done: Counter[str]) -> None:
        self.world, self.api, self.admin = world, world.one, administrator(world)
        self.random, self.number, self.done = Random(number), number, done
        self.word = f"zq{number}wanda"
        self.addresses = [f"{self.word}.{part}@lives.example" for part in ("first", "second")]
        self.other_home: str | None = None
        self.merge: str | None = None
        self.is_erased = self.has_moved = False
        self.send(
            "POST", "/api/v1/customers", self.profile(cookie=f"browser-{self.number}")
        )  # which names nobody itself
        self.home = self.home_of(self.addresses[0])
        self.neighbour = f"neighbour{number}@lives.example"
        world.save(self.api, {"email": self.neighbour, "firstname": "Next", "unsubscribed": False})

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Send it. What is sent of somebody who is there succeeds; afterwards it is told what is wrong at most."""
        reply = self.admin.send(method, path, **({} if body is None else {"json": body}), **more)
        assert reply.status_code < (500 if self.is_erased else 300), f"{method} {path} {body} {reply.text}"
        return reply

    def home_of(self, address: str) -> str:
        (shown,) = self.api.document(f"/v1/customers?filter[email_contains]={address}")["data"]
        return f"/v1/customers/{shown['id']}"

    def profile(self, **more: Any) -> dict[str, Any]:
        return {"email": self.addresses[0], "customer_id": f"{self.word}-id", **more}

    def named(self) -> dict[str, str]:
        """Something that names the person."""
        return self.random.choice([{"email": self.addresses[0]}, {"customer_id": f"{self.word}-id"}])

    def event(self, name: str, **more: Any) -> None:
        at = {"timestamp": self.random.randint(1_600_000_000, 1_790_000_000)} if self.random.random() < 0.5 else {}
        self.send("POST", "/api/v1/event", {"event": name, **at, **more})

    def lives(self, most: int) -> None:
        """Things of every kind happen to the person, in a random order, some of them twice; `most` of them."""
        names = sorted(STEPS_OF_A_LIFE)
        for name in self.random.sample([*names, *self.random.sample(names, 4)], k=len(names) + 4)[:most]:
            self.done[name] += 1
            STEPS_OF_A_LIFE[name](self)

    def change(self) -> None:
        more = {
            "data": {f"{self.word} street": [self.word]},
            "firstname": self.word,
            "phone_number": f"+49 {self.word}",
        }
        self.send("POST", "/api/v1/customers", {**self.named(), **more, "groups": ["lives"]})

    def move(self) -> None:
        """Another address; the former one is still known. After the erasure only one that was known before."""
        if self.random.random() < 0.5 and (not self.is_erased or self.has_moved):
            self.addresses.reverse()
            self.has_moved = True
        self.send("POST", "/api/v1/customers", {"customer_id": f"{self.word}-id", "email": self.addresses[0]})

    def mail(self) -> None:
        mail = {"log_id": f"{self.word}-{self.random.randint(1, 3)}", "message": f"to {self.word}", "broadcast_id": "b"}
        self.event(self.random.choice(["email_sent", "email_opened", "email_bounced"]), **self.named(), **mail)

    def buy(self) -> None:
        self.event("purchase", **self.named(), revenue=5, order_id=f"{self.word}-order", coupon=None)

    def visit(self) -> None:
        """Without a name: the cookie says who it was. After the erasure it says so of nobody."""
        page = "any" if self.is_erased else self.word
        self.event("view", cookie=f"browser-{self.number}", page=f"https://x.example/{page}")

    def agree(self) -> None:
        proof = {"wording": f"I, {self.word}, agree", "proof": f"ip of {self.word}"}
        self.event(self.random.choice(["subscribed", "unsubscribed"]), **self.named(), **proof)

    def ask(self) -> None:
        self.send("POST", f"{self.home}/consents/request", {"wording": f"May we write to {self.word}?"})

    def note(self) -> None:
        of = {"contact": {"data": {"type": "contacts", "id": self.home.rpartition("/")[2]}}}
        body = {"type": "contact_notes", "attributes": {"body": f"about {self.word}"}, "relationships": of}
        self.send("POST", "/v1/contact_notes", {"data": body})

    def drip(self) -> None:
        body = {"recipient": {"address": self.addresses[0]}, "email_data": {"who": self.word}}
        self.send("POST", "/api/v1/drip_campaigns/lives/activate", body)

    def forget(self) -> None:
        for call in ("forget", "unforget")[: self.random.randint(1, 2)]:
            self.send("POST", f"/api/v1/customers/{call}", self.named())

    def join(self) -> None:
        """A second record of the person becomes part of the first, or one of its own again."""
        if self.merge is not None:
            self.send("POST", f"/v1/merges/{self.merge}/undo")
            self.merge = None
            return
        other = f"{self.word}.other@lives.example"
        if self.other_home is None and self.is_erased:
            return  # nobody knew this address
        if self.other_home is None:
            self.send("POST", "/api/v1/customers", {"email": other, "lastname": self.word})
            self.other_home = self.home_of(other)
        body = {"data": [{"id": self.other_home.rpartition("/")[2]}]}
        reply = self.send("POST", f"{self.home}/merge", body)
        if not self.is_erased:
            self.merge = reply.json()["data"][0]["id"]
        self.event("view", email=other, page=self.word)

    def load(self) -> None:
        """A file with the person, of which a line is refused."""
        refused = "" if self.is_erased else f"{self.word},nobody\n"  # which does not say whom it is about
        content = f"email,firstname\n{self.addresses[0]},{self.word}\n{refused}"
        reply = self.send("POST", "/v1/imports?kind=customers", content=content.encode())
        if reply.status_code == 202 and not self.is_erased:
            ended(self.admin, self.world.app, path_of(reply))

    def unload(self) -> None:
        reply = self.send("POST", "/v1/exports", {"q": f"email = {self.addresses[0]}"})
        if not self.is_erased:
            ended(self.admin, self.world.app, path_of(reply))

    def erase(self) -> str:
        """Erase the person, and the second record if it is one of its own; returns the path of the certificate."""
        homes = [self.home] if self.merge is not None or self.other_home is None else [self.home, self.other_home]
        certificates = [self.send("POST", f"{home}/erase", {"reason": "asked"}) for home in homes]
        self.is_erased = True
        return f"/v1/erasures/{certificates[-1].json()['data']['attributes']['erasure']}"

    def untold(self) -> list[str]:
        """The replies that still tell of the person: what any call lists, and all that its id and addresses name."""
        wrong = []
        number = self.home.rpartition("/")[2]
        for each in _READ:
            parts = {"id": number, "who": self.addresses[0], "email": self.addresses[0]}
            path = re.sub(r"{(\w+)}", lambda part, parts=parts: parts.get(part[1], "1"), each.path)  # type: ignore[misc]
            for query in ("", f"?email={self.addresses[0]}&limit=50&page[size]=100"):
                reply = self.admin.get(path + query)
                told = reply.text.replace(self.addresses[0], "") if reply.status_code != 200 or query else reply.text
                if self.word in told or reply.status_code >= 500:
                    wrong.append(f"{reply.status_code} {path}{query}: {reply.text[:200]}")
        return wrong


STEPS_OF_A_LIFE: Final[dict[str, Callable[[Life], None]]] = {
    each.__name__: each
    for each in (
        *(Life.change, Life.move, Life.mail, Life.buy, Life.visit, Life.agree, Life.ask, Life.note, Life.drip),
        *(Life.forget, Life.join, Life.load, Life.unload),
    )
}


def test_whoever_is_erased_is_nowhere(world: World, tmp_path: Path) -> None:
    steps = [{"delay_seconds": 3_600, "template_id": "t"}]
    made(world.one, "drip_campaigns", name="Lives", key="lives", enabled=True, steps=steps)
    done: Counter[str] = Counter()
    later: Counter[str] = Counter()
    tables: Counter[str] = Counter()
    lives, certificate = list[Life](), ""
    for number in range(LIVES):
        life = Life(world, number, done)
        lives.append(life)
        life.lives(len(STEPS_OF_A_LIFE) + 4)
        neighbour = world.one.get(f"/api/v1/customers/{life.neighbour}").json()
        tables.update(each.partition(":")[0] for each in rows_with(world, (life.word,)))
        certificate = life.erase()
        assert set(rows_with(world, (life.word,))) <= {f"jobs: {life.word}"}, (
            number
        )  # the job of the erasure cleans them
        assert world.one.get(f"/api/v1/customers/{life.neighbour}").json() == neighbour
        life.done = later
        life.lives(9)
        assert set(rows_with(world, (life.word,))) <= {f"jobs: {life.word}"}, number
    assert done.keys() == STEPS_OF_A_LIFE.keys()
    assert len(later) > 8
    assert tables.keys() >= {"customers", "activities", "logs", "consents", "consent_requests", "notes", "jobs"}
    # What jobs were asked for after an erasure is cleaned with the next one.
    certificate = Life(world, LIVES, done).erase()

    def look() -> Any:
        return administrator(world).document(certificate)["data"]["attributes"]["state"] == "done"

    waited(look, world.app)
    words = [life.word for life in lives]
    # The server's own files take long to write anew: see `test_erased_files`.
    waited(lambda: not found(world, tmp_path, words, with_server=False), world.app)
    assert rows_with(world, tuple(words)) == []
    assert [wrong for life in lives[:1] for wrong in life.untold()] == []
