"""Metrics for Prometheus, protected by the token in the settings."""

import secrets
from typing import Final

from starlette.responses import Response

from regulars.http.call import Call
from regulars.http.classic.surface import SERVER_TEXT
from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.schema import TEXT
from regulars.metrics.catalogue import JOBS
from regulars.metrics.counting import Sample
from regulars.metrics.exposition import MEDIA_TYPE
from regulars.store.engine import UnavailableError
from regulars.store.job_reads import count_jobs

_SCHEME: Final = "bearer "


async def show(call: Call) -> Response:
    """The figures of all server processes. Sites of every account are in them, so no key of an account opens them."""
    token = call.services.settings.metrics_token
    if not token:
        raise Problem("not_found", "Metrics are off. Set REGULARS_METRICS_TOKEN to switch them on.")
    given = call.request.headers.get("authorization", "")
    if not given:
        raise Problem(
            "not_authenticated", "Not authorized: send the bearer token that is set by REGULARS_METRICS_TOKEN."
        )
    is_bearer = given[: len(_SCHEME)].lower() == _SCHEME
    if not is_bearer or not secrets.compare_digest(given[len(_SCHEME) :].strip().encode(), token.encode()):
        raise Problem("key_unknown", "Not authorized")
    return Response(call.services.metrics.expose(await _jobs(call)), media_type=MEDIA_TYPE)


async def _jobs(call: Call) -> list[Sample]:
    """Jobs by state. A database that is away costs these figures and no others."""
    try:
        async with call.services.store.snapshot() as connection:
            counts = await count_jobs(connection)
    except UnavailableError:
        return []
    return [Sample(JOBS.name, (state,), count) for state, count in counts.items()]


OPERATIONS: Final = (
    Operation(
        SERVER_TEXT,
        "metrics.show",
        "GET",
        "/metrics",
        show,
        "Get metrics",
        "Metrics of all server processes in the Prometheus text format. Requires the bearer token that is set by "
        "`REGULARS_METRICS_TOKEN`. Without that setting there are no metrics.",
        reply=TEXT,
        errors=(401, 403, 404),
    ),
)
"""The operation itself."""
