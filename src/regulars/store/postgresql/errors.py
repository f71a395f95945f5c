"""What PostgreSQL says went wrong, as what the store does about it."""

from typing import Final

from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField
from psycopg.pq.abc import PGresult

from regulars.store.engine import RejectedError, TransientError, UnavailableError


class LostError(TransientError):
    """The connection is gone, and what was under way on it is undone, unless a COMMIT had been sent."""


class NodeLostError(TransientError):
    """The server lost another one that it needs, a node of Citus; the connection to itself stands."""


class ExpiredError(UnavailableError):
    """A statement or the wait for a lock took too long and was given up."""


_LOST: Final = frozenset({"57P01", "57P02", "57P03", "57P05", "0A000", "26000", "42P05", "08P01"})
"""The session ends, is on a server that takes no writes, or disagrees with us on what was said: it is of no use.

So are those of class 25, which say that the transaction is in another state than we know of.
"""

_NODE: Final = "08"
_STATE: Final = "25"

_AGAIN: Final = frozenset({"40001", "40P01"})
"""A serialisation failure, a deadlock."""

_EXPIRED: Final = frozenset({"57014", "55P03"})
"""Cancelled by statement_timeout or by an administrator; lock_timeout."""

_UNAVAILABLE_CLASSES: Final = frozenset({"28", "3D", "53", "55", "57", "58"})
"""No access or no such database any more; out of memory, disk or connections; not in a state to do it; an operator's
intervention; an error of the system."""

_FOREIGN: Final = frozenset({"42501", "42P01", "42P07", "42703", "3F000"})
"""No privilege; a table, column or schema that is not there, or is one of somebody else's."""


def failure_of(result: PGresult) -> UnavailableError:
    """The exception for a result that is an error."""
    code = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
    message = (result.error_field(DiagnosticField.MESSAGE_PRIMARY) or b"no reason given").decode(errors="replace")
    if code in _LOST or code.startswith(_STATE):
        return LostError(f"the connection to the database is of no use: {message}")
    if code.startswith(_NODE):
        return NodeLostError(f"the database lost one of its nodes: {message}")
    if code in _AGAIN:
        return TransientError(f"the database undid the transaction: {message}")
    if code in _EXPIRED:
        return ExpiredError(f"the database gave up: {message}")
    if code in _FOREIGN:
        return UnavailableError(f"the database is not one that `regulars init` made, for this user: {message}")
    if code[:2] in _UNAVAILABLE_CLASSES:
        return UnavailableError(f"the database cannot be used: {message}")
    failure = RejectedError(f"the database refused a statement ({code}): {message}")
    failure.__cause__ = error_from_result(result)
    return failure
