"""Identity: the addresses, ids and numbers of a customer, and when two of them are equal."""

# Both are imported with the first address that is not ASCII, otherwise: on the path of a request.
import encodings.punycode  # noqa: F401
import random
import re
import unicodedata
import uuid as uuids
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import idna
import idna.uts46data
from msgspec import Struct

from regulars.domain import libraries
from regulars.domain.moments import now_ms
from regulars.domain.text import composed, fold, is_digits, is_storable, trim

SITE_SHIFT: Final = 32
"""Customers and logs are numbered site * 2^32 + n, so that a number names its site."""

NUMBER_LIMIT: Final = 2**53
"""Numbers stay below this, so that every JSON client reads them exactly."""

_PLAIN_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}",
    re.ASCII,
)


class Who(Struct, frozen=True):
    """The identifiers by which a request names a customer; at least one is set.

    email is the address as it is shown, email_key as it is compared; uuid is 16 bytes. mail: the id of an email that
    was sent to the customer, where nothing else names it.
    """

    email: str | None = None
    email_key: str | None = None
    customer_id: str | None = None
    uuid: bytes | None = None
    number: int | None = None
    mail: str | None = None


LONGEST_LOCAL_PART: Final = 64
"""Octets of UTF-8 before the @ (RFC 5321, 4.5.3.1.1)."""


_NAMED_ADDRESS: Final = re.compile(r"[^<>]*<\s*([^<>\s]+@[^<>\s]+)\s*>")


def bare_address(value: object) -> object:
    """The address in `Name <address>` or `mailto:address`, as in exports and address books; else the value itself."""
    if not isinstance(value, str) or not ("<" in value or ":" in value):
        return value
    text = value.strip()
    if named := _NAMED_ADDRESS.fullmatch(text):
        text = named[1]
    if text[:7].lower() == "mailto:":
        text = unquote(text[7:].partition("?")[0])
    return text


def parse_address(value: object, *, longest: int) -> tuple[str, str]:
    """An email address as (shown, key): lower-cased, in NFC, its domain in Unicode; the key by which it is found.

    White space and invisible characters around it are ignored. Raises ValueError with a sentence. Plain
    addresses are checked by one expression; others, with quotes or non-ASCII letters, by the email-validator
    library (no DNS), their domains by IDNA 2008 with the mapping of UTS 46.
    """
    if not isinstance(value, str):
        raise ValueError("must be an email address as text")
    text = value.strip()
    if len(text) > longest:
        raise ValueError(f"must be an email address of at most {longest} characters")
    if _PLAIN_ADDRESS.fullmatch(text) and text.find("@") <= LONGEST_LOCAL_PART:
        shown = text.lower()
        if "xn--" not in shown:
            return shown, shown
    text = trim(text)
    if not is_storable(text):
        raise ValueError("must be an email address without NUL or unpaired surrogates")
    local, _, domain = text.rpartition("@")
    if len(local.encode()) > LONGEST_LOCAL_PART:
        raise ValueError(f"must be an email address with at most {LONGEST_LOCAL_PART} octets before the @")
    text = f"{local}@{_shown_domain(domain)}"
    if not _is_address(text) or _ends_in_digits(text):
        raise ValueError("must be an email address such as anna@example.com")
    shown = unicodedata.normalize("NFC", text.lower())
    return shown, address_key(shown)  # of the form that is shown, so that this finds the customer again


def address_key(shown: str) -> str:
    """The key of an address: its local part folded, its domain in ASCII (A-labels). It is stored."""
    if shown.isascii():
        return shown.lower()
    local, at, domain = shown.rpartition("@")
    return f"{fold(local)}{at}{_ascii_domain(domain)}"


def readable_address(text: str) -> str:
    """A part of an address for display: A-labels (xn--...) are converted to Unicode if they are valid."""
    return _A_LABEL.sub(lambda found: _shown_label(found[0]), text.lower()) if "xn--" in text.lower() else text


_A_LABEL: Final = re.compile(r"(?<![a-z0-9-])xn--[a-z0-9-]+")
_A_PREFIX: Final = "xn--"


@lru_cache(maxsize=4096)
def _shown_domain(domain: str) -> str:
    """A domain in Unicode, mapped by UTS 46; what that does not allow is left to the check of the whole address."""
    if domain.startswith("["):
        return domain
    try:
        mapped = idna.uts46_remap(domain, std3_rules=False, transitional=False)
    except (idna.IDNAError, UnicodeError):
        return domain
    return ".".join(_shown_label(label) for label in mapped.split("."))


def _shown_label(label: str) -> str:
    if not label.startswith(_A_PREFIX):
        return label
    try:
        return idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return label  # an older one, of an emoji, say: it is what it is


@lru_cache(maxsize=4096)
def _ascii_domain(domain: str) -> str:
    return ".".join(_ascii_label(label) for label in domain.split("."))


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label.lower()
    try:
        return idna.alabel(label).decode()
    except (idna.IDNAError, UnicodeError):
        return fold(label)


@lru_cache(maxsize=4096)
def _is_address(text: str) -> bool:
    library = libraries.addresses()
    try:
        library.validate_email(
            text,
            check_deliverability=False,
            allow_quoted_local=True,
            test_environment=True,
            allow_domain_literal=True,
            strict=False,
        )
    except library.EmailNotValidError:
        return _is_ascii_oddity(text)
    return True


def _ends_in_digits(text: str) -> bool:
    """Whether the last label of the domain is a number: no domain ends so, and an IP address stands in brackets."""
    last = text[text.rfind(".") + 1 :].rpartition("@")[2]
    return is_digits(unicodedata.normalize("NFKC", last)) if last else False


def _is_ascii_oddity(text: str) -> bool:
    """Reserved domains (example.invalid, x.local) that tests and intranets use."""
    local, _, domain = text.rpartition("@")
    return bool(_LOCAL.fullmatch(local)) and bool(_HOST.fullmatch(domain))


_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)


def parse_customer_id(value: object, *, longest: int) -> str:
    """A caller's own id: text, stored in NFC, or a whole number. Raises ValueError with a sentence."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("must be text or a whole number")
    text = composed(trim(value))
    if not 1 <= len(text) <= longest or not is_storable(text) or not text.isprintable():
        raise ValueError(f"must be 1 to {longest} printable characters")
    return text


def parse_uuid(value: object) -> bytes:
    """A customer's uuid as its 16 bytes. Raises ValueError with a sentence."""
    if isinstance(value, str):
        try:
            return uuids.UUID(value.strip()).bytes
        except ValueError:
            pass
    raise ValueError("must be a UUID such as 06743da2-9589-4c01-afda-e3d85e487fa7")


def uuid_text(value: bytes) -> str:
    """The canonical text of a uuid's 16 bytes."""
    digits = value.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_uuid() -> bytes:
    """A version 7 UUID (RFC 9562): time first, so that new ones stand together in an index.

    Its random bits tell customers apart and protect nothing, so they cost no system call.
    """
    head = now_ms() << 80 | 0x7 << 76
    return (head | random.getrandbits(12) << 64 | 0b10 << 62 | random.getrandbits(62)).to_bytes(16, "big")


def public_number(site: int, number: int) -> int:
    """The public number of a customer or log of a site."""
    return site << SITE_SHIFT | number


def split_number(value: int) -> tuple[int, int]:
    """A public number's (site, number within the site)."""
    return value >> SITE_SHIFT, value & (1 << SITE_SHIFT) - 1
