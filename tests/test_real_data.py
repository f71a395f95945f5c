"""Two data sets, imported by the command and asked about through HTTP, against plain Python over the same lines.

They are samples of our own and, where ../shared/data is there, the first few thousand customers of the two public sets
(Hillstrom's mail campaign, CDNOW's purchases); REGULARS_TEST_ALL=1 takes all 87,570 of these (about a minute).
"""

import asyncio
import importlib.util
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from regulars.domain.money import decimal_text

from . import sample_data
from .contents import inconsistencies
from .databases import query
from .in_process import Client, InProcess
from .running_server import database_url, run_command
from .sample_data import MAILED

DATA = Path(__file__).parents[2] / "shared" / "data"
ALL = os.environ.get("REGULARS_TEST_ALL") == "1"
SLICES = {"hillstrom": 6000, "cdnow": 3000}
PUBLISHED = {
    "hillstrom": {"customers": 64_000, "activity": 229_808, "orders": 64_578, "cents": 1_556_074_010, "visits": 9394},
    "cdnow": {"customers": 23_570, "activity": 69_659, "orders": 69_659, "cents": 250_031_563, "visits": 0},
}
"""The figures that `real.py` prints of the whole files."""
PUBLIC = pytest.param(
    "public",
    marks=[
        pytest.mark.slow,
        # Reason: the public data is not ours to ship. The same tests always run on samples of our own.
        pytest.mark.skipif(not DATA.exists(), reason=f"the public data sets are not shipped: {DATA} is missing"),
    ],
)


@dataclass
class Known:
    """What the lines of the files say of one customer."""

    email: str
    joined: datetime
    cents: int = 0
    orders: int = 0
    visits: int = 0
    tags: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    delivered: set[str] = field(default_factory=set)
    active: datetime | None = None
    id: int = 0
    created: int = 0

    def take(self, item: dict[str, Any]) -> None:
        at = datetime.fromisoformat(item["timestamp"])
        match item["event"]:
            case "purchase":
                self.orders += 1
                self.cents += int(Decimal(item["revenue"]) * 100)
            case "visit":
                self.visits += 1
            case "tag_added":
                self.tags.add(item["tag_id"])
            case "email_sent":
                self.sent.add(item["broadcast_id"])
            case "email_delivered":
                self.delivered.add(item["broadcast_id"])
        if item["event"] in ("purchase", "visit"):
            self.active = at if self.active is None else max(self.active, at)

    @property
    def name(self) -> str:
        return self.email.partition("@")[0]


@dataclass
class Loaded:
    """One data set in one site: what is known of it, the files, and what the first import said."""

    people: dict[str, Known]
    files: dict[str, Path]
    site: str
    said: dict[str, dict[str, Any]]


@dataclass
class World:
    app: InProcess
    api: Client
    sets: dict[str, Loaded]
    is_public: bool

    def ask(self, data: str, query: str) -> Any:
        reply = self.api.get(f"/v1/customers?filter[site_id]={self.sets[data].site}&{query}")
        assert reply.status_code == 200, reply.text
        return reply.json()


SAMPLES = {"hillstrom": sample_data.campaign, "cdnow": sample_data.purchases}
"""Our own data in the form of each set."""


def lines(data: str) -> Iterator[tuple[dict[str, Any] | None, list[dict[str, Any]]]]:
    spec = importlib.util.spec_from_file_location("real", DATA / "real.py")
    assert spec is not None
    assert spec.loader is not None
    real = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(real)
    customers = 0
    for customer, activity in getattr(real, data)():
        customers += customer is not None
        if not ALL and customers > SLICES[data]:
            return
        yield customer, activity


def import_file(app: InProcess, kind: str, file: Path, site: str) -> dict[str, Any]:
    """Import a file by the command, while the server goes on with its work: it may hold the lock at this moment."""
    command = ["import", kind, str(file), "--site", site, "--json", "--database", database_url(app.path)]
    done = app.run(asyncio.to_thread(run_command, command, file.parent))
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


