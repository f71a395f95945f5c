"""The metrics of a server: what this process counts and what the others wrote, as one page for Prometheus."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from regulars.metrics import exposition, sharing
from regulars.metrics.counting import Metrics, Sample
from regulars.metrics.process import ProcessFigures

PUBLISH_SECONDS: Final = 1.0
"""How often a process of several writes its figures: those of the others may be this old when they are read."""


class MetricsService:
    """Metrics of one process, and of those that share its folder. folder: None for a process that is alone."""

    def __init__(self, folder: Path | None = None) -> None:
        self.here = Metrics()
        self.here.add_source(ProcessFigures())
        self._folder = folder

    def expose(self, more: Iterable[Sample] = ()) -> bytes:
        """The page that Prometheus reads. more: samples that only whoever is asked knows, such as those of a store."""
        others = () if self._folder is None else sharing.read_others(self._folder)
        return exposition.expose(sharing.merge([*self.here.samples(), *others, *more]))

    async def publish(self) -> None:
        """Write this process's figures for the others now and then, until cancelled."""
        while self._folder is not None:
            with suppress(OSError):  # a full disk costs figures, and nothing else
                sharing.write(self._folder, self.here.samples())
            await asyncio.sleep(PUBLISH_SECONDS)
