"""What must be true of a database after its writer was killed: every acknowledged write is there, whole.

Used by the ledger's crash test here, and fit for one through HTTP: an acknowledgement is one line,
`put EMAIL VALUE` (an upsert), `visit EMAIL UUID`, `buy EMAIL CENTS`, or `delete EMAIL`.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from regulars.domain.identity import parse_uuid
from regulars.domain.relations import BY_NAME

from ..databases import query
from .chain import assert_replay_gives_the_tables
from .running import stored_customers, stored_ties

GROUP = BY_NAME["group.member"].code


class Acknowledged:
    """The acknowledgements of all lives of the writer so far.

    Each address is written by one caller who waits for every answer, so the last acknowledged value, or a later one
    that was under way when the writer died, is what must be there. Only addresses that start with `go` are deleted.
    """

    def __init__(self) -> None:
        self.values: dict[str, int | None] = {}
        self.visits: dict[str, set[str]] = {}
        self.spent: dict[str, int] = {}
        self.count = 0

    def take(self, lines: Iterable[str]) -> None:
        """Take acknowledgements in, in the order they were printed."""
        for line in lines:
            kind, email, *rest = line.split()
            self.count += 1
            match kind:
                case "put":
                    self.values[email] = int(rest[0])
                case "visit":
                    self.visits.setdefault(email, set()).add(rest[0])
                case "buy":
                    self.spent[email] = self.spent.get(email, 0) + int(rest[0])
                case "delete":
                    self.values[email] = None
                    self.visits.pop(email, None)
                    self.spent.pop(email, None)
                case _:
                    raise AssertionError(f"not an acknowledgement: {line!r}")


def assert_kept(path: Path, acknowledged: Acknowledged, site: int = 1) -> None:
    """Every acknowledged write is there and whole, the changes tell the tables, and the file is sound."""
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert_replay_gives_the_tables(path, site)
    people = {customer.email: customer for customer in stored_customers(path, site).values()}
    members = {
        number for (number, relation, _), tie in stored_ties(path, site).items() if relation == GROUP and tie.holds
    }
    visits: dict[int, set[bytes]] = {}
    orders: dict[int, list[int]] = {}
    for owner, name, uuid, detail in query(
        path, "SELECT customer, name, uuid, detail FROM activities WHERE site_id = ?", site
    ):
        if name == "visit":
            visits.setdefault(owner, set()).add(uuid)
        elif name == "purchase":
            orders.setdefault(owner, []).append(msgspec.json.decode(detail)["revenue"] * 100)
    for email, value in acknowledged.values.items():
        customer = people.get(email)
        if value is None:  # deleted; the write after that may have been under way
            assert customer is None or customer.lifetime_visits <= 1
            continue
        if customer is None:  # its deletion may have been under way
            continue
        assert customer.attributes is not None
        assert msgspec.json.decode(customer.attributes)["value"] >= value
        assert customer.number in members, f"{email} was written without its group"
    for email, uuids in acknowledged.visits.items():
        if not email.startswith("go"):  # else a deletion that was under way may have taken them
            assert {parse_uuid(uuid) for uuid in uuids} <= visits.get(people[email].number, set())
    for address, customer in people.items():
        number = customer.number
        spent = 0 if address is None or address.startswith("go") else acknowledged.spent.get(address, 0)
        assert customer.lifetime_visits == len(visits.get(number, set()))
        assert customer.lifetime_orders == len(orders.get(number, []))
        assert customer.net_revenue == customer.lifetime_revenue == sum(orders.get(number, []))
        assert customer.lifetime_revenue >= spent
    survivors = {email for email in acknowledged.values if not email.startswith("go")}
    assert survivors <= set(people), f"lost: {survivors - set(people)}"
    ((following,),) = query(path, "SELECT next_customer FROM site_heads WHERE site_id = ?", site)
    assert max((customer.number for customer in people.values()), default=0) < following
