"""What an upsert costs the index."""

import time

from regulars.audience.snapshot_directory import SnapshotDirectory
from regulars.domain.changes import COLUMNS, TEXTS, Entry, Record


def maintenance(directory: SnapshotDirectory, site: int) -> float:
    """Microseconds that the index of the snapshot takes for an upsert of four texts and three times."""
    index = directory.read(site)
    assert index is not None
    count, codes = 20_000, [TEXTS.index(name) for name in ("name", "email", "phone_number", "address_city")]
    columns = [(COLUMNS.index(name), 1_800_000_000_000) for name in ("created_at", "joined_at", "last_request_at")]
    head = index.head
    index.apply([Record(1, [Entry(index.numbering.last + 1, columns=columns)])], {}, head)  # its arrays grow now
    start = time.process_time_ns()
    for place in range(count):
        number = index.numbering.last + 1 if place % 2 else place * 97 % index.size + 1
        texts = {
            number: (
                f"Anna Smith {place}",
                f"anna{place}@example.com",
                "+49301234567",
                *[None] * 3,
                "Berlin",
                *[None] * 3,
            )
        }
        index.apply([Record(1, [Entry(number, columns=columns, texts=codes)])], texts, head)
    return (time.process_time_ns() - start) / 1000 / count
