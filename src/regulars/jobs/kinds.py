"""The table of all job kinds. To add a kind, add a row here and a handler in a module of this package."""

from typing import Final

from regulars.jobs.deleted_ties import remove
from regulars.jobs.kind import Kind
from regulars.jobs.pruning import prune
from regulars.jobs.revenue import count_revenue
from regulars.jobs.titles import restore
from regulars.store.deleted_ties import REMOVE_DELETED_TIES
from regulars.store.site_settings import COUNT_ATTEMPTS, COUNT_REVENUE

KINDS: Final[tuple[Kind, ...]] = (
    Kind(name="prune", meaning="deletes old changes, outbox rows and finished jobs", handler=prune, every=3_600),
    Kind(
        name="titles",
        meaning="corrects lists of objects, to which servers older than version 8 of the schema add nothing",
        handler=restore,
        every=3_600,
    ),
    Kind(
        name=REMOVE_DELETED_TIES,
        meaning="removes the ties of deleted objects; a deletion makes it due",
        handler=remove,
        every=3_600,
    ),
    Kind(
        name=COUNT_REVENUE,
        meaning="counts the revenue of a site's customers in its new currency",
        handler=count_revenue,
        attempts=COUNT_ATTEMPTS,
    ),
)
