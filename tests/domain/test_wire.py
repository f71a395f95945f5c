"""JSON from outside: what no later rule wants to think about is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.wire import DEEPEST, MOST_VALUES, decode_json

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda parts: (
        st.lists(parts, max_size=4)
        | st.dictionaries(st.text(max_size=5).filter(lambda t: "\0" not in t), parts, max_size=4)
    ),
)


@given(values, st.booleans())
def test_json_without_oddities_is_decoded_as_it_is(value: object, ascii_only: bool) -> None:
    assert decode_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{", b'{"a":', b"[1,]", b"nope", b"NaN", b"Infinity", b"1e400", b'{"a":1} x', b'"\xff"', b"'a'"),
        *(b'"\xed\xa0\x80"', b'"a\x00b"', b'"\\ud83d\\ude00\\\\ud800'),
    ],
)
def test_what_is_no_json_is_refused_in_words(raw: bytes) -> None:
    with pytest.raises(ValueError, match="The body is not valid JSON: "):
        decode_json(raw)


@pytest.mark.parametrize(
    ("raw", "lone"),
    [
        (b'"\\ud800"', "ud800"),
        (b'"\\udfff"', "udfff"),
        (b'{"\\uDBff": 1}', "uDBff"),
        (b'"\\ud800\\u0041"', "ud800"),
        (b'"\\ud83d\\ude00 \\\\ud811 \\\\\\ude01"', "ude01"),
        (b'"\\ud83d\\ud83d\\ude00"', "ud83d"),
    ],
)
def test_half_a_surrogate_pair_is_refused_by_its_name(raw: bytes, lone: str) -> None:
    with pytest.raises(ValueError, match=rf"^The body contains the unpaired surrogate \\{lone}"):
        decode_json(raw)


@pytest.mark.parametrize("raw", [b'"\\u0000"', b'{"\\u0000": 1}', b'{"a": [1, {"b": "x\\u0000"}]}'])
def test_nul_is_refused_wherever_it_hides(raw: bytes) -> None:
    with pytest.raises(ValueError, match="NUL"):
        decode_json(raw)


def test_the_characters_of_a_nul_escape_are_no_nul() -> None:
    assert decode_json(b'"\\\\u0000"') == "\\u0000"


@pytest.mark.parametrize("core", [b"", b"1", b'"["'])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":[', b"]}")])
def test_nesting_has_a_limit(core: bytes, opening: bytes, closing: bytes) -> None:
    deep = DEEPEST // opening.count(b"[") // len(opening.replace(b'"a":', b""))
    decode_json(opening * deep + core + closing * deep)
    with pytest.raises(ValueError, match="nested more than 64 levels"):
        decode_json(opening * (deep + 1) + core + closing * (deep + 1))


@pytest.mark.parametrize(
    "raw", [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000]
)
def test_nesting_that_would_break_the_stack_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"nested|not valid JSON"):
        decode_json(raw)


@given(st.binary())
def test_any_bytes_are_decoded_or_refused(raw: bytes) -> None:
    try:
        decode_json(raw)
    except ValueError as error:
        assert str(error).startswith("The body ")


@pytest.mark.parametrize("value", [b"1", b"[]", b"{}", b'""', b'{"a":1}', b'"\\""'])
def test_the_number_of_values_has_a_limit(value: bytes) -> None:
    allowed = MOST_VALUES // (1 + value.count(b"{") + value.count(b"[")) - 1
    assert len(decode_json(b"[" + b",".join([value] * allowed) + b"]")) == allowed
    with pytest.raises(ValueError, match="more than 100000 values"):
        decode_json(b"[" + b",".join([value] * (allowed + 2)) + b"]")


@pytest.mark.parametrize("text", [b",[{", b'\\",', b"\\\\,", b"[\\n"])
def test_commas_and_brackets_in_texts_are_no_values(text: bytes) -> None:
    raw = b'["' + text * MOST_VALUES + b'"]'
    assert decode_json(raw) == json.loads(raw)


@pytest.mark.parametrize("tail", [b'"', b'"' + b'\\"' * 100_000, b'"\\', b"\\" * 100_001])
def test_malformed_bodies_are_checked_in_one_pass(tail: bytes) -> None:
    with pytest.raises(ValueError, match="The body "):
        decode_json(b"[" + b"1," * (MOST_VALUES - 9) + tail + b"," * 20)
