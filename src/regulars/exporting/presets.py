"""Presets: CSV files of customers in the form that other systems import."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

from msgspec import Struct

from regulars.exporting.people import PLACES, ExportedCustomer
from regulars.exporting.tables import Form, as_objects
from regulars.store.export_reads import CustomerPart

PresetName = Literal["mailchimp", "klaviyo", "brevo", "shopify"]
PRESET_NAMES: Final[tuple[PresetName, ...]] = get_args(PresetName)

Value = Callable[[ExportedCustomer], str | None]


class Preset(Struct, frozen=True):
    """The columns of a file, by header, and what is between them."""

    columns: Mapping[str, Value]
    delimiter: str = ","


class PresetTable:
    """Customers in the columns of a preset."""

    def __init__(self, preset: Preset) -> None:
        self.header: Sequence[str] = list(preset.columns)
        self.forms: Sequence[Form] = ["text"] * len(self.header)
        self._values = list(preset.columns.values())

    def parts(self, *, as_lines: bool) -> frozenset[CustomerPart]:
        """What has to be read of the customers."""
        return frozenset({"ties"})

    def columns(self, items: Sequence[ExportedCustomer]) -> list[list[Any]]:
        """The columns of the customers."""
        return [list(map(value, items)) for value in self._values]

    def lines(self, items: Sequence[ExportedCustomer]) -> Iterable[dict[str, Any]]:
        """The rows as JSON objects."""
        return as_objects(self.header, self.columns(items))


_OBSTACLES: Final = ("hard_bouncing", "spam_reported", "suppressed", "forgotten")


def can_be_mailed(each: ExportedCustomer) -> bool:
    """Whether there is consent, and nothing that forbids to use it."""
    return bool(each.flag("subscribed")) and not any(map(each.flag, _OBSTACLES))


def _field(name: str) -> Value:
    place = PLACES[name]
    return lambda each: each.row[place]


def _time(name: str, form: str = "%Y-%m-%d %H:%M:%S") -> Value:
    place = PLACES[name]

    def read(each: ExportedCustomer) -> str | None:
        at = each.row[place]
        return None if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime(form)

    return read


def _choice(yes: str, no: str, never: str | None = None) -> Value:
    """`yes` for those who can be mailed, `no` for others; `never` for those who were never asked."""

    def read(each: ExportedCustomer) -> str:
        if can_be_mailed(each):
            return yes
        return never if never is not None and each.flag("subscribed") is None else no

    return read


def _tags(each: ExportedCustomer) -> list[str]:
    ties = (tie for tie in each.ties if tie.relation == "tag.has" and tie.holds and tie.label is not None)
    return [tie.label.name or str(tie.label.id) for tie in ties if tie.label is not None]


def _address(each: ExportedCustomer) -> str | None:
    names = ("address_line_1", "address_line_2", "address_city", "address_state", "address_zip", "address_country")
    return "  ".join(each.row[PLACES[name]] for name in names if each.row[PLACES[name]]) or None


def _quoted(texts: Iterable[str]) -> str | None:
    return ",".join('"{}"'.format(text.replace('"', "")) for text in texts) or None


def _digits(each: ExportedCustomer) -> str | None:
    phone: str | None = each.row[PLACES["mobile_phone_number"]] or each.row[PLACES["phone_number"]]
    return None if phone is None else phone.removeprefix("+")


PRESETS: Final[Mapping[PresetName, Preset]] = {
    "mailchimp": Preset(
        {
            "Email Address": _field("email"),
            "First Name": _field("firstname"),
            "Last Name": _field("lastname"),
            "Address": _address,
            "Phone Number": _field("phone_number"),
            "OPTIN_TIME": _time("subscribed_at"),
            "UNSUB_TIME": _time("unsubscribed_at"),
            "TAGS": lambda each: _quoted(_tags(each)),
        }
    ),
    "klaviyo": Preset(
        {
            "Email": _field("email"),
            "First Name": _field("firstname"),
            "Last Name": _field("lastname"),
            "Phone Number": _field("phone_number"),
            "Address": _field("address_line_1"),
            "Address 2": _field("address_line_2"),
            "City": _field("address_city"),
            "State / Region": _field("address_state"),
            "Country": _field("address_country"),
            "Zip Code": _field("address_zip"),
            "Email Marketing Consent": _choice("SUBSCRIBED", "UNSUBSCRIBED", "NEVER_SUBSCRIBED"),
            "Email Marketing Consent Timestamp": _time("subscribed_at", "%Y-%m-%dT%H:%M:%SZ"),
        }
    ),
    "brevo": Preset(
        {
            "EMAIL": _field("email"),
            "LASTNAME": _field("lastname"),
            "FIRSTNAME": _field("firstname"),
            "SMS": _digits,
            "EMAIL_BLACKLISTED": _choice("No", "Yes", "Yes"),
            "ADDED_TIME": _time("created_at", "%d-%m-%Y %H:%M"),
            "MODIFIED_TIME": _time("updated_at", "%d-%m-%Y %H:%M"),
        },
        delimiter=";",
    ),
    "shopify": Preset(
        {
            "First Name": _field("firstname"),
            "Last Name": _field("lastname"),
            "Email": _field("email"),
            "Accepts Email Marketing": _choice("yes", "no"),
            "Default Address Company": lambda _: None,
            "Default Address Address1": _field("address_line_1"),
            "Default Address Address2": _field("address_line_2"),
            "Default Address City": _field("address_city"),
            "Default Address Province Code": _field("address_state"),
            "Default Address Country Code": _field("address_country"),
            "Default Address Zip": _field("address_zip"),
            "Default Address Phone": lambda _: None,
            "Phone": _field("phone_number"),
            "Accepts SMS Marketing": lambda _: "no",
            "Tags": lambda each: ", ".join(_tags(each)) or None,
            "Note": lambda _: None,
            "Tax Exempt": lambda _: "no",
        }
    ),
}
"""The forms, by the system that imports them."""
