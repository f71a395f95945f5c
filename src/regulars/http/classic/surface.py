"""The classic surface: plain JSON objects, for clients of Sendwithus and Blueshift."""

from typing import Final

from regulars.http.call import JSON
from regulars.http.classic import failures, schemas
from regulars.http.operation import ErrorSurface, Surface
from regulars.http.schema import TEXT, ref

CLASSIC_ERRORS: Final = ErrorSurface("classic", failures.render, {JSON: ref("Error"), "text/plain": TEXT})
"""Plain text is for clients of Sendwithus."""

CLASSIC: Final = Surface(
    tag="Classic",
    description="Plain JSON for Sendwithus and Blueshift clients. Also available under `/api/v1_0`.",
    errors=CLASSIC_ERRORS,
    media_type=JSON,
    takes=(JSON,),
    security=("key", "bearer", "oauth", "header"),
    change_statuses=(422,),
    components=schemas.components,
)

SERVER: Final = Surface(
    tag="Server",
    description="Health, metrics and documentation of the server.",
    errors=CLASSIC_ERRORS,
    media_type=JSON,
)
"""Operations that no vendor has, for programs."""

SERVER_TEXT: Final = Surface(
    tag=SERVER.tag, description=SERVER.description, errors=CLASSIC_ERRORS, media_type="text/plain"
)
"""The same, answered with plain text."""
