"""What documents consist of: identifiers are the same JSON however many there are."""

import msgspec
import pytest

from regulars.http.jsonapi.documents import identifier, identifiers


@pytest.mark.parametrize("count", [0, 1, 100, 101, 2_000])
def test_identifiers_are_the_same_however_many_there_are(count: int) -> None:
    shown = msgspec.json.encode({"data": identifiers("contact_tags", list(range(count)))})
    assert shown == msgspec.json.encode({"data": [identifier("contact_tags", number) for number in range(count)]})
