"""One connection, driven as a pipeline: statements are sent without waiting, and results come back in order.

psycopg connects and libpq speaks the protocol; this module drives libpq's pipeline mode directly on the event loop. A
transaction then costs only as many round trips as it has results to wait for. Each statement is parsed once per
connection, whatever its values, and a permanently registered reader notices at once if the server goes away.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import repeat
from typing import Any, Final

from psycopg import AsyncConnection, OperationalError
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

from regulars.store.engine import Row, UnavailableError
from regulars.store.postgresql.errors import LostError, failure_of
from regulars.store.postgresql.row_values import row_values
from regulars.store.statement import Sql

_ROWS_AT_A_TIME: Final = 500
"""Rows decoded before yielding to the event loop: about 2 ms of work."""
_VALUES_AT_A_TIME: Final = 4_000
"""Arguments sent before yielding to the event loop: about 2 ms of work."""

_FORGET_PLANS: Final = Sql("DISCARD PLANS", (), {})
_ENCODERS: Final[Mapping[type, Callable[[Any], bytes | None]]] = {
    type(None): lambda value: None,
    int: lambda value: b"%d" % value,
    str: str.encode,
    bytes: lambda value: b"\\x" + value.hex().encode(),
    bool: lambda value: b"%d" % value,
}


class _Segment:
    """The statements between two sync messages: results to keep, the first failure, and the future to complete."""

    __slots__ = ("done", "failure", "results")

    def __init__(self) -> None:
        self.results: list[PGresult] = []
        self.failure: UnavailableError | None = None
        self.done: asyncio.Future[None] | None = None


class _Step:
    """A message whose result is pending. prepares: the SQL text that it prepares. keep: whether its rows are needed."""

    __slots__ = ("keep", "prepares", "segment")

    def __init__(self, segment: _Segment, keep: bool, prepares: str | None) -> None:
        self.segment = segment
        self.keep = keep
        self.prepares = prepares


class Session:
    """A connection to the server. patience: seconds to wait for a reply before the server counts as lost."""

    def __init__(self, connection: AsyncConnection[Any], *, patience: float) -> None:
        self._connection = connection
        self._wire = connection.pgconn
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._transformer = Transformer(connection)
        self._names: dict[str, bytes] = {}
        self._prepared = 0
        self._sent = 0
        self._since = self._loop.time()
        self._renew_sent = 100
        self._renew_at = self._since + 1
        self._steps: deque[_Step] = deque()
        self._segment = _Segment()
        self._current: PGresult | None = None
        self._writing = False
        self._ending = False
        self.closed = False
        self._wire.nonblocking = 1
        self._wire.enter_pipeline_mode()
        self._socket = self._wire.socket
        self._loop.add_reader(self._socket, self._readable)

    @property
    def pid(self) -> int:
        """The process id of the server's backend for this connection."""
        return self._wire.backend_pid

    @property
    def is_idle(self) -> bool:
        """Whether every reply has arrived."""
        return not self._steps

    @property
    def can_be_reused(self) -> bool:
        """Whether the session is outside a transaction: the server says so, or nothing was sent since `end`.

        The result of `end` is not awaited; if it fails, the session closes.
        """
        if self.closed:
            return False
        return self._ending if self._steps else self._wire.transaction_status == TransactionStatus.IDLE

    def end(self, sql: Sql) -> None:
        """Send the statement that ends a transaction without waiting for its result."""
        self.send(sql)
        self.sync_later()
        self._ending = True

    def begin(self, sql: Sql) -> None:
        """Send the statement that begins a transaction, discarding plans that are too old.

        Plans are cached, and one made for an empty table scans a whole site once the table has grown. They are
        therefore discarded as statements and time accumulate, at growing intervals; later the server itself drops the
        plans of tables that it has analysed.
        """
        now = self._loop.time()
        if self._sent >= self._renew_sent or now >= self._renew_at:
            self._renew_sent = 4 * self._sent
            self._renew_at = now + 2 * (now - self._since)
            self.send(_FORGET_PLANS)
            self.sync_later()
        self.send(sql)

    def send(self, sql: Sql, arguments: Iterable[Any] = (), *, keep: bool = False) -> None:
        """Send a statement without waiting. keep: include its rows in the results of the next `sync`."""
        self._check()
        self._ending = False
        encoded = [_ENCODERS[value.__class__](value) for value in arguments]
        try:
            name = self._names.get(sql.text) or self._prepare(sql.text)
            self._wire.send_query_prepared(name, encoded, result_format=Format.BINARY)
        except OperationalError as error:
            self._lose(str(error))
            raise LostError(f"the connection to the database was lost: {error}") from error
        self._steps.append(_Step(self._segment, keep, None))
        self._sent += 1

    async def send_many(self, sql: Sql, rows: Iterable[Sequence[Any]]) -> None:
        """Send a statement for all rows of arguments: an INSERT with many rows at a time, others once for each row."""
        forms = row_values(sql.text)
        sent = 0
        for form, arguments in zip(repeat(sql), rows) if forms is None else forms.statements(rows):
            self.send(form, arguments)
            sent += len(arguments)
            if sent >= _VALUES_AT_A_TIME:
                sent = 0
                self._flush()
                await asyncio.sleep(0)

    def sync_later(self) -> None:
        """Send a sync message without waiting for results. A failure closes the session."""
        self._check()
        self._end_segment()

    async def sync(self, *, patiently: bool = False) -> list[PGresult]:
        """Wait for the statements sent so far; returns the results to keep, in order.

        patiently: wait without a limit. Raises the first failure; the server skips all later statements up to the
        sync message.
        """
        self._check()
        segment = self._end_segment()
        segment.done = self._loop.create_future()
        alarm = None if patiently else self._loop.call_later(self._patience, self._expire)
        try:
            await segment.done
        finally:
            if alarm is not None:
                alarm.cancel()
        if segment.failure is not None:
            raise segment.failure
        return segment.results

    def rows(self, result: PGresult) -> list[Row]:
        """The rows of a result."""
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)

    async def many_rows(self, result: PGresult) -> list[Row]:
        """`rows` for many rows: yields to the event loop in between."""
        rows: list[Row] = []
        for start in range(0, result.ntuples, _ROWS_AT_A_TIME):
            self._transformer.set_pgresult(result)
            rows += self._transformer.load_rows(start, min(start + _ROWS_AT_A_TIME, result.ntuples), tuple)
            await asyncio.sleep(0)
        return rows

    def close(self) -> None:
        """Close the connection; the server rolls back a running transaction."""
        self._lose("the connection was closed")

    # The protocol

    def _check(self) -> None:
        if self.closed:
            raise LostError("the connection to the database is closed")

    def _prepare(self, text: str) -> bytes:
        name = b"r%d" % self._prepared
        self._prepared += 1
        self._wire.send_prepare(name, text.encode())
        self._names[text] = name
        self._steps.append(_Step(self._segment, False, text))
        return name

    def _end_segment(self) -> _Segment:
        segment = self._segment
        try:
            self._wire.pipeline_sync()
        except OperationalError as error:
            self._lose(str(error))
            raise LostError(f"the connection to the database was lost: {error}") from error
        self._steps.append(_Step(segment, False, None))
        self._segment = _Segment()
        self._flush()
        return segment

    def _flush(self) -> None:
        try:
            waiting = bool(self._wire.flush())
        except OperationalError as error:
            self._lose(str(error))
            return
        if waiting and not self._writing:
            self._loop.add_writer(self._socket, self._flush)
        elif self._writing and not waiting:
            self._loop.remove_writer(self._socket)
        self._writing = waiting

    def _readable(self) -> None:
        try:
            self._wire.consume_input()
            while not self.closed and not self._wire.is_busy():
                result = self._wire.get_result()
                if result is None:
                    if self._current is None:
                        break
                    self._finish_step(self._current)
                elif result.status == ExecStatus.PIPELINE_SYNC:
                    self._finish_segment()
                else:
                    self._current = result
        except OperationalError as error:
            self._lose(str(error))
            return
        if not self.closed and self._wire.status == ConnStatus.BAD:
            self._lose(self._wire.get_error_message())

    def _finish_step(self, result: PGresult) -> None:
        self._current = None
        step = self._steps.popleft()
        status = result.status
        if status == ExecStatus.FATAL_ERROR and step.segment.failure is None:
            step.segment.failure = failure_of(result)
        elif step.keep:
            step.segment.results.append(result)
        if step.prepares is not None and status != ExecStatus.COMMAND_OK:
            self._names.pop(step.prepares, None)

    def _finish_segment(self) -> None:
        segment = self._steps.popleft().segment
        if segment.done is not None and not segment.done.done():
            segment.done.set_result(None)
        if segment.failure is not None and (segment.done is None or isinstance(segment.failure, LostError)):
            # A segment that nobody waits for resets the session; after a failure its state is unknown.
            self._lose(str(segment.failure))

    def _expire(self) -> None:
        self._lose("the server did not answer in time")

    def _lose(self, reason: str) -> None:
        """Close the connection and fail all pending segments."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._wire.finish()
        waiting = {id(step.segment): step.segment for step in self._steps}
        self._steps.clear()
        for segment in waiting.values():
            # An error sent by the server before it hung up is more informative than the hangup itself.
            if segment.failure is None:
                segment.failure = LostError(f"the connection to the database was lost: {reason.strip()}")
            if segment.done is not None and not segment.done.done():
                with suppress(asyncio.InvalidStateError):
                    segment.done.set_result(None)
