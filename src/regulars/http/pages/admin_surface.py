"""The surface of the admin page: HTML for signed-in users, its errors within the same frame."""

from typing import Final

from regulars.http.call import JSON
from regulars.http.classic.surface import SERVER
from regulars.http.operation import ErrorSurface, Surface
from regulars.http.pages import admin_failures
from regulars.http.pages.same_origin import require_same_origin
from regulars.http.pages.signed_in import authenticate
from regulars.http.schema import ANY, TEXT

HTML: Final = "text/html"
FORM: Final = "application/x-www-form-urlencoded"

ADMIN_ERRORS: Final = ErrorSurface("admin", admin_failures.render, {HTML: TEXT, JSON: ANY})

ADMIN: Final = Surface(
    tag=SERVER.tag,
    description=SERVER.description,
    errors=ADMIN_ERRORS,
    media_type=HTML,
    takes=(FORM,),
    authenticate=authenticate,
    check=require_same_origin,
)
"""`REGULARS_ADMIN=off` serves none of its operations."""
