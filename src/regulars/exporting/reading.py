"""Reads the customers of an export from a snapshot, with everything that is kept about them."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any, Final

from regulars.domain.consent import Consent
from regulars.domain.relations import BY_CODE, FLAG, KIND_CODES
from regulars.domain.working.addresses import FormerAddress
from regulars.domain.working.consent_requests import MARKETING
from regulars.domain.working.history import NewsletterConsent
from regulars.exporting.people import ExportedCustomer, ExportedRequest, ExportedSubscription, ExportedTie, Label
from regulars.store.engine import Connection
from regulars.store.export_reads import ALL_PARTS, CustomerPart, Identity, PeopleRows, object_names, people_rows
from regulars.store.threads import off_loop

_KINDS: Final = {code: KIND_CODES[each.kind] for code, each in BY_CODE.items() if each.kind is not None}
"""The code of the kind of object, by code of the relation."""

NEWSLETTER: Final = KIND_CODES["newsletter"]

_NAMES: Final = {code: each.name for code, each in BY_CODE.items()}

_MOST_LABELS: Final = 100_000
"""Labels of objects that are remembered."""


class Labels:
    """The labels of the objects of a site, read when they are first needed."""

    def __init__(self, connection: Connection, site: int) -> None:
        self._connection = connection
        self._site = site
        self._known: dict[tuple[int, int], Label] = {}

    async def read(self, places: set[tuple[int, int]]) -> dict[tuple[int, int], Label]:
        """The labels of objects, by code of the kind and number."""
        if len(self._known) > _MOST_LABELS:
            self._known.clear()
        missing = places - self._known.keys()
        if missing:
            found = await object_names(self._connection, self._site, missing)
            for place in missing:
                key, name, deleted = found.get(place, (None, None, True))
                self._known[place] = Label(place[1] if key is None else key, name, deleted)
        return self._known


async def read_people(
    connection: Connection,
    site: int,
    numbers: Sequence[int] | None = None,
    parts: frozenset[CustomerPart] = ALL_PARTS,
) -> AsyncIterator[list[ExportedCustomer]]:
    """Customers in slices, by ascending number. numbers: of these only. parts: what to read; others stay empty."""
    labels = Labels(connection, site)
    async for rows in people_rows(connection, site, numbers, parts):
        has_objects = rows.ties or rows.subscriptions or rows.requests
        known = await labels.read(await off_loop(_places, rows)) if has_objects else {}
        yield await off_loop(_made, site, rows, known)


def _places(rows: PeopleRows) -> set[tuple[int, int]]:
    """The objects of ties, by code of the kind and number."""
    tied = {(_KINDS[code], item) for _, code, item, _, _ in rows.ties if item != FLAG and code in _KINDS}
    newsletters = {row[2] for row in (*rows.subscriptions, *rows.requests)}
    return tied | {(NEWSLETTER, number) for number in newsletters if number != MARKETING}


def _made(site: int, rows: PeopleRows, labels: dict[tuple[int, int], Label]) -> list[ExportedCustomer]:
    ties: defaultdict[int, list[ExportedTie]] = defaultdict(list)
    for customer, code, item, holds, at in rows.ties:
        if code in _NAMES:
            label = labels[_KINDS[code], item] if code in _KINDS else None
            ties[customer].append(ExportedTie(_NAMES[code], bool(holds), at, label))
    consents: defaultdict[int, list[Consent]] = defaultdict(list)
    for customer, _, at, granted, *rest in sorted(rows.consents):
        consents[customer].append(Consent(customer, at, bool(granted), *rest))
    subscriptions: defaultdict[int, list[ExportedSubscription]] = defaultdict(list)
    for customer, _, newsletter, at, granted, *rest in sorted(rows.subscriptions):
        consent = NewsletterConsent(customer, newsletter, at, bool(granted), *rest)
        subscriptions[customer].append(ExportedSubscription(consent, labels[NEWSLETTER, newsletter]))
    requests: defaultdict[int, list[ExportedRequest]] = defaultdict(list)
    for customer, number, newsletter, *rest in sorted(rows.requests, key=itemgetter(0, 3, 1)):
        named = None if newsletter == MARKETING else labels[NEWSLETTER, newsletter]
        requests[customer].append(ExportedRequest(number, named, *rest))
    former: defaultdict[int, list[FormerAddress]] = defaultdict(list)
    for email_key, customer, hard_bouncing, *rest in rows.former:
        former[customer].append(FormerAddress(email_key, customer, bool(hard_bouncing), *rest))
    aliases: defaultdict[int, list[Identity]] = defaultdict(list)
    for whole, identity in rows.aliases:
        aliases[whole].append(identity)
    numbers = [row[0] for row in rows.customers]
    about = (_of_each(found, numbers) for found in (ties, consents, former, aliases, subscriptions, requests))
    return list(map(ExportedCustomer, repeat(site), rows.customers, *about))


def _of_each(found: Mapping[int, Sequence[Any]], numbers: Sequence[int]) -> Iterator[Sequence[Any]]:
    """What was found about each customer; mostly nothing."""
    return map(found.get, numbers, repeat(())) if found else repeat(())
