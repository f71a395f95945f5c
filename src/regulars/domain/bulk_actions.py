"""Bulk actions: what can be done to many customers at once, as one command for each of them."""

from collections.abc import Callable
from typing import Any, Final, Literal, get_args

from msgspec import Struct

from regulars.domain.audiences import MEMBER
from regulars.domain.commands import Command, MoveTie, SetTie, Upsert
from regulars.domain.consent_fields import ATTRIBUTES
from regulars.domain.existing_fields import Existing
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.profile import Profile, parse_profile

ActionName = Literal["add_tag", "remove_tag", "replace_tag", "add_to_list", "remove_from_list", "set_attribute"]
ACTIONS: Final[tuple[ActionName, ...]] = get_args(ActionName)

TIES: Final[dict[str, tuple[str, bool]]] = {
    "add_tag": ("tag.has", True),
    "remove_tag": ("tag.has", False),
    "replace_tag": ("tag.has", False),
    "add_to_list": (MEMBER, True),
    "remove_from_list": (MEMBER, False),
}
"""The relation that an action changes, and whether it holds afterwards."""

OBJECTS: Final = {
    "add_tag": "tag",
    "remove_tag": "tag",
    "replace_tag": "tag",
    "add_to_list": "list",
    "remove_from_list": "list",
}
"""The member of an action that names its object."""

REPLACE: Final = "replace_tag"
BY: Final = "by"
"""The member of `replace_tag` that names the tag which customers get instead."""


class BulkAction(Struct, frozen=True):
    """What to do to each customer; its JSON form is stored with the job.

    object: the number of the tag or list. by: that of the tag which replace_tag puts in its place. attribute, value: of
    set_attribute; None takes the attribute away. existing:
    "fill" leaves customers who have a value as they are.
    """

    type: ActionName
    object: int | None = None
    by: int | None = None
    attribute: str | None = None
    value: Any = None
    existing: Existing = "overwrite"

    @property
    def title(self) -> str:
        """What it does, for records."""
        return f"{self.type} {self.attribute if self.object is None else self.object}"


def profile_of(action: BulkAction, limits: Limits) -> Profile:
    """What set_attribute says about a customer, whoever it is. Raises RefusedError for what cannot be stored."""
    assert action.attribute is not None
    body = {"customer_id": "any", ATTRIBUTES[0]: {action.attribute: action.value}}
    profile = parse_profile(body, limits=limits, strict=True)
    profile.existing = action.existing
    return profile


def commands_of(action: BulkAction, limits: Limits) -> Callable[[int], Command]:
    """Makes the command for a customer by its number. Raises RefusedError for an attribute that cannot be stored."""
    if action.object is not None:
        number = action.object
        relation, holds = TIES[action.type]
        if action.by is not None:
            by = action.by
            return lambda customer: MoveTie(Who(number=customer), relation, number, by)
        return lambda customer: SetTie(Who(number=customer), relation, number, holds)
    given = profile_of(action, limits)
    return lambda customer: Upsert(
        Profile(Who(number=customer), dict(given.fields), dict(given.attributes), existing=given.existing)
    )
