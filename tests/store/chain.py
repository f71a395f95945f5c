"""The change log of a site, checked link by link and replayed as an index would."""

from pathlib import Path

from regulars.domain.changes import COLUMNS, NULL, Record, decode
from regulars.domain.relations import BY_CODE

from ..databases import query
from .running import indexed

UPDATED_AT = COLUMNS.index("updated_at")


def records(path: Path, site: int = 1) -> list[list[Record]]:
    """The parts of every change, in order; asserts that numbers and tokens chain up to the head."""
    rows = query(
        path, "SELECT number, part, token, previous, last, body FROM changes WHERE site_id = ? ORDER BY 1, 2", site
    )
    ((head, token),) = query(path, "SELECT head, token FROM site_heads WHERE site_id = ?", site)
    changes: list[list[Record]] = []
    at = (0, 0)
    for number, part, own, previous, last, body in rows:
        if part == 0:
            assert (number, previous) == (at[0] + 1, at[1]), f"change {number} does not follow {at}"
            changes.append([])
            at = (number, own)
        assert (number, own) == at
        assert part == len(changes[-1])
        changes[-1].append(decode(body))
        complete = bool(last)
    assert at == (head, token), f"the head is {(head, token)}, the last change {at}"
    assert not rows or complete
    return changes


def assert_replay_gives_the_tables(path: Path, site: int = 1) -> None:
    """The changes, applied one after the other to nothing, give what the tables hold."""
    columns: dict[int, list[int]] = {}
    ties: set[tuple[int, int, int]] = set()
    for change in records(path, site):
        for record in change:
            for cleared in record.cleared:
                if record.cleared_at is not None and BY_CODE[cleared[0]].is_shown:
                    for place in ties:
                        if place[1:] == tuple(cleared):
                            columns[place[0]][UPDATED_AT] = record.cleared_at
                ties = {place for place in ties if place[1:] != tuple(cleared)}
            for entry in record.entries:
                if entry.gone:
                    del columns[entry.number]
                    ties = {place for place in ties if place[0] != entry.number}
                    continue
                assert entry.back <= (entry.number not in columns)
                row = columns.setdefault(entry.number, [NULL] * len(COLUMNS))
                for code, value in entry.columns:
                    was_cleared = code == UPDATED_AT and record.cleared_at is not None
                    assert row[code] != value or was_cleared or entry.back, (
                        "an entry names a column that did not change"
                    )
                    row[code] = value
                for relation, item, holds in entry.ties:
                    place = (entry.number, relation, item)
                    assert (place in ties) != holds, f"an entry tells of a tie that did not change: {place}"
                    (ties.add if holds else ties.discard)(place)
    stored_columns, stored_ties = indexed(path, site)
    for number, row in columns.items():
        if row[UPDATED_AT] == NULL:  # the records of older programs do not tell it
            row[UPDATED_AT] = stored_columns[number][UPDATED_AT]
    assert ({number: tuple(row) for number, row in columns.items()}, ties) == (stored_columns, stored_ties)
