"""Decodes JSON from outside, and refuses what no later rule should have to handle."""

import re
from itertools import chain, islice
from typing import Any, Final

import msgspec

DEEPEST: Final = 64
"""Arrays and objects may be nested this deep."""

MOST_VALUES: Final = 100_000
"""The maximum number of values in a document: each takes time to decode and check, however small it is."""

_decoder = msgspec.json.Decoder()


def decode_json(raw: bytes) -> Any:
    """Decode a JSON document. Raises ValueError with a sentence for one that is malformed, nested too deep, or
    holds too many values, NUL, a lone surrogate or a number that no float holds."""
    if len(raw) > MOST_VALUES and _has_too_many_values(raw):
        raise ValueError(f"The body has more than {MOST_VALUES} values.")
    try:
        value = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        lone = _lone_surrogate(raw)
        if lone is not None:
            raise ValueError(f"The body contains the unpaired surrogate {lone}.") from None
        raise ValueError(f"The body is not valid JSON: {error}") from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    brackets = raw.count(b"[") + raw.count(b"{")
    if brackets > DEEPEST and _is_too_deep(value, brackets):
        raise ValueError(_TOO_DEEP)
    if b"\\u0000" in raw and _NUL.search(raw):
        raise ValueError("The body contains a NUL character (\\u0000), which is not allowed.")
    return value


_TOO_DEEP: Final = f"The body is nested more than {DEEPEST} levels deep."


def _is_too_deep(value: Any, brackets: int) -> bool:
    """Whether arrays and objects are nested deeper than DEEPEST, of which there are at most so many as brackets."""
    depth = 0
    level = [value]
    while level := [item for item in level if type(item) in _CONTAINERS]:
        depth += 1
        brackets -= len(level)
        if depth > DEEPEST:
            return True
        if depth + brackets <= DEEPEST:
            return False
        level = list(chain.from_iterable(item.values() if type(item) is dict else item for item in level))
    return False


_PAIR: Final = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE: Final = re.compile(
    rb"(?<!\\)(?<!\\u[dD][89abAB][0-9a-fA-F]{2})(?:\\\\)*+(?:" + _PAIR + rb")*+\\(u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""The escape of a surrogate (the group) behind none, or whole, escapes of backslashes and pairs."""


def _lone_surrogate(raw: bytes) -> str | None:
    """The first escape of a surrogate that has no partner. What the decoder says of it is about the input's end."""
    found = _LONE.search(raw) if b"\\ud" in raw.lower() else None
    return None if found is None else f"\\{found[1].decode()}"


_CONTAINERS: Final = frozenset({dict, list})

_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""The escape of NUL, and not a backslash of its own before `u0000`."""

_BEGINNING: Final = re.compile(rb'(?:[^",\[{]++|"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))*+(?:[,\[{]|\Z)', re.DOTALL)
"""What comes before a further value: a bracket or a comma that is not part of a text. Malformed input matches too."""


def _has_too_many_values(raw: bytes) -> bool:
    """Whether a document has more than MOST_VALUES values; it is read no further than to the last that is allowed."""
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") <= MOST_VALUES:
        return False
    return next(islice(_BEGINNING.finditer(raw), MOST_VALUES + 1, None), None) is not None
