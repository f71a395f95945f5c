"""Libraries that take long to import and that only some values need.

A server imports them before it listens (`load_all`), so that no request waits for them. Commands import each when a
value needs it, and most commands need none.
"""

from functools import cache
from typing import Any


@cache
def addresses() -> Any:
    """`email_validator`, which checks the syntax of an email address."""
    import email_validator

    return email_validator


@cache
def languages() -> Any:
    """`langcodes`, which knows the tags of languages."""
    import langcodes

    return langcodes


@cache
def phones() -> Any:
    """`phonenumbers`, which reads phone numbers as they are written in each country."""
    import phonenumbers

    return phonenumbers


def load_all() -> None:
    """Import all of them."""
    for library in (addresses, languages, phones):
        library()
