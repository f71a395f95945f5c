"""The migration steps: what each schema version added to the one before, oldest first.

Append only. `schema.py` describes the current tables; a step's SQL is written out here because it must not change with
them. See docs/architecture.md, "Migrations", for how to add a step.
"""

from typing import Final

from regulars.store.migration_steps.step import Backfill, Step, on_every_engine
from regulars.store.migration_steps.steps_1_to_21 import KEYS, STEPS_1_TO_21
from regulars.store.migration_steps.steps_from_22 import STEPS_FROM_22

__all__ = ["KEYS", "STEPS", "Backfill", "Step", "on_every_engine"]

STEPS: Final = (*STEPS_1_TO_21, *STEPS_FROM_22)
