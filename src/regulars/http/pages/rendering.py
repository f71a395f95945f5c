"""Rendering: the templates of pages, what a browser may do with a page, and text with marks as HTML."""

import re
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from regulars.http.pages import static_files
from regulars.http.pages.template_cache import TemplateCache

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Only files from this server: nothing inline, nothing from other hosts."""

GUARDS: Final = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
"""The headers of every page."""

_CODE: Final = re.compile(r"`([^`]+)`")


def inline(text: str) -> Markup:
    """One line of text with `code` in it."""
    parts = _CODE.split(text)
    return Markup().join(
        Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)
    )


def prose(text: str) -> Markup:
    """Text with `code`, paragraphs, and lists of lines that begin with a star."""
    return Markup().join(_block(block.strip().splitlines()) for block in text.split("\n\n") if block.strip())


def _block(lines: list[str]) -> Markup:
    if all(line.startswith("* ") for line in lines):
        items = Markup().join(Markup("<li>{}</li>").format(inline(line[2:])) for line in lines)
        return Markup("<ul>{}</ul>").format(items)
    return Markup("<p>{}</p>").format(inline(" ".join(lines)))


_environment: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    bytecode_cache=TemplateCache(),
)
_environment.filters.update(inline=inline, prose=prose)
_environment.globals.update(static=static_files.url_of)
_TEMPLATES: Final = {name: _environment.get_template(name) for name in _environment.list_templates()}
"""Read once, when the server starts."""


def render_page(template: str, **values: Any) -> str:
    """A page from a template. Values are escaped unless they are Markup."""
    return _TEMPLATES[template].render(**values)
