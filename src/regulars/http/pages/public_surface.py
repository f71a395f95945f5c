"""The surface of the pages that customers see: HTML, its errors too."""

from typing import Final

from regulars.http.operation import ErrorSurface, Surface
from regulars.http.pages import public_failures
from regulars.http.schema import TEXT

HTML: Final = "text/html"
PUBLIC_ERRORS: Final = ErrorSurface("public", public_failures.render, {HTML: TEXT})
PUBLIC: Final = Surface(
    tag="Pages for customers",
    description=(
        "What customers see when they follow a signed link. A `GET` shows a page and changes nothing, as mail scanners "
        "follow links. No call needs credentials: the link is one."
    ),
    errors=PUBLIC_ERRORS,
    media_type=HTML,
    takes=("application/x-www-form-urlencoded", "multipart/form-data"),
    statuses=(404, 429),
)
"""`REGULARS_PUBLIC_PAGES=off` serves none of its operations."""
