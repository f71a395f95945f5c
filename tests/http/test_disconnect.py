"""Clients that leave: what they waited for is ended, and those behind them are answered."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.types import Message

from regulars.audience import Audience, answering
from regulars.http.disconnect import CancelOnDisconnect
from regulars.http.errors import Problem

from ..in_process import InProcess


def client(*messages: Message, leaves: asyncio.Event | None = None) -> Callable[[], Awaitable[Message]]:
    """What an ASGI server passes on: these messages, and a departure when the event is set."""
    waiting = list(messages)

    async def receive() -> Message:
        if waiting:
            return waiting.pop(0)
        await (leaves or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    return receive


REQUEST: Message = {"type": "http.request", "body": b"", "more_body": False}


async def attended(receive: Any, work: Awaitable[Any]) -> Any:
    async with CancelOnDisconnect(receive, patience=0):
        return await work


async def test_work_for_nobody_is_ended() -> None:
    others = asyncio.all_tasks()
    leaves = asyncio.Event()
    ended = asyncio.Event()

    async def work() -> None:
        leaves.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(Problem, match="malformed"):
        await attended(client(REQUEST, leaves=leaves), work())
    assert ended.is_set()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert asyncio.all_tasks() == others


async def test_work_that_ends_is_left_alone() -> None:
    others = asyncio.all_tasks()

    async def work() -> int:
        await asyncio.sleep(0.01)
        return 7

    assert await attended(client(REQUEST), work()) == 7
    assert await attended(client(REQUEST, REQUEST, REQUEST), work()) == 7  # not a client that can leave
    with pytest.raises(ZeroDivisionError):
        async with CancelOnDisconnect(client(REQUEST), patience=0):
            _ = 1 // 0
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == others


@pytest.mark.parametrize("fails", [False, True])
async def test_the_end_and_the_departure_at_once(fails: bool) -> None:
    """The client leaves after the work has waited for the last time: the cancellation comes when it has ended."""
    attending = CancelOnDisconnect(client(REQUEST), patience=0)
    with pytest.raises(Problem, match="malformed"):
        async with attending:
            attending.leave()
            if fails:
                raise ZeroDivisionError
    await asyncio.sleep(0)


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    task = asyncio.create_task(attended(client(REQUEST), asyncio.Event().wait()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_heavy_questions_of_clients_that_left_are_dropped(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    going, begun = threading.Event(), threading.Event()
    asked: list[Any] = []
    found = answering.Question.found

    def slow(*question: Any) -> Any:
        asked.append(question)
        begun.set()
        assert going.wait(20)
        return found(*question)

    monkeypatch.setattr(answering.Question, "found", slow)
    monkeypatch.setattr(Audience, "_is_heavy", lambda *_: True)

    async def question(app: InProcess, secret: str, leaves: asyncio.Event) -> int:
        request = httpx.Request("GET", "http://x.example/v1/customers?sort=id")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": "GET",
            "path": request.url.path,
            "raw_path": request.url.path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"x.example"), (b"authorization", f"Bearer {secret}".encode())],
        }
        status = 0

        async def send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)

        await app.application(scope, client(REQUEST, leaves=leaves), send)
        return status

    async def run(app: InProcess, secret: str) -> None:
        stays, leaves = asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(question(app, secret, stays))
        await asyncio.to_thread(begun.wait, 20)
        others = [asyncio.create_task(question(app, secret, leaves)) for _ in range(5)]
        leaves.set()
        try:
            assert await asyncio.gather(*others) == [400] * 5
            assert not first.done()
        finally:
            going.set()
        assert await first == 200
        assert len(asked) == 1

    with InProcess(tmp_path / "regulars.db") as app:
        secret = app.secret()[1]
        app.run(asyncio.wait_for(run(app, secret), 60))
