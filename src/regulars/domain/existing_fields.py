"""What a profile does to the fields of a customer who is there."""

from typing import Final, Literal, get_args

Existing = Literal["overwrite", "fill", "skip"]
"""What a profile does to the fields of a customer who is there: set them, set those that are empty, or none."""

EXISTING: Final[tuple[Existing, ...]] = get_args(Existing)
