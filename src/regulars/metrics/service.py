"""The metrics of a server: combines this process's metrics with those of the other processes for Prometheus."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from regulars.metrics import exposition, sharing
from regulars.metrics.counting import Metrics, Sample
from regulars.metrics.process import ProcessFigures

PUBLISH_SECONDS: Final = 1.0
"""How often each of several processes writes its metrics, so those of the others may be this old when read."""


class MetricsService:
    """The metrics of one process and of those that share its folder. folder: None for a single process."""

    def __init__(self, folder: Path | None = None) -> None:
        self.here = Metrics()
        self.here.add_source(ProcessFigures())
        self._folder = folder

    def expose(self, more: Iterable[Sample] = ()) -> bytes:
        """The page for Prometheus. more: samples that the answering process adds on demand, such as a store's."""
        others = () if self._folder is None else sharing.read_others(self._folder)
        return exposition.expose(sharing.merge([*self.here.samples(), *others, *more]))

    async def publish(self) -> None:
        """Write this process's metrics periodically for the others, until cancelled."""
        while self._folder is not None:
            with suppress(OSError):  # a full disk must affect nothing but metrics
                sharing.write(self._folder, self.here.samples())
            await asyncio.sleep(PUBLISH_SECONDS)
