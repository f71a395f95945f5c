"""Numbers, amounts and times as the page shows them: grouped as the browser's language has it, in the site's zone."""

from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from regulars.domain.moments import iso, parse_moment

_THIN: Final = "\u202f"
_SEPARATORS: Final = {
    "en": (",", "."),
    "ja": (",", "."),
    "zh": (",", "."),
    "ko": (",", "."),
    "he": (",", "."),
    "th": (",", "."),
    "de": (".", ","),
    "es": (".", ","),
    "it": (".", ","),
    "nl": (".", ","),
    "pt": (".", ","),
    "da": (".", ","),
    "id": (".", ","),
    "tr": (".", ","),
    "el": (".", ","),
    "de-ch": ("’", "."),
    "fr": (_THIN, ","),
    "pl": (_THIN, ","),
    "cs": (_THIN, ","),
    "sv": (_THIN, ","),
    "nb": (_THIN, ","),
    "fi": (_THIN, ","),
    "uk": (_THIN, ","),
    "ru": (_THIN, ","),
    "hu": (_THIN, ","),
}
"""The grouping and the decimal separator of a language; those of English where a language is not listed."""


class Formats:
    """How one reader sees values. language: the first of Accept-Language. zone: an IANA name."""

    def __init__(self, language: str, zone: str) -> None:
        wanted = language.partition(",")[0].partition(";")[0].strip().lower()
        found = _SEPARATORS.get(wanted) or _SEPARATORS.get(wanted.partition("-")[0]) or _SEPARATORS["en"]
        self._group, self._point = found
        self.zone_name = zone
        self._zone: tzinfo = UTC if zone == "UTC" else ZoneInfo(zone)

    def number(self, value: float | Decimal | None, decimals: int = 0) -> str:
        """A number with its thousands grouped; nothing for None."""
        if value is None:
            return ""
        text = f"{value:,.{decimals}f}"
        return text.replace(",", "\0").replace(".", self._point).replace("\0", self._group)

    def percent(self, part: float, whole: float, decimals: int = 0) -> str:
        """A share as a percentage; a dash if there is nothing to share."""
        return f"{self.number(100 * part / whole, decimals)}{_THIN}%" if whole else "–"

    def money(self, amount: str | None, currency: str | None = None) -> str:
        """An amount as the API has it, such as "1990.00", with its currency; nothing for None."""
        if amount is None:
            return ""
        return " ".join(filter(None, (self.number(Decimal(amount), 2), currency)))

    def local(self, value: str | int) -> datetime:
        """A moment (ISO 8601, or ms) in the zone of the site."""
        moment = parse_moment(value) if isinstance(value, str) else value
        return datetime.fromtimestamp(moment / 1000, self._zone)

    def time(self, value: str | int | None) -> Markup:
        """A moment to the minute, with the exact one in UTC as its title; nothing for None."""
        return self._element(value, "{0.day} {0:%b %Y, %H:%M}")

    def day(self, value: str | int | None) -> Markup:
        """The day of a moment, with the exact moment as its title."""
        return self._element(value, "{0.day} {0:%b %Y}")

    def _element(self, value: str | int | None, form: str) -> Markup:
        if value is None:
            return Markup()
        shown = self.local(value)
        exact = iso(round(shown.timestamp() * 1000))
        return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, exact, form.format(shown))
