"""Changes of a set: how a call changes the members of a relationship."""

from typing import Literal

SetChange = Literal["add", "remove", "replace"]
"""Add members to a set, remove members from it, or replace them all."""


def members_after(before: set[int], named: set[int], change: SetChange) -> set[int]:
    """The members of a set after a change."""
    match change:
        case "add":
            return before | named
        case "remove":
            return before - named
        case "replace":
            return named
