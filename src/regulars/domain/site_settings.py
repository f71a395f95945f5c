"""The settings of a site, such as country, currency and time zone. Each has a rule; None means that it is not set."""

import re
import zoneinfo
from collections.abc import Callable
from datetime import UTC, tzinfo
from functools import cache
from typing import Final

from msgspec import Struct

from regulars.domain.iso_codes import COUNTRIES, CURRENCIES, FORMER_CURRENCIES

_CURRENCIES: Final = CURRENCIES | FORMER_CURRENCIES


class SiteSettings(Struct, frozen=True):
    """How the data of a site is read.

    country: ISO 3166 alpha-2; national phone numbers are read as numbers of this country. currency: ISO 4217; amounts
    in other currencies are kept, but not counted. time_zone: an IANA name; None stands for UTC. language: of the pages
    that customers see, a key of LANGUAGES. accent_color: of their buttons, as #rrggbb.
    """

    country: str | None = None
    currency: str | None = None
    time_zone: str | None = None
    language: str | None = None
    accent_color: str | None = None

    @property
    def zone(self) -> tzinfo:
        """The rules of the time zone."""
        return UTC if self.time_zone is None else zoneinfo.ZoneInfo(self.time_zone)


NO_SETTINGS: Final = SiteSettings()


def parse_country(value: object) -> str:
    """A country code in upper case. Raises ValueError with a sentence."""
    if isinstance(value, str) and (code := value.strip().upper()) in COUNTRIES:
        return code
    raise ValueError("must be a two-letter country code of ISO 3166, such as DE or US")


def parse_currency(value: object) -> str:
    """A currency code in upper case. Raises ValueError with a sentence."""
    if isinstance(value, str) and (code := value.strip().upper()) in _CURRENCIES:
        return code
    raise ValueError("must be a three-letter currency code of ISO 4217, such as EUR or USD")


def parse_time_zone(value: object) -> str:
    """The name of a time zone, in the spelling of the IANA database. Raises ValueError with a sentence."""
    if isinstance(value, str) and (name := _time_zones().get(value.strip().lower())) is not None:
        return name
    raise ValueError("must be a time zone of the IANA database, such as Europe/Berlin or UTC")


LANGUAGES: Final = ("en", "de", "fr", "es")
"""The languages of pages that customers see. The first is that of sites without one."""

_COLOR: Final = re.compile(r"#[0-9a-f]{6}", re.ASCII)


def parse_language(value: object) -> str:
    """One of LANGUAGES. Raises ValueError with a sentence."""
    if isinstance(value, str) and (code := value.strip().lower()) in LANGUAGES:
        return code
    raise ValueError(f"must be one of {', '.join(LANGUAGES)}")


def parse_color(value: object) -> str:
    """A color as #rrggbb in lower case. Raises ValueError with a sentence."""
    if isinstance(value, str) and _COLOR.fullmatch(code := value.strip().lower()):
        return code
    raise ValueError("must be a color such as #0a7cff")


@cache
def _time_zones() -> dict[str, str]:
    """The time zones by their names in lower case."""
    return {name.lower(): name for name in zoneinfo.available_timezones()}


SETTING_RULES: Final[dict[str, Callable[[object], str]]] = {
    "country": parse_country,
    "currency": parse_currency,
    "time_zone": parse_time_zone,
    "language": parse_language,
    "accent_color": parse_color,
}
"""The settings by name, with the rule of each."""
