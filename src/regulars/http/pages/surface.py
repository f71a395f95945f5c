"""The surface of pages: HTML for a browser, its errors too."""

from typing import Final

from regulars.http.classic.surface import SERVER
from regulars.http.operation import ErrorSurface, Surface
from regulars.http.pages import failures
from regulars.http.schema import TEXT

HTML: Final = "text/html"

PAGE_ERRORS: Final = ErrorSurface("page", failures.render, {HTML: TEXT})

PAGE: Final = Surface(tag=SERVER.tag, description=SERVER.description, errors=PAGE_ERRORS, media_type=HTML)
