"""JSON from outside: decoded once, with the refusals that no later rule wants to think about."""

import re
from itertools import chain
from typing import Any, Final

import msgspec

DEEPEST: Final = 64
"""Arrays and objects may be nested this deep."""

_decoder = msgspec.json.Decoder()


def decode_json(raw: bytes) -> Any:
    """Decode a JSON document. Raises ValueError with a sentence for one that is malformed, nested too deep, or
    holds NUL, a lone surrogate or a number that no float holds."""
    try:
        value = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        lone = _lone_surrogate(raw)
        if lone is not None:
            raise ValueError(
                f"The body holds {lone}, one half of a surrogate pair, which alone is no character."
            ) from None
        raise ValueError(f"The body is not valid JSON: {error}") from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    brackets = raw.count(b"[") + raw.count(b"{")
    if brackets > DEEPEST and _is_too_deep(value, brackets):
        raise ValueError(_TOO_DEEP)
    if b"\\u0000" in raw and _has_nul(value):
        raise ValueError("The body holds a NUL character (\\u0000), which no text may contain.")
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


_ESCAPES: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""An escape in JSON: a surrogate pair, a surrogate alone (the group), or any other."""


def _lone_surrogate(raw: bytes) -> str | None:
    """The first escape of a surrogate that has no partner. What the decoder says of it is about the input's end."""
    found = next((each[1] for each in _ESCAPES.finditer(raw) if each[1]), None)
    return None if found is None else f"\\{found.decode()}"


_CONTAINERS: Final = frozenset({dict, list})


def _has_nul(value: Any) -> bool:
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, str):
            if "\0" in item:
                return True
        elif isinstance(item, dict):
            rest.extend(item.keys())
            rest.extend(item.values())
        elif isinstance(item, list):
            rest.extend(item)
    return False
