"""Breakdowns by time, compared with counting the customers one by one."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.audience.index import SiteIndex
from regulars.audience.questions.breakdown import groups_of, read_dimension
from regulars.audience.structures.bitmaps import from_mask
from regulars.domain.changes import COLUMNS, NULL, TEXTS, CustomerRow, Head
from regulars.domain.moments import DAY

FIELD = "last_opened_at"
TIMES = st.none() | st.integers(0, 900 * DAY)


@pytest.mark.parametrize("is_ascending", [False, True])
@given(times=st.lists(TIMES, min_size=1), wanted=st.lists(st.booleans(), min_size=100, max_size=100))
def test_each_customer_is_in_its_period(is_ascending: bool, times: list[int | None], wanted: list[bool]) -> None:
    if is_ascending:
        times = [*sorted(each for each in times if each is not None)] or [0]
    index = SiteIndex()
    place = COLUMNS.index(FIELD)
    for number, at in enumerate(times, 1):
        columns = tuple(NULL if column != place or at is None else at for column in range(len(COLUMNS)))
        index.load_customers([CustomerRow(number, columns, (None,) * len(TEXTS))])
    index.finish(Head(1, 1))
    asked = [at for at, is_asked in zip(times, wanted, strict=False) if is_asked]
    matches = from_mask(np.array(wanted[: len(times)]))
    groups = groups_of(read_dimension({"field": FIELD, "per": "month"}), index, matches, [], UTC)
    found = {group.value: len(group.customers) for group in groups if group.customers}
    months = (datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-01") for at in asked if at is not None)
    assert found == Counter(months)
