"""Attribute columns: loaded from packed documents, or set one by one, they hold the same."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.audience.structures.attribute_values import Path, texts_at, value_at
from regulars.audience.structures.attributes import AttributeColumn

_NAMES = st.sampled_from(["plan", "value", "", "größe", 'a "b"', "plan.id"])
_PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(max_size=3)
_VALUES = st.recursive(
    _PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3), max_leaves=6
)
_DOCUMENTS = st.lists(st.dictionaries(_NAMES, _VALUES, max_size=4), max_size=6)
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map(tuple)


@given(_DOCUMENTS, _PATHS)
def test_the_value_at_a_path_is_read_without_the_rest_of_the_document(
    documents: list[dict[str, Any]], path: Path
) -> None:
    texts = texts_at(msgspec.json.encode(documents).decode(), path)
    assert [msgspec.json.decode(text) for text in texts] == [value_at(document, path) for document in documents]


@given(_DOCUMENTS, _PATHS, st.data())
def test_a_loaded_column_equals_one_that_was_set(
    documents: list[dict[str, Any]], path: Path, data: st.DataObject
) -> None:
    ordinals = data.draw(st.lists(st.integers(-1, 9), min_size=len(documents), max_size=len(documents), unique=True))
    loaded, alone = AttributeColumn(path), AttributeColumn(path)
    loaded.load(np.array(ordinals, dtype=np.int64), texts_at(msgspec.json.encode(documents).decode(), path))
    for ordinal, document in zip(ordinals, documents, strict=True):
        if ordinal >= 0:
            alone.set(ordinal, msgspec.json.encode(document).decode())
    assert list(loaded.items()) == list(alone.items())


def test_documents_that_are_not_objects_are_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        texts_at('[{"plan": 1}, {]', ("plan",))
