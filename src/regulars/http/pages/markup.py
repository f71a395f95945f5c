"""HTML without a template language: elements as calls, whose text is escaped unless it is HTML already."""

import re
from collections.abc import Iterable
from html import escape
from typing import Final

_VOID: Final = frozenset({"meta", "link", "br", "hr"})
_CODE: Final = re.compile(r"`([^`]+)`")


class Html(str):
    """Text that is HTML."""

    __slots__ = ()


Child = str | Iterable[str]


def element(name: str, /, *children: Child, **attributes: str) -> Html:
    """An element. Attributes that are words of Python end in an underscore; empty ones are left out."""
    given = "".join(
        f' {key.strip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items() if value
    )
    if name in _VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{joined(children)}</{name}>")


def joined(children: Iterable[Child]) -> Html:
    """Children one after the other."""
    return Html("".join(_one(child) for child in children))


def _one(child: Child) -> str:
    if isinstance(child, Html):
        return child
    return escape(child, quote=False) if isinstance(child, str) else joined(child)


def prose(text: str) -> Html:
    """Plain text with `code`, paragraphs and lists of lines that begin with a star."""
    return joined(_block(block) for block in text.split("\n\n") if block.strip())


def inline(text: str) -> Html:
    """One line of text with `code` in it."""
    parts = _CODE.split(text)
    return joined(element("code", part) if place % 2 else part for place, part in enumerate(parts))


def _block(text: str) -> Html:
    lines = text.strip().splitlines()
    if all(line.startswith("* ") for line in lines):
        return element("ul", [element("li", inline(line[2:])) for line in lines])
    return element("p", inline(" ".join(lines)))
