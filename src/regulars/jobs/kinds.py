"""The table of all job kinds. To add a kind, add a row here and a handler in a module of this package."""

from typing import Final

from regulars.jobs.audience_history import record_history
from regulars.jobs.bulk_actions import BULK_ACTION, BULK_ATTEMPTS, run_bulk_action
from regulars.jobs.consent_requests import drop_unconfirmed, expire_requests
from regulars.jobs.deleted_ties import remove
from regulars.jobs.duplicates import find_duplicates
from regulars.jobs.erased_files import again as clean_again
from regulars.jobs.erased_files import clean_files
from regulars.jobs.exports import EXPORT, write_export
from regulars.jobs.file_imports import ATTEMPTS, IMPORT_FILE, import_file
from regulars.jobs.import_undo import UNDO_ATTEMPTS, UNDO_IMPORT, undo_import
from regulars.jobs.kind import Kind
from regulars.jobs.pruning import prune
from regulars.jobs.revenue import count_revenue
from regulars.jobs.titles import restore
from regulars.jobs.watching import again, watch
from regulars.store.audience_watches import RECORD_HISTORY, WATCH_AUDIENCES
from regulars.store.deleted_ties import REMOVE_DELETED_TIES
from regulars.store.duplicates import FIND_DUPLICATES
from regulars.store.erasing import ERASE_FILES
from regulars.store.site_settings import COUNT_ATTEMPTS, COUNT_REVENUE

KINDS: Final[tuple[Kind, ...]] = (
    Kind(name="prune", meaning="deletes old changes, outbox rows, files and finished jobs", handler=prune, every=3_600),
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
        name=ERASE_FILES,
        meaning="cleans the files after erasures; an erasure makes it due",
        handler=clean_files,
        every=3_600,
        timeout=6 * 3_600,
        again=clean_again,
        is_alone=True,
    ),
    Kind(
        name=WATCH_AUDIENCES,
        meaning="records who enters and leaves watched audiences; goes on while there are any",
        handler=watch,
        every=60,
        again=again,
        is_alone=True,
    ),
    Kind(
        name=RECORD_HISTORY,
        meaning="records how many customers each audience has, once a day and after a change of its question",
        handler=record_history,
        every=300,
    ),
    Kind(
        name=FIND_DUPLICATES,
        meaning="finds customers who may be the same, once a day",
        handler=find_duplicates,
        every=86_400,
        timeout=6 * 3_600,
        is_alone=True,
    ),
    Kind(
        name="expire_consent_requests",
        meaning="closes requests for consent that nobody confirmed in time",
        handler=expire_requests,
        every=60,
    ),
    Kind(
        name="drop_unconfirmed_requests",
        meaning="drops requests for consent that were never confirmed, and customers who are nothing else",
        handler=drop_unconfirmed,
        every=3_600,
    ),
    Kind(
        name=EXPORT,
        meaning="writes an export to a file, as `POST /v1/exports` asks for",
        handler=write_export,
        timeout=6 * 3_600,
        attempts=3,
        is_alone=True,
    ),
    Kind(
        name=COUNT_REVENUE,
        meaning="counts the revenue of a site's customers in its new currency",
        handler=count_revenue,
        attempts=COUNT_ATTEMPTS,
    ),
    Kind(
        name=IMPORT_FILE,
        meaning="imports an uploaded file",
        handler=import_file,
        attempts=ATTEMPTS,
        timeout=24 * 3_600,
        is_alone=True,
    ),
    Kind(
        name=BULK_ACTION,
        meaning="does one thing to many customers, as `POST /v1/bulk_actions` asks for",
        handler=run_bulk_action,
        attempts=BULK_ATTEMPTS,
        timeout=24 * 3_600,
        is_alone=True,
    ),
    Kind(
        name=UNDO_IMPORT,
        meaning="undoes an import of an uploaded file, or a bulk action",
        handler=undo_import,
        attempts=UNDO_ATTEMPTS,
        timeout=24 * 3_600,
        is_alone=True,
    ),
)
