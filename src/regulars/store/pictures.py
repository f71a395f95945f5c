"""Pictures: reads the flags, groups and newsletters of customers, however many there are.

A customer is read together with its first ties. A picture of more than PICTURE_LIMIT is cut, and read again as a whole:
in slices where one customer is shown, on a thread where a batch is loaded.
"""

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from regulars.domain.customer import Customer, Person, Picture
from regulars.domain.relations import Tie
from regulars.domain.working.people import People
from regulars.store.engine import SLICE, Connection, Row
from regulars.store.merged_people import WHOLE, complete
from regulars.store.picture_statements import PICTURE_LIMIT, PICTURE_TIES, WHOLE_PICTURES
from regulars.store.statements import PEOPLE_BY_NUMBER

_Ties = dict[tuple[int, int], Tie]
_PictureTie = tuple[int, int, int, int, str | None]
_read_ties = msgspec.json.Decoder(list[_PictureTie]).decode


def picture_ties(text: str) -> _Ties:
    """Decode the ties that were read with a customer from JSON."""
    if text == "[]":
        return {}
    return _by_place(_read_ties(text))


def is_cut(person: Picture[Any]) -> bool:
    """Whether a customer has more ties in its picture than were read with it."""
    return len(person.ties) > PICTURE_LIMIT


async def whole_picture(connection: Connection, site: int, number: int) -> _Ties:
    """The ties of a customer whose picture is cut, read and decoded in slices."""
    await asyncio.sleep(0)
    rows = await connection.all(PICTURE_TIES, _values(site, [number]))
    found: _Ties = {}
    for start in range(0, len(rows), SLICE):
        await asyncio.sleep(0)
        found.update(_by_place(rows[start : start + SLICE]))
    return found


async def add_people(connection: Connection, site: int, people: People, rows: Iterable[Row]) -> None:
    """Add customers that a batch has read, each once; a row is a customer and the JSON of its first ties.

    The ties are decoded in slices. Cut pictures are read and decoded on a thread, each as one value: others wait for
    the site's lock, and a thread that fetches many rows competes with the event loop for each of them.
    """
    cut: list[Person] = []
    ties = 0
    found = list(rows)
    if any(row[WHOLE] is not None for row in found):
        found = await complete(connection, site, people, found, partial(_read, connection, site))
    for row in found:
        if row[0] in people.by_number:
            continue
        person = Person(Customer(*row[:-1]), picture_ties(row[-1]))
        people.add(person)
        if is_cut(person):
            cut.append(person)
        ties += len(person.ties)
        if ties > SLICE:
            await asyncio.sleep(0)
            ties = 0
    if cut:
        numbers = [person.customer.number for person in cut]
        texts = await connection.in_thread(WHOLE_PICTURES, _values(site, numbers))
        whole = await asyncio.to_thread(lambda: {number: picture_ties(text) for number, text in texts})
        for person in cut:
            person.ties = whole[person.customer.number]


async def _read(connection: Connection, site: int, numbers: Sequence[int]) -> list[Row]:
    return await connection.all(PEOPLE_BY_NUMBER, _values(site, numbers))


def _by_place(ties: Iterable[_PictureTie]) -> _Ties:
    return {(relation, item): Tie(bool(holds), at, key) for relation, item, holds, at, key in ties}


def _values(site: int, numbers: Sequence[int]) -> dict[str, Any]:
    return {"site": site, "keys": msgspec.json.encode(numbers).decode()}
