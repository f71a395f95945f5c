"""The audience: answers "which customers ...?" from an in-memory index."""

import numpy.ma  # noqa: F401 - `np.unique` imports it when first called, which a request would wait for

from regulars.audience.answering import Answer, LoadingError, QuestionsFullError
from regulars.audience.event_sequences import TooExpensiveError
from regulars.audience.filters.sorts import SORTS, Sort
from regulars.audience.service import Audience
from regulars.domain.faults import UnknownSiteError

__all__ = [
    "SORTS",
    "Answer",
    "Audience",
    "LoadingError",
    "QuestionsFullError",
    "Sort",
    "TooExpensiveError",
    "UnknownSiteError",
]
