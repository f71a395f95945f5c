"""Maps PostgreSQL errors to the store's exceptions."""

from typing import Final

from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField
from psycopg.pq.abc import PGresult

from regulars.store.engine import RejectedError, TransientError, UnavailableError


class LostError(TransientError):
    """The connection was lost and its transaction rolled back, unless a COMMIT had been sent."""


class NodeLostError(TransientError):
    """The server lost its connection to a Citus node; our connection to the server is intact."""


class ExpiredError(UnavailableError):
    """A statement or the wait for a lock timed out."""


_LOST: Final = frozenset({"57P01", "57P02", "57P03", "57P05", "0A000", "26000", "42P05", "08P01"})
"""The session was ended, is on a server that accepts no writes, or is out of sync with us: it cannot be used further.

The same holds for errors of class 25, which mean that the transaction is not in the state that we assume.
"""

_NODE: Final = "08"
_STATE: Final = "25"

_AGAIN: Final = frozenset({"40001", "40P01"})
"""A serialisation failure, a deadlock."""

_EXPIRED: Final = frozenset({"57014", "55P03"})
"""Cancelled by statement_timeout or an administrator; cancelled by lock_timeout."""

_UNAVAILABLE_CLASSES: Final = frozenset({"28", "3D", "53", "55", "57", "58"})
"""Access denied; no such database; out of memory, disk or connections; object not in the required state; operator
intervention; system error."""

_FOREIGN: Final = frozenset({"42501", "42P01", "42P07", "42703", "3F000"})
"""No privilege; a table, column or schema is missing, or belongs to something else."""


def failure_of(result: PGresult) -> UnavailableError:
    """The exception for an error result."""
    code = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
    message = (result.error_field(DiagnosticField.MESSAGE_PRIMARY) or b"no reason given").decode(errors="replace")
    if code in _LOST or code.startswith(_STATE):
        return LostError(f"the connection to the database is broken: {message}")
    if code.startswith(_NODE):
        return NodeLostError(f"the database lost one of its nodes: {message}")
    if code in _AGAIN:
        return TransientError(f"the database rolled back the transaction: {message}")
    if code in _EXPIRED:
        return ExpiredError(f"a statement timed out or was cancelled: {message}")
    if code in _FOREIGN:
        return UnavailableError(f"the database was not set up by `regulars init` or denies this user access: {message}")
    if code[:2] in _UNAVAILABLE_CLASSES:
        return UnavailableError(f"the database cannot be used: {message}")
    failure = RejectedError(f"the database refused a statement ({code}): {message}")
    failure.__cause__ = error_from_result(result)
    return failure
