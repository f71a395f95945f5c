"""Jobs that callers begin and see, such as imports and exports, and the folder with their files."""

from typing import Final

from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.keyring import Caller
from regulars.store import jobs
from regulars.store.jobs import Job
from regulars.stored_files import StoredFiles

_LONGEST_ID: Final = 15


def stored_files(call: Call) -> StoredFiles:
    """The files of this server. Raises Problem if it keeps none."""
    folder = call.services.settings.files
    if folder is None:
        raise Problem("unprocessable", "This server has no folder for files: set REGULARS_FILES_FOLDER.")
    return StoredFiles(folder)


async def job_of_path(call: Call, caller: Caller, kind: str, noun: str) -> Job:
    """The job that the path names, of a kind. Raises Problem if it does not exist, or is another account's."""
    number = whole_number(call.path("id"), longest=_LONGEST_ID)
    job = None if number is None else await job_of_number(call, number)
    if job is None or job.kind != kind or job.site not in caller.sites:
        raise Problem("object_not_found", f"No {noun} has this id.")
    return job


async def job_of_number(call: Call, number: int) -> Job | None:
    """A job by its number."""
    async with call.services.store.snapshot() as connection:
        return await jobs.job_of(connection, number)
