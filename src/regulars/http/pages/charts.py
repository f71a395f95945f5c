"""Charts: where the shapes of a chart stand. Templates draw them as SVG (charts.html), stretched to their container."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

WIDTH: Final = 100.0
HEIGHT: Final = 40.0
_GAP: Final = 0.2
_ROUND: Final = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


class Bar(Struct, frozen=True):
    """A bar: its place in WIDTH x HEIGHT, what it stands for, and its value."""

    x: float
    y: float
    width: float
    height: float
    label: Any
    value: float


class BarChart(Struct, frozen=True):
    """Bars from left to right. top: the value of the upper edge, a round number."""

    bars: list[Bar]
    top: float


class LineChart(Struct, frozen=True):
    """A line as the points of a polyline, and the area below it. low, top: the values of the edges."""

    line: str
    area: str
    low: float
    top: float


def bars(values: Sequence[tuple[Any, float]]) -> BarChart:
    """A bar for each label and value."""
    top = round_up(max((value for _, value in values), default=0))
    step = WIDTH / max(len(values), 1)
    made = []
    for place, (label, value) in enumerate(values):
        height = HEIGHT * value / top if top else 0.0
        x = step * (place + _GAP / 2)
        size = round(step * (1 - _GAP), 3)
        made.append(Bar(round(x, 3), round(HEIGHT - height, 3), size, round(height, 3), label, value))
    return BarChart(made, top)


def line(values: Sequence[float]) -> LineChart:
    """A line through values at equal distances. The lower edge is 0 unless all values are far above it."""
    high, low = max(values, default=0), min(values, default=0)
    bottom = 0.0 if high - low > high / 4 else max(0.0, low - (high - low))
    top = round_up(high)
    span = top - bottom or 1
    step = WIDTH / max(len(values) - 1, 1)
    points = [
        (round(step * at, 3), round(HEIGHT - HEIGHT * (value - bottom) / span, 3)) for at, value in enumerate(values)
    ]
    if len(points) == 1:
        points.append((WIDTH, points[0][1]))
    drawn = " ".join(f"{x},{y}" for x, y in points)
    return LineChart(drawn, f"0,{HEIGHT} {drawn} {WIDTH},{HEIGHT}", bottom, top)


def round_up(value: float) -> float:
    """The next round number: one of a few digits, times a power of ten."""
    if value <= 0:
        return 0
    power: float = 10 ** (len(str(int(value))) - 1)
    return next(each * power for each in _ROUND if each * power >= value)
