"""Errors: every way a request can fail, by stable code, with its status.

The contract: a handler raises `Problem` (or lets a refusal of the domain or a failure of the store
pass); the gate turns it into the caller's error format. Nothing else writes an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final, NamedTuple

from regulars.audience.questions.faults import CODES as QUESTION_FAULTS
from regulars.domain.faults import REFUSALS, Fault, RefusedError
from regulars.store.engine import UnavailableError


class ErrorKind(NamedTuple):
    """A kind of error: its HTTP status and meaning, for the docs."""

    status: int
    meaning: str


ERRORS: Final[dict[str, ErrorKind]] = {
    "malformed": ErrorKind(400, "The request or its body is malformed."),
    "invalid": ErrorKind(400, REFUSALS["invalid"]),
    "user_identifier_missing": ErrorKind(400, REFUSALS["user_identifier_missing"]),
    "invalid_parameter": ErrorKind(400, "A query parameter is unknown, or its value is not allowed."),
    **{code: ErrorKind(400, meaning) for code, meaning in QUESTION_FAULTS.items()},
    "not_authenticated": ErrorKind(401, "The request has no credentials."),
    "key_unknown": ErrorKind(401, "The key or token is unknown, revoked or expired."),
    "invalid_request": ErrorKind(400, "OAuth: a parameter is missing, repeated or malformed (RFC 6749)."),
    "invalid_grant": ErrorKind(
        400, "OAuth: the refresh token is unknown, used, revoked or expired, or belongs to another client."
    ),
    "unsupported_grant_type": ErrorKind(400, "OAuth: the grant type is not supported."),
    "invalid_client": ErrorKind(401, "OAuth: the client credentials are wrong."),
    "scope_missing": ErrorKind(403, "The key lacks the scope that the call requires."),
    "cross_site": ErrorKind(403, "A form of the admin page was sent by a page of another site."),
    "insecure_connection": ErrorKind(403, "Signing in to the admin page needs HTTPS, or HTTP from the same machine."),
    "not_found": ErrorKind(404, "The path does not exist; docs/compatibility.md lists all calls."),
    "customer_not_found": ErrorKind(404, REFUSALS["customer_not_found"]),
    "object_not_found": ErrorKind(404, REFUSALS["object_not_found"]),
    "method_not_allowed": ErrorKind(405, "The path does not support this method."),
    "not_acceptable": ErrorKind(406, "The response is not available in any media type that the client accepts."),
    "timeout": ErrorKind(408, "The request did not arrive in time; the connection is closed."),
    "identity_conflict": ErrorKind(409, REFUSALS["identity_conflict"]),
    "unprocessable": ErrorKind(422, "An attribute of the resource in the body is invalid."),
    "address_taken": ErrorKind(422, REFUSALS["address_taken"]),
    "erased": ErrorKind(409, REFUSALS["erased"]),
    "unknown_audience": ErrorKind(422, REFUSALS["unknown_audience"]),
    "too_expensive": ErrorKind(422, QUESTION_FAULTS["too_expensive"]),
    "audience_circle": ErrorKind(422, REFUSALS["audience_circle"]),
    "audience_in_use": ErrorKind(409, REFUSALS["audience_in_use"]),
    "changed_meanwhile": ErrorKind(412, REFUSALS["changed_meanwhile"]),
    "not_a_list": ErrorKind(422, REFUSALS["not_a_list"]),
    "too_many_ties": ErrorKind(422, REFUSALS["too_many_ties"]),
    "merge_not_found": ErrorKind(404, REFUSALS["merge_not_found"]),
    "merge_blocked": ErrorKind(409, REFUSALS["merge_blocked"]),
    "merge_not_kept": ErrorKind(409, REFUSALS["merge_not_kept"]),
    "duplicate_name": ErrorKind(400, REFUSALS["duplicate_name"]),
    "too_large": ErrorKind(413, "The body is larger than the limit."),
    "too_many": ErrorKind(413, "The call has more items than the limit."),
    "media_type": ErrorKind(415, "The media type of the body, or one of its parameters, is not supported."),
    "head_too_large": ErrorKind(431, "The request line and headers are larger than 64 KiB."),
    "rate_limited": ErrorKind(429, "The key has reached its rate limit; Retry-After says when to try again."),
    "busy": ErrorKind(503, "Too many writes, long queries or bodies are in progress; try again in a second."),
    "loading": ErrorKind(503, "The site's index is being loaded; try again in a second."),
    "unavailable": ErrorKind(503, REFUSALS["unavailable"]),
    "outcome_unknown": ErrorKind(
        503,
        "The database was lost during a write; unless the sentence says otherwise, its outcome is unknown.",
    ),
    "internal": ErrorKind(500, REFUSALS["internal"]),
    "http_version": ErrorKind(505, "The HTTP version is not 1.0 or 1.1."),
}
"""Every error code. Codes are part of the interface: never renamed."""

RETRY_SECONDS: Final = 1
"""The value of Retry-After for errors that are worth a retry."""


class Problem(Exception):
    """A failed request: a code of ERRORS, a sentence, and the individual faults if there are several."""

    def __init__(
        self, code: str, detail: str, *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status."""
        return ERRORS[self.code].status

    @property
    def reason(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase


def problem_of(refusal: RefusedError) -> Problem:
    """The error for a refusal of the domain."""
    return Problem(refusal.code, refusal.sentence, faults=refusal.faults)


@contextmanager
def after_commit() -> Iterator[None]:
    """`with after_commit():` around reading what a write did: if that fails, the error says that the write was made.

    Raises Problem.
    """
    try:
        yield
    except UnavailableError as error:
        raise Problem(
            "outcome_unknown",
            "The change was made, but the database became unavailable before the result could be read.",
        ) from error
