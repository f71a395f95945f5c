"""Reads of saved audiences within a snapshot."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from regulars.domain.audiences import KIND, Definition, Referring, StoredAudience, decode_refers
from regulars.domain.commands import Needs
from regulars.domain.objects import RelatedObject
from regulars.domain.references import Reference
from regulars.domain.working import WorkingSet
from regulars.store import audience_statements as sql
from regulars.store.audience_watches import watches_of
from regulars.store.engine import Connection, Row
from regulars.store.query import Query, read_all
from regulars.store.reads import existing_rows, objects_by_number


def definition_of_row(row: Row) -> Definition:
    """The definition in a row."""
    audience, kind, question, refers, watched, version, changed_at, is_seed_list, source = row
    found = decode_refers(refers)
    return Definition(audience, kind, question, found, bool(watched), version, changed_at, bool(is_seed_list), source)


def graph_of_rows(rows: Iterable[Row]) -> dict[int, Referring]:
    """The graph of references in rows of (number, key, references)."""
    return {
        number: Referring(str(number) if key is None else key, decode_refers(refers)) for number, key, refers in rows
    }


async def read_graph(connection: Connection, site: int) -> dict[int, Referring]:
    """Which audiences refer to which."""
    return graph_of_rows(await connection.all(sql.GRAPH, {"site": site}))


async def definitions_of(connection: Connection, site: int, numbers: Sequence[int]) -> dict[int, Definition]:
    """The definitions of audiences, by number; one that is not stored is left out."""
    if not numbers:
        return {}
    keys = msgspec.json.encode(numbers).decode()
    rows = await connection.all(sql.DEFINITIONS, {"site": site, "keys": keys})
    return {row[0]: definition_of_row(row) for row in rows}


async def load_audiences(connection: Connection, site: int, needs: Needs, work: WorkingSet) -> None:
    """Load what a batch needs of audiences: definitions, watches, and which audiences refer to which."""
    present, audiences = work.objects.by_reference, work.audiences
    named = {present[KIND, each].number for each in needs.audiences if (KIND, each) in present}
    audiences.definitions.update(await definitions_of(connection, site, sorted(named)))
    audiences.watches.update(await watches_of(connection, site, sorted(audiences.definitions)))
    if needs.has_audience_graph:
        audiences.graph = await read_graph(connection, site)


async def with_references(
    connection: Connection, site: int, references: Iterable[Reference]
) -> Mapping[Reference, StoredAudience]:
    """The audiences that references name, and all that those refer to, each by its number and by its key.

    What does not exist is left out.
    """
    found: dict[Reference, StoredAudience] = {}
    items = await _named(connection, site, list(references))
    while items:
        definitions = await definitions_of(connection, site, [item.number for item in items])
        for item in items:
            if item.number in definitions:
                stored = StoredAudience(item.public_id, item.title, definitions[item.number])
                found[item.number] = stored
                if item.key is not None:
                    found[item.key] = stored
        wanted = {number for definition in definitions.values() for number in definition.refers} - found.keys()
        items = await objects_by_number(connection, site, KIND, sorted(wanted)) if wanted else []
    return found


async def _named(connection: Connection, site: int, references: Sequence[Reference]) -> list[RelatedObject]:
    queries: list[Query[list[RelatedObject]]] = existing_rows(site, [(KIND, each) for each in references])
    found = {item.number: item for items in await read_all(connection, queries) for item in items}
    return list(found.values())
