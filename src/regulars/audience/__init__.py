"""Which customers ...? The in-memory index, its predicates and its answers."""

from regulars.audience.answering import Answer, BusyError, LoadingError
from regulars.audience.evaluate import SORTS, Sort
from regulars.audience.loading import UnknownSiteError
from regulars.audience.service import Audience

__all__ = ["SORTS", "Answer", "Audience", "BusyError", "LoadingError", "Sort", "UnknownSiteError"]
