"""Where the shapes of charts stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.http.pages.charts import HEIGHT, WIDTH, bars, line, round_up


@pytest.mark.parametrize(
    ("value", "top"), [(0, 0), (1, 1), (3, 3), (7, 8), (11, 15), (21, 25), (99, 100), (100, 100), (101, 150)]
)
def test_the_edge_is_the_next_round_number(value: float, top: float) -> None:
    assert round_up(value) == top


@given(st.lists(st.integers(0, 10**9), max_size=60))
def test_everything_stays_inside(values: list[int]) -> None:
    for bar in bars([(each, each) for each in values]).bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert 0 <= bar.y <= HEIGHT
        assert bar.y + bar.height == pytest.approx(HEIGHT, abs=0.01)
    drawn = line([float(each) for each in values])
    for point in drawn.area.split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= WIDTH
        assert -0.001 <= y <= HEIGHT
