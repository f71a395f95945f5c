"""The JSON:API surface, for clients of Kajabi and our own questions, and the OAuth operations that belong to it."""

from typing import Final

from regulars.http.call import JSON
from regulars.http.jsonapi import body_schemas, failures, negotiation, oauth_failures, schemas
from regulars.http.jsonapi.failures import MEDIA_TYPE
from regulars.http.operation import ErrorSurface, Surface
from regulars.http.schema import ref

FORM: Final = "application/x-www-form-urlencoded"

JSONAPI_ERRORS: Final = ErrorSurface("jsonapi", failures.render, {MEDIA_TYPE: ref("Errors")})
OAUTH_ERRORS: Final = ErrorSurface("oauth", oauth_failures.render, {JSON: ref("OAuthError")})

JSONAPI: Final = Surface(
    tag="JSON:API",
    description="JSON:API for Kajabi clients, and for queries about customers.",
    errors=JSONAPI_ERRORS,
    media_type=MEDIA_TYPE,
    takes=negotiation.BODIES,
    security=("key", "bearer", "oauth"),
    check=negotiation.negotiate,
    statuses=(406, 415),
    change_statuses=(404, 409, 422),
    components=lambda limits: {**schemas.COMPONENTS, **body_schemas.inputs(limits)},
)

OAUTH: Final = Surface(
    tag=JSONAPI.tag,
    description=JSONAPI.description,
    errors=OAUTH_ERRORS,
    media_type=JSON,
    takes=(FORM, JSON),
    statuses=(401, 403),
    components=lambda limits: {"OAuthError": schemas.OAUTH_ERROR},
)
