"""The merges of a transaction: what has to be known to join customers or to part them again, and what it writes."""

from collections.abc import Iterable

from regulars.domain.consent import Consent, Moments
from regulars.domain.merge_records import MergeRecord
from regulars.domain.orders import Report
from regulars.domain.relations import Tie
from regulars.domain.working.history import ActivityRow

OrderReports = dict[tuple[int, str, str], list[tuple[int, Report]]]
"""The reports of orders with the numbers of their events, by (customer under whom they are kept, event, order)."""


class Merges:
    """The merges that a transaction has loaded or made.

    last: the largest number of a merge of the site. newest: the last merge of each customer as survivor. records: those
    to undo, by number. later: by number of a merge, the last of those that must be undone before it. evidence: of
    consent, with its numbers, by the customer under whom it is kept. reports: of orders that both customers of a merge
    have, or that are told of after it. ties: all those of customers who are given back. late: what happened after a
    merge, by its number. saved: those to write. undone: those to mark as undone.
    """

    def __init__(self) -> None:
        self.last = 0
        self.newest: dict[int, MergeRecord] = {}
        self.records: dict[int, MergeRecord] = {}
        self.later: dict[int, int] = {}
        self.evidence: dict[int, list[tuple[int, Consent]]] = {}
        self.reports: OrderReports = {}
        self.ties: dict[int, dict[tuple[int, int], Tie]] = {}
        self.late: dict[int, list[ActivityRow]] = {}
        self.saved: dict[int, MergeRecord] = {}
        self.undone: set[int] = set()

    def save(self, record: MergeRecord) -> None:
        """Note a new merge."""
        self.last = max(self.last, record.number)
        self.saved[record.number] = self.newest[record.survivor] = record

    def evidence_of(self, numbers: Iterable[int]) -> list[tuple[int, Consent]]:
        """The evidence that is kept under these customers."""
        return sorted((each for number in numbers for each in self.evidence.get(number, ())), key=lambda each: each[0])

    def moments_of(self, numbers: Iterable[int]) -> Moments:
        """What the evidence kept under these customers comes to."""
        moments = Moments()
        for _, consent in self.evidence_of(numbers):
            moments.note(consent)
        return moments

    def reports_of(self, numbers: Iterable[int]) -> dict[tuple[str, str], list[Report]]:
        """The reports of orders that are kept under these customers, by (event, order)."""
        found: dict[tuple[str, str], list[Report]] = {}
        ours = set(numbers)
        for (customer, event, order), reports in self.reports.items():
            if customer in ours:
                found.setdefault((event, order), []).extend(report for _, report in reports)
        return found
