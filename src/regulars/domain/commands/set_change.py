"""Changes of a set: what a call does to the members of a relationship."""

from typing import Literal

SetChange = Literal["add", "remove", "replace"]
"""Adds members to a set, removes members from it, or makes it these and no others."""


def members_after(before: set[int], named: set[int], change: SetChange) -> set[int]:
    """The members that a set has after a change that names some."""
    match change:
        case "add":
            return before | named
        case "remove":
            return before - named
        case "replace":
            return named