@pytest.fixture(scope="module", params=["sample", PUBLIC])
def world(request: pytest.FixtureRequest, app: InProcess, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Both sets, imported into two sites of one account while a server has the file open."""
    is_public = request.param == "public"
    api = app.client(account=request.param, site="hillstrom")
    app.client(account=request.param, site="cdnow")
    sites = {site["attributes"]["subdomain"]: site["id"] for site in api.get("/v1/sites").json()["data"]}
    sets = {}
    for data in SLICES:
        folder = tmp_path_factory.mktemp(data)
        people: dict[str, Known] = {}
        files = {kind: folder / f"{kind}.ndjson" for kind in ("customers", "activity")}
        with files["customers"].open("w") as customers, files["activity"].open("w") as activity:
            for customer, items in lines(data) if is_public else SAMPLES[data]():
                if customer:
                    customers.write(json.dumps(customer) + "\n")
                    joined = datetime.fromisoformat(customer["joined_at"])
                    people[customer["email"]] = Known(customer["email"], joined)
                for item in items:
                    activity.write(json.dumps(item) + "\n")
                    people[item["email"]].take(item)
        said = {kind: import_file(app, kind, files[kind], sites[data]) for kind in files}
        sets[data] = Loaded(people, files, sites[data], said)
        _number(app.path, sets[data])
    return World(app, api, sets, is_public)


def _number(path: Path, loaded: Loaded) -> None:
    """Ids and the moments of creation are the store's own: taken from its rows."""
    site = int(loaded.site)
    for email, number, created in query(
        path, "SELECT email, number, created_at FROM customers WHERE site_id = ?", site
    ):
        loaded.people[email].id = site << 32 | number
        loaded.people[email].created = created


@pytest.mark.parametrize("data", SLICES)
def test_the_import_says_and_stores_the_figures_of_the_files(world: World, data: str) -> None:
    loaded = world.sets[data]
    people = loaded.people.values()
    counted = {kind: len(file.read_text().splitlines()) for kind, file in loaded.files.items()}
    figures = {
        **counted,
        "orders": sum(known.orders for known in people),
        "cents": sum(known.cents for known in people),
        "visits": sum(known.visits for known in people),
    }
    if ALL and world.is_public:
        assert figures == PUBLISHED[data]
    for kind, made in (("customers", "created"), ("activity", "updated")):
        said = loaded.said[kind]
        assert (said["lines"], said[made], said["rejected"]) == (counted[kind], counted[kind], 0)
    [stored] = query(
        world.app.path,
        "SELECT count(*), sum(lifetime_orders), sum(net_revenue), sum(lifetime_revenue), sum(lifetime_visits)"
        " FROM customers WHERE site_id = ?",
        int(loaded.site),
    )
    assert stored == (
        len(loaded.people),
        figures["orders"],
        figures["cents"],
        figures["cents"],
        figures["visits"],
    )
    assert world.ask(data, "page[size]=1")["meta"]["total_count"] == len(loaded.people)


def days_since(moment: datetime) -> int:
    return (datetime.now(UTC) - moment).days


Pick = Callable[[Known], bool]
Order = Callable[[Known], Any]


def newest(known: Known) -> Any:
    return -known.created


def lately(known: Known) -> Any:
    return (known.active is None, -known.active.timestamp() if known.active else 0)


QUESTIONS: list[Any] = [
    pytest.param(
        "hillstrom",
        "filter[sent_email_broadcast_id]=1&filter[has_tag_id]=1&filter[net_revenue_greater_than]=500",
        lambda known: "1" in known.sent and "1" in known.tags and known.cents > 50_000,
        newest,
        id="good customers for men's goods who were sent the men's mail, newest first",
    ),
    pytest.param(
        "hillstrom",
        "filter[no_sent_email_broadcast_ids]=1,2&sort=-net_revenue",
        lambda known: not known.sent,
        lambda known: -known.cents,
        id="the control group, best first",
    ),
    pytest.param(
        "hillstrom",
        "filter[has_all_tag_id]=1,2&sort=email",
        lambda known: known.tags == {"1", "2"},
        lambda known: known.email,
        id="buyers of both kinds by address",
    ),
    pytest.param(
        "hillstrom",
        "filter[has_no_tag_id]=1&filter[no_delivered_email_broadcast_id]=2&sort=name",
        lambda known: "1" not in known.tags and "2" not in known.delivered,
        lambda known: known.name,
        id="neither men's goods nor women's mail, by name",
    ),
    pytest.param(
        "hillstrom",
        "filter[net_revenue_equal_to]=29.99",
        lambda known: known.cents == 2999,
        newest,
        id="the smallest history there is",
    ),
    pytest.param(
        "hillstrom",
        "filter[net_revenue_less_than]=45.5&filter[has_tag_id]=2&sort=net_revenue",
        lambda known: known.cents < 4550 and "2" in known.tags,
        lambda known: known.cents,
        id="little money, women's goods, least first",
    ),
    pytest.param(
        "hillstrom",
        "filter[email_contains]=H12&sort=-email",
        lambda known: "h12" in known.email,
        lambda known: [-ord(letter) for letter in known.email] + [1],
        id="a piece of the address, from the last to the first",
    ),
    pytest.param(
        "hillstrom",
        f"filter[active_in_last]={days_since(MAILED)}&sort=-last_request_at",
        lambda known: known.active is not None and known.active > MAILED,
        lately,
        id="active since the mails, latest first",
    ),
    pytest.param(
        "hillstrom",
        f"filter[joined_in_last]={days_since(MAILED - timedelta(days=500))}&filter[name_contains]=7",
        lambda known: known.joined > MAILED - timedelta(days=500) and "7" in known.name,
        newest,
        id="newcomers with a 7 in their name",
    ),
    pytest.param(
        "cdnow",
        "filter[net_revenue_greater_than]=150&sort=-net_revenue",
        lambda known: known.cents > 15_000,
        lambda known: -known.cents,
        id="collectors, best first",
    ),
    pytest.param(
        "cdnow",
        f"filter[inactive_in_last]={days_since(datetime(1998, 1, 1, tzinfo=UTC))}&sort=last_request_at",
        lambda known: known.active is None or known.active <= datetime(1998, 1, 1, tzinfo=UTC),
        lambda known: known.active,
        id="not seen in 1998, longest away first",
    ),
]


@pytest.mark.parametrize(("data", "query", "pick", "order"), QUESTIONS)
def test_a_question_has_the_answer_of_plain_python(
    world: World, data: str, query: str, pick: Pick, order: Order
) -> None:
    people: Iterable[Known] = world.sets[data].people.values()
    expected = sorted((known for known in people if pick(known)), key=lambda known: (order(known), known.id))
    assert len(expected) > 15, "a question without three pages proves little"
    last = -(-len(expected) // 5)
    for page in (1, 2, 3, last):
        answer = world.ask(data, f"{query}&page[size]=5&page[number]={page}")
        assert answer["meta"]["total_count"] == len(expected)
        on_page = expected[5 * page - 5 : 5 * page]
        assert [customer["id"] for customer in answer["data"]] == [str(known.id) for known in on_page]
        shown = [customer["attributes"]["net_revenue"] for customer in answer["data"]]
        assert shown == [decimal_text(known.cents) for known in on_page]


def test_a_key_of_an_account_with_two_sites_lists_its_own(world: World) -> None:
    found = {
        world.api.get(f"/v1/customers?filter[site_id]={loaded.site}").json()["meta"]["total_count"]
        for loaded in world.sets.values()
    }
    reply = world.api.get("/v1/customers")
    assert (reply.status_code, reply.json()["meta"]["total_count"] in {*found, 0}) == (200, True)


def test_importing_the_same_files_again_changes_nothing(world: World) -> None:
    before = world.app.contents()
    for data, loaded in world.sets.items():
        for kind, file in loaded.files.items():
            said = import_file(world.app, kind, file, loaded.site)
            assert said["unchanged"] == said["lines"] == loaded.said[kind]["lines"], data
    again = len(world.sets) * 2
    expected = before._replace(rows={**before.rows, "imports": before.rows["imports"] + again})
    assert world.app.contents() == expected, "each import is listed, and nothing else is written"
    assert inconsistencies(world.app.path) == []
