"""Numbers and times as readers see them."""

import pytest

from regulars.http.pages.formats import Formats

NOON = "2026-07-01T12:00:00.000Z"


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en-GB,en;q=0.9", "1,234,567.50"),
        ("de", "1.234.567,50"),
        ("de-CH", "1’234’567.50"),
        ("fr-FR", "1\u202f234\u202f567,50"),
        ("", "1,234,567.50"),
        ("nonsense", "1,234,567.50"),
        ("*", "1,234,567.50"),
    ],
)
def test_numbers_are_grouped_as_the_language_has_it(language: str, shown: str) -> None:
    assert Formats(language, "UTC").number(1234567.5, 2) == shown


def test_nothing_is_shown_for_nothing() -> None:
    formats = Formats("en", "UTC")
    assert (formats.number(None), formats.money(None), formats.time(None), formats.percent(1, 0)) == ("", "", "", "–")
    assert formats.money("19.90", "EUR") == "19.90 EUR"
    assert formats.money("9007199254740993.07") == "9,007,199,254,740,993.07"
    assert formats.percent(1, 3, 1) == "33.3\u202f%"


def test_times_are_those_of_the_site_with_the_exact_moment() -> None:
    assert Formats("en", "Europe/Berlin").time(NOON) == (
        f'<time datetime="{NOON}" title="{NOON}">1 Jul 2026, 14:00</time>'
    )
    assert "1 Jul 2026<" in Formats("en", "UTC").day(1782907200000)
