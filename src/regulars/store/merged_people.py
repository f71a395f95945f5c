"""Loads merged customers: whom the identifiers of one that was merged into another one name, and who its parts are."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import msgspec

from regulars.domain.customer import Customer
from regulars.domain.working.people import People
from regulars.store import merge_statements as sql
from regulars.store.engine import Connection, Row

WHOLE: Final = Customer.__struct_fields__.index("merged_into")
"""The place of the customer that a customer is part of, in a row of customers."""

Read = Callable[[Sequence[int]], Awaitable[list[Row]]]
"""Reads rows of customers by number: the customer, and the JSON of its first ties."""


def sort_out(rows: Iterable[Row], people: People) -> list[Row]:
    """The rows of customers who stand for themselves. The others are noted as parts, if that is known of them."""
    ours: list[Row] = []
    for row in rows:
        whole = row[WHOLE]
        if whole is None or whole == row[0]:
            ours.append(row)
        elif row[0] not in people.merged.rows:
            people.merged.add(Customer(*row[:-1]))
    return ours


async def complete(connection: Connection, site: int, people: People, rows: list[Row], read: Read) -> list[Row]:
    """The rows of all customers who are named: for each that was merged, that of the customer it is part of.

    Of merged customers, all parts are noted in `people`.
    """
    ours = sort_out(rows, people)
    known = {row[0] for row in ours} | people.by_number.keys()
    missing = {part.merged_into for part in people.merged.rows.values() if part.merged_into is not None} - known
    if missing:
        ours += sort_out(await read(sorted(missing)), people)
    wholes = [row[0] for row in ours if row[WHOLE] is not None and row[0] not in people.by_number]
    if wholes:
        values = {"site": site, "keys": msgspec.json.encode(wholes).decode()}
        parts = [part for _, part in await connection.all(sql.PARTS, values) if part not in people.merged.rows]
        if parts:
            sort_out(await read(parts), people)
    return ours
