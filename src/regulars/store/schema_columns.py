"""The column types used in the tables."""

from typing import Final

from sqlalchemy import BigInteger, Column, MetaData, Text

metadata: Final = MetaData()


def number(name: str, *, nullable: bool = False) -> Column[int]:
    """A 64-bit integer."""
    return Column(name, BigInteger, nullable=nullable)


def text(name: str, *, nullable: bool = True) -> Column[str]:
    """A text of any length."""
    return Column(name, Text, nullable=nullable)


def moment(name: str, *, nullable: bool = True) -> Column[int]:
    """Milliseconds since 1970-01-01 UTC."""
    return Column(name, BigInteger, nullable=nullable)
