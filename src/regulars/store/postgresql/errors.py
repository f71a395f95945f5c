"""What PostgreSQL says went wrong, as what the store does about it."""

from typing import Final

from psycopg import Error
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField
from psycopg.pq.abc import PGresult

from regulars.store.engine import TransientError, UnavailableError


class LostError(TransientError):
    """The connection is gone, and what was under way on it is undone, unless a COMMIT had been sent."""


class ExpiredError(UnavailableError):
    """A statement or the wait for a lock took too long and was given up."""


_LOST: Final = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "25006", "0A000"})
"""The session ends, or is on a server that takes no writes, now or since ever: the connection is of no use."""

_AGAIN: Final = frozenset({"40001", "40P01"})
"""A serialisation failure, a deadlock."""

_EXPIRED: Final = frozenset({"57014", "55P03"})
"""Cancelled by statement_timeout or by an administrator; lock_timeout."""

_UNAVAILABLE_CLASSES: Final = frozenset({"53", "58"})
"""Out of memory, disk or connections; an error of the system."""

_FOREIGN: Final = frozenset({"42501", "42P01", "42P07", "42703", "3F000"})
"""No privilege; a table, column or schema that is not there, or is one of somebody else's."""


def failure_of(result: PGresult) -> Exception:
    """The exception for a result that is an error: UnavailableError and its kinds, or what psycopg makes of it."""
    code = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
    message = (result.error_field(DiagnosticField.MESSAGE_PRIMARY) or b"no reason given").decode(errors="replace")
    if code in _LOST or code.startswith("08"):
        return LostError(f"the database closed the connection: {message}")
    if code in _AGAIN:
        return TransientError(f"the database undid the transaction: {message}")
    if code in _EXPIRED:
        return ExpiredError(f"the database gave up: {message}")
    if code in _FOREIGN:
        return UnavailableError(f"the database is not one that `regulars init` made, for this user: {message}")
    if code[:2] in _UNAVAILABLE_CLASSES:
        return UnavailableError(f"the database cannot be used: {message}")
    error: Error = error_from_result(result)
    return error
