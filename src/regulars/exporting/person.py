"""Everything that is kept of one person."""

from typing import Any

from regulars.domain.identity import Who, address_key, parse_address
from regulars.domain.limits import DEFAULT
from regulars.domain.text import composed
from regulars.exporting.customer_lines import whole_lines
from regulars.exporting.history import read_activity, read_logs, with_events
from regulars.exporting.history_tables import event_line, log_line
from regulars.exporting.reading import read_people
from regulars.store.engine import Connection
from regulars.store.reads import find_card, logs_of


async def read_person(connection: Connection, site: int, named: str) -> dict[str, Any] | None:
    """The customer with an address or customer_id, the events and the emails; None if nothing is kept.

    With an address it includes the emails to it whose customer was deleted, or had the address before.
    """
    who = _who(named)
    card = await find_card(connection, site, who)
    found: dict[str, Any] = {"customer": None, "events": [], "emails": []}
    numbers = [] if card is None else [card.number]
    if card is not None:
        async for people in read_people(connection, site, numbers):
            found["customer"] = whole_lines(people)[0]
        async for events in read_activity(connection, site, numbers):
            found["events"] += map(event_line, events)
    logs = {each.log.number: each async for some in read_logs(connection, site, numbers) for each in some}
    if who.email_key is not None:
        to_address = await logs_of(connection, site, email_key=who.email_key, customer=None, count=_MOST_LOGS)
        more = [log for log in to_address if log.number not in logs]
        logs.update((each.log.number, each) for each in await with_events(connection, site, more))
    found["emails"] = [log_line(logs[number]) for number in sorted(logs)]
    return found if card is not None or logs else None


_MOST_LOGS = 100_000


def _who(named: str) -> Who:
    if "@" not in named:
        return Who(customer_id=composed(named.strip()))
    try:
        email, key = parse_address(named, longest=DEFAULT.email)
    except ValueError:
        email, key = named, address_key(named)
    return Who(email=email, email_key=key)
