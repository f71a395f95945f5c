"""A refused request leaves nothing in memory: its body is freed with the response, not by the garbage collector."""

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from regulars.http.operations import OPERATIONS

from ..in_process import Client, InProcess

BODIES = {
    "that is no JSON": b'{"email": "' + b"x" * 5_000,
    "with a field that is unknown": b'{"email": "nobody", "data": {"type": "nothing"}, "requests": [{}]}',
}
FORMS = ("application/json", "application/x-www-form-urlencoded")


@contextmanager
def without_collector() -> Iterator[None]:
    """Nothing that refers to itself is freed in the block. What was there before is not looked at."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def kept() -> list[str]:
    """The exceptions that are still alive, each with the function that keeps it."""
    return [
        f"{type(each).__name__} in {frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_code.co_name}"
        for each in gc.get_objects()
        if isinstance(each, Exception)
        for frame in frames(each)
        if any(value is each for value in frame.f_locals.values())
    ]


def frames(error: BaseException) -> Iterator[FrameType]:
    """The calls that an exception has passed through."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


@pytest.mark.parametrize("body", BODIES)
def test_no_door_keeps_what_it_refused(app: InProcess, api: Client, body: str) -> None:
    leaking = {}
    with without_collector():
        for each in OPERATIONS:
            path = re.sub(r"\{[^}]*\}", "7", each.path)
            for form in FORMS:
                api.having(Content_Type=form).send(each.method, path, content=BODIES[body])
                if found := kept():
                    leaking[each.method, each.path, form] = found
                    gc.collect()
    assert leaking == {}
