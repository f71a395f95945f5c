"""Texts in one byte string."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.audience.structures import arena
from regulars.audience.structures.arena import gathered


@given(st.binary(min_size=1, max_size=40), st.data())
def test_chosen_texts_are_put_one_after_the_other(content: bytes, data: st.DataObject) -> None:
    places = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 8))
    texts = data.draw(st.lists(places.map(lambda at: (at[0], min(at[1], len(content) - at[0]))), max_size=20))
    if data.draw(st.booleans()):  # one text after the other, as in a segment without gaps
        texts = [(start, 1) for start in range(len(content))]
    begins, lengths = (np.array([each[part] for each in texts], dtype=np.int64) for part in (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arena, "_BLOCK", data.draw(st.integers(1, 8)))
        found = gathered(np.frombuffer(content, dtype=np.uint8), begins, lengths)
    assert found.tobytes() == b"".join(content[begin : begin + length] for begin, length in texts)
