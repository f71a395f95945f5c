"""The job that deletes data past its retention period."""

from functools import partial
from typing import Any, Final

from regulars.domain.moments import DAY, SECOND
from regulars.jobs.exports import FILE_DAYS
from regulars.jobs.kind import Work
from regulars.store import control
from regulars.store.audience_watches import kept_since
from regulars.store.jobs import prune_jobs
from regulars.store.pruning import (
    forget_merges,
    prune_account_audit_events,
    prune_anonymous,
    prune_audit_events,
    prune_changes,
    prune_import_changes,
    prune_outbox,
    prune_points,
)
from regulars.store.threads import off_loop
from regulars.stored_files import StoredFiles

_JOBS_DAYS: Final = 30
"""How long finished jobs are kept."""


async def prune(work: Work) -> dict[str, Any]:
    """Delete old changes, outbox events, anonymous events, figures of audiences, files, and jobs that ended long ago.

    And what old imports replaced, what would undo old merges, and old entries of the audit trail. One site per step.
    """
    store, settings, now = work.context.store, work.context.settings, work.context.clock()
    async with store.snapshot() as connection:
        sites = await control.list_sites(connection)
    changes = outbox = anonymous = points = imports = audit = merges = 0
    audit_before = now - settings.audit_retention_days * DAY
    for done, site in enumerate(sites, 1):
        before = now - settings.change_retention_days * DAY
        changes += await prune_changes(store.engine, site.id, before=before, until=work.context.saved_change(site.id))
        outbox += await prune_outbox(store.engine, site.id, before=now - settings.outbox_retention_days * DAY)
        anonymous_before = now - settings.anonymous_retention_days * DAY
        anonymous += await prune_anonymous(store.engine, site.id, before=anonymous_before)
        points += await prune_points(store.engine, site.id, before=kept_since(now))
        imports_before = now - settings.import_retention_days * DAY
        imports += await prune_import_changes(store.engine, site.id, before=imports_before)
        audit += await prune_audit_events(store.engine, site.id, before=audit_before)
        merges += await forget_merges(store.engine, site.id, before=now - settings.merge_retention_days * DAY)
        await work.tell(done, len(sites))
    await prune_account_audit_events(store.engine, before=audit_before)
    files = 0
    if settings.files is not None:
        files = await off_loop(partial(StoredFiles(settings.files).prune, before=(now - FILE_DAYS * DAY) / SECOND))
    jobs = await prune_jobs(store.engine, before=now - _JOBS_DAYS * DAY)
    return {
        "changes": changes,
        "outbox": outbox,
        "anonymous_events": anonymous,
        "audience_points": points,
        "import_changes": imports,
        "audit_events": audit,
        "merges": merges,
        "jobs": jobs,
        "files": files,
    }
