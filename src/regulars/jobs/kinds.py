"""The table of all job kinds. To add a kind, add a row here and a handler in a module of this package."""

from typing import Final

from regulars.jobs.kind import Kind
from regulars.jobs.pruning import prune

KINDS: Final[tuple[Kind, ...]] = (
    Kind(name="prune", meaning="deletes old changes, outbox rows and finished jobs", handler=prune, every=3_600),
)
