"""One line for each request, in the form that is set."""

import asyncio
import json

from regulars.http.access_log import AccessLog, LogFormat


async def lines(log_format: LogFormat) -> list[str]:
    """Two requests' lines."""
    written: list[str] = []
    log = AccessLog(log_format, written.append)
    for site in (7, None):
        log.record(
            at=1_700_000_000_250,
            method="GET",
            route="/v1/customers/{id}",
            status=200,
            seconds=0.00314,
            request_id="a-1",
            site=site,
        )
    assert not written  # lines wait for each other
    log.flush()
    log.flush()
    assert len(written) == 1
    return written[0].splitlines()


async def test_plain_lines() -> None:
    first, second = await lines("plain")
    assert first.startswith("2023-11-14T22:13:20.250Z [info     ] request ")
    assert first.endswith("method=GET ms=3.1 request_id=a-1 route=/v1/customers/{id} site=7 status=200")
    assert " site=- " in second


async def test_json_lines() -> None:
    first, second = map(json.loads, await lines("json"))
    assert first == {
        "event": "request",
        "level": "info",
        "timestamp": "2023-11-14T22:13:20.250Z",
        "method": "GET",
        "route": "/v1/customers/{id}",
        "status": 200,
        "ms": 3.1,
        "request_id": "a-1",
        "site": 7,
    }
    assert second["site"] is None


async def test_lines_are_written_soon() -> None:
    written: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    log = AccessLog("plain", written.set_result)
    log.record(at=0, method="GET", route="/", status=200, seconds=0.0, request_id="a", site=None)
    assert (await written).count("\n") == 1
