"""The table of all job kinds. To add a kind, add a row here and a handler in a module of this package."""

from typing import Final

from regulars.jobs.kind import Kind
from regulars.jobs.pruning import prune
from regulars.jobs.titles import restore

KINDS: Final[tuple[Kind, ...]] = (
    Kind(name="prune", meaning="deletes old changes, outbox rows and finished jobs", handler=prune, every=3_600),
    Kind(
        name="titles",
        meaning="corrects lists of objects, to which servers older than version 8 of the schema add nothing",
        handler=restore,
        every=3_600,
    ),
)
