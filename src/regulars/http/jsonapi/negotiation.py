"""Content negotiation of JSON:API 1.1: the media types that callers may send and accept."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from regulars.http.call import JSON
from regulars.http.errors import Problem
from regulars.http.jsonapi.failures import MEDIA_TYPE

BODIES: Final = (MEDIA_TYPE, JSON)
"""The media types of a body that is read here."""

_WEIGHT: Final = re.compile(r"[01](\.[0-9]{0,3})?", re.ASCII)
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD"})


def negotiate(scope: Scope) -> None:
    """Raise Problem for media types that cannot be taken (415) or given (406)."""
    headers = Headers(scope=scope)
    content_type, accept = headers.get("content-type"), headers.get("accept")
    if content_type is not None and not is_readable(content_type, scope["method"] in _WITHOUT_BODY):
        raise Problem(
            "media_type",
            f"The body must be {' or '.join(BODIES)}. The only parameter that {MEDIA_TYPE} allows is profile.",
        )
    if accept is not None and not is_acceptable(accept):
        raise Problem(
            "not_acceptable", f"Accept has {MEDIA_TYPE} only with parameters. The only ones allowed are profile and q."
        )


@lru_cache(maxsize=256)
def is_readable(content_type: str, without_body: bool) -> bool:
    """Whether a request with this Content-Type can be read. Without a body, other types do no harm."""
    media_type, parameters = _parsed(content_type)
    if media_type == MEDIA_TYPE:
        return _is_plain(parameters)
    return without_body or media_type in BODIES


@lru_cache(maxsize=256)
def is_acceptable(accept: str) -> bool:
    """Whether an Accept header lets us answer: not if JSON:API is in it only with parameters that we do not give.

    Headers that do not name JSON:API at all are answered all the same: clients send whatever their library does.
    """
    asked = [
        _without_weight(parameters) for kind, parameters in map(_parsed, _split(accept, ",")) if kind == MEDIA_TYPE
    ]
    return not asked or any(_is_plain(parameters) for parameters in asked)


def weighted(accept: str) -> list[tuple[str, float]]:
    """The media types of an Accept header in their order, with their weights (0 to 1)."""
    found = []
    for kind, parameters in map(_parsed, _split(accept, ",")):
        weight = next((value for name, value in parameters if name == "q"), "1")
        found.append((kind, float(weight) if _WEIGHT.fullmatch(weight) else 0.0))
    return found


def _is_plain(parameters: list[tuple[str, str]]) -> bool:
    """Profiles may be ignored; of extensions (`ext`) we have none, so naming one is naming an unknown one."""
    return all(name == "profile" or (name == "ext" and not value.strip('" ')) for name, value in parameters)


def _without_weight(parameters: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The media type's own parameters: the weight `q`, and what follows it, belong to Accept."""
    names = [name for name, _ in parameters]
    return parameters[: names.index("q")] if "q" in names else parameters


def _parsed(text: str) -> tuple[str, list[tuple[str, str]]]:
    media_type, *rest = _split(text, ";")
    parameters = []
    for part in rest:
        name, _, value = part.partition("=")
        if name.strip():
            parameters.append((name.strip().lower(), value.strip()))
    return media_type.strip().lower(), parameters


def _split(text: str, separator: str) -> Iterator[str]:
    """The parts between separators that do not stand in quotes."""
    start, quoted = 0, False
    for place, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif char == separator and not quoted:
            yield text[start:place]
            start = place + 1
    yield text[start:]
