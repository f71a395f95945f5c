"""The values of one attribute of all customers, as a database looks them up, are those in their attributes."""

import random
from typing import Any, Final

import msgspec
import pytest

from regulars.audience.structures.attribute_values import value_at
from regulars.store import following

from .running import Running, upsert, with_store

_NAMES: Final = ("plan", "größe", "last-seen", "two words", "_x", "ünique 2", "a1", "0")
_PATHS: Final = (
    ("plan",),
    ("größe",),
    ("plan", "größe"),
    ("two words",),
    ("_x", "last-seen", "plan"),
    ("a1",),
    ("no",),
)


def _value(chance: random.Random, depth: int) -> Any:
    match chance.randrange(10 if depth else 7):
        case 0:
            return chance.choice([None, True, False])
        case 1 | 2:
            return chance.choice([0, -7, 2**53, 1.0, 1e300, 0.1, -0.25])
        case 3 | 4 | 5 | 6:
            return chance.choice(["", "pro", 'a "b"', "line\nbreak\ttab\\", "größe 🎉", "007", "</script>"])
        case 7:
            return [_value(chance, depth - 1) for _ in range(chance.randrange(3))]
        case _:
            return {chance.choice(_NAMES): _value(chance, depth - 1) for _ in range(chance.randrange(4))}


@with_store()
async def test_values_are_those_of_the_documents(at: Running) -> None:
    chance = random.Random(13)
    documents = [{name: _value(chance, 3) for name in _NAMES if chance.random() < 0.6} for _ in range(120)]
    await at.store.ledger.submit_all(
        1, [upsert(email=f"user{number}@example.com", data=document) for number, document in enumerate(documents)]
    )
    found: dict[tuple[str, ...], dict[int, Any]] = {path: {} for path in _PATHS}
    kept: dict[int, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "_VALUES", 50)
        async with at.store.changes.snapshot() as snapshot:
            kept.update(await snapshot.attributes(1, [*range(1, len(documents) + 1)]))
            for path, values in found.items():
                async for rows in snapshot.all_values(1, ".".join(path)):
                    texts = rows.values.split("\n")
                    values.update(zip(msgspec.json.decode(rows.numbers), map(msgspec.json.decode, texts), strict=True))
    assert len(kept) == len(documents)
    stored = {number: msgspec.json.decode(text) if text else {} for number, text in kept.items()}
    assert sum(map(bool, stored.values())) > 100
    for path, values in found.items():
        assert values == {number: value_at(document, path) for number, document in stored.items()}
