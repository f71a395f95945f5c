"""Reports of broadcasts over HTTP: each figure is what plain Python counts, and the count of its question."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from regulars.audience.questions.broadcast_report import RATES
from regulars.audience.questions.subjects.mails import STATUSES

from ...databases import ENGINES
from ...in_process import InProcess, application
from .world import Api

HOUR = 3_600
START = 1_772_355_600 + 29 * 60  # a Sunday, half an hour into an hour
PEOPLE = 24
OF_EVENT = {event: status for status, kind in STATUSES.items() for event in kind.events} | {"email_clicked": "clicked"}


class Mailing:
    """Two broadcasts to some customers, and what they bought. happened: (event, customer, time, details)."""

    def __init__(self, app: InProcess) -> None:
        self.api = Api(app, app.secret("mailing", "main")[1])
        self.happened: list[tuple[str, int, int, dict[str, Any]]] = []
        self.vips = set(range(0, PEOPLE, 3))
        draw = random.Random(13)
        people = [{"email": f"p{i}@mailing.example"} for i in range(PEOPLE)]
        self.post("/api/v1/customers/bulk", {"customers": people})
        events: list[dict[str, Any]] = [
            {"event": "tag_added", "email": f"p{i}@mailing.example", "tag_id": "vip"} for i in sorted(self.vips)
        ]
        events.append({"event": "hidden", "email": "p5@mailing.example"})
        for i in range(PEOPLE):
            for broadcast in ("sale", "other"):
                known = {"broadcast_id": broadcast, "log_id": f"{broadcast}-{i}"}
                for event, chance in (("email_sent", 0.9), *((each, 0.4) for each in OF_EVENT if each != "email_sent")):
                    for _ in range(draw.choice([1, 1, 2])):
                        if draw.random() < chance:
                            self.happened.append((event, i, START + draw.randrange(4 * HOUR), known))
            for order in range(6):
                bought = {"revenue": f"{draw.randrange(100)}.50", "order_id": f"o{i}-{order}"}
                bought |= draw.choice([{}, {"currency": "EUR"}, {"currency": "USD"}])
                self.happened.append(("purchase", i, START + draw.randrange(5 * 24 * HOUR), bought))
        events += [
            {"event": event, "email": f"p{i}@mailing.example", "timestamp": at, **more}
            for event, i, at, more in self.happened
        ]
        self.post("/v1/sites/1", {"data": {"type": "sites", "id": "1", "attributes": {"currency": "EUR"}}}, "PATCH")
        for begin in range(0, len(events), 100):
            self.post("/api/v1/bulkevents", {"events": events[begin : begin + 100]})

    def post(self, path: str, body: dict[str, Any], method: str = "POST") -> None:
        reply = self.api.send(method, path, json=body)
        assert reply.status_code == 200, reply.text

    def report(self, **parameters: Any) -> dict[str, Any]:
        return self.api.document("/v1/broadcasts/sale/report", params=parameters)

    def count(self, *parts: dict[str, Any], zone: str = "UTC") -> int:
        question = {"question": {"all": list(parts)}, "time_zone": zone}
        reply = self.api.send("POST", "/v1/customers/query", json=question)
        assert reply.status_code == 200, reply.text
        return int(reply.json()["meta"]["total"])

    def reached(self, status: str, who: set[int]) -> dict[int, list[int]]:
        """The times at which customers of `who` had a status of the broadcast."""
        found: dict[int, list[int]] = {}
        for event, i, at, known in self.happened:
            if i in who and known.get("broadcast_id") == "sale" and event in STATUSES[status].events:
                found.setdefault(i, []).append(at)
        return found


@pytest.fixture(scope="module", params=ENGINES)
def mailing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailing]:
    with application(tmp_path_factory.mktemp("mailing"), request.param) as app:
        yield Mailing(app)


def test_every_status_has_a_rate() -> None:
    assert RATES.keys() == STATUSES.keys()


@pytest.mark.parametrize("among", ["", "tag:vip", "not tag:vip and not is hidden"])
def test_every_figure_is_the_count_of_its_question(mailing: Mailing, among: str) -> None:
    everybody = set(range(PEOPLE)) - {5}
    who = {"": everybody, "tag:vip": mailing.vips}.get(among, everybody - mailing.vips)
    found = mailing.report(**({"q": among} if among else {}))["data"]
    figures = found["attributes"]
    for status, of in RATES.items():
        figure, expected = figures[status], len(mailing.reached(status, who))
        assert figure["customers"] == expected == mailing.count(figure["question"])
        whole = None if of is None else figures[of]["customers"]
        assert figure["rate"] == (None if whole is None else round(expected / whole, 6))
        assert figure["rate_of"] == of
    assert {figures[status]["customers"] for status in RATES} != {0}
    assert found["relationships"]["broadcast"]["data"]["type"] == "broadcasts"


@pytest.mark.parametrize("days", [1, 3])
def test_revenue_is_what_was_bought_within_days_after_a_click(mailing: Mailing, days: int) -> None:
    figures = mailing.report(q="tag:vip", revenue_days=days)["data"]["attributes"]
    clicks = mailing.reached("clicked", mailing.vips)
    bought = [
        (i, Decimal(more["revenue"]) if more.get("currency", "EUR") == "EUR" else Decimal(0))
        for event, i, at, more in mailing.happened
        if event == "purchase" and any(0 < at - click <= days * 24 * HOUR for click in clicks.get(i, ()))
    ]
    found = figures["revenue"]
    assert found["customers"] == len({i for i, _ in bought}) == mailing.count(found["question"]) > 0
    assert found["purchases"] == len(bought)
    assert Decimal(found["amount"]) == sum(amount for _, amount in bought)
    assert (found["currency"], found["days"], found["rate_of"]) == ("EUR", days, "clicked")
    assert found["rate"] == round(found["customers"] / len(clicks), 6)
    assert sum(Decimal(row["revenue"]) for row in figures["hours"]["rows"]) == Decimal(found["amount"])


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_each_hour_has_the_customers_of_its_question(mailing: Mailing, zone: str) -> None:
    found = mailing.report(time_zone=zone)
    assert found["meta"]["time_zone"] == zone
    everybody = set(range(PEOPLE)) - {5}
    hours = found["data"]["attributes"]["hours"]
    assert hours["left_out"] == 0
    seen = 0
    for row in hours["rows"]:
        begin = datetime.fromisoformat(row["at"])
        assert begin.minute == (30 if zone == "Asia/Kolkata" else 0)
        first = int(begin.timestamp())
        for status in RATES:
            reached = mailing.reached(status, everybody).values()
            assert row[status] == sum(any(first <= at < first + HOUR for at in times) for times in reached)
            seen += row[status]
    assert seen == sum(
        len({(at + (HOUR // 2 if zone == "Asia/Kolkata" else 0)) // HOUR for at in times})
        for status in RATES
        for times in mailing.reached(status, everybody).values()
    )
    row = hours["rows"][1]
    begin = datetime.fromisoformat(row["at"]).astimezone(UTC)
    window = {"from": begin.isoformat(), "to": (begin + timedelta(hours=1)).isoformat()}
    for status in RATES:
        assert row[status] == mailing.count({"mail": status, "broadcast": ["sale"], "when": window})


def test_a_report_of_some_figures(mailing: Mailing) -> None:
    fields = {"fields[broadcast_reports]": "sent,opened"}
    assert mailing.report(**fields)["data"]["attributes"].keys() == {"sent", "opened"}
    among_nobody = mailing.report(question='{"has": "tag", "any_of": ["nobody"]}', **fields)
    opened = among_nobody["data"]["attributes"]["opened"]
    assert opened["question"]["all"][0] == {"has": "tag", "any_of": ["nobody"]}
    assert (opened["customers"], opened["rate"], opened["rate_of"]) == (0, None, "sent")


@pytest.mark.parametrize(
    ("path", "status", "parameter"),
    [
        ("none/report", 404, None),
        ("sale/report?revenue_days=0", 400, "revenue_days"),
        ("sale/report?revenue_days=1.5", 400, "revenue_days"),
        ("sale/report?q=tag:", 400, "q"),
        ("sale/report?fields[broadcast_reports]=x", 400, "fields[broadcast_reports]"),
        ("sale/report?q=in%20audience/none", 422, "q"),
    ],
)
def test_what_is_wrong_is_named(mailing: Mailing, path: str, status: int, parameter: str | None) -> None:
    found, error = mailing.api.error(f"/v1/broadcasts/{path}")
    assert found == status
    assert parameter is None or error["source"]["parameter"] == parameter
