"""What can be said of an address without asking its server: whether it is well formed, and errors in its domain."""

from typing import Any, Final

from msgspec import Struct

from regulars.domain.duplicates import meant_domain
from regulars.domain.identity import parse_address


class AddressCheck(Struct, frozen=True):
    """What is known of an address.

    problem: why it is not well formed, None if it is. meant: the address without a known typing error in the domain,
    None if there is no such error. is_role: it belongs to a function such as `info`.
    """

    problem: str | None = None
    meant: str | None = None
    is_role: bool = False


_ROLES: Final = frozenset(
    (
        *("abuse", "admin", "administrator", "billing", "contact", "hello", "help", "hostmaster", "info", "jobs"),
        *("mail", "marketing", "no-reply", "noreply", "office", "postmaster", "press", "root", "sales", "security"),
        *("support", "team", "webmaster"),
    )
)


def check_address(value: Any, *, longest: int) -> AddressCheck:
    """Check an address, of at most `longest` characters. Never raises."""
    try:
        shown, _ = parse_address(value, longest=longest)
    except ValueError as error:
        return AddressCheck(str(error))
    local, _, domain = shown.rpartition("@")
    meant = meant_domain(domain)
    is_role = local.partition("+")[0] in _ROLES
    return AddressCheck(None, None if meant == domain else f"{local}@{meant}", is_role)
