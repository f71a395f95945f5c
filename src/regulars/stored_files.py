"""Stored files: what callers upload, and what jobs write for them to download, in one folder by the number of the job.

The folder is next to the database, or one that all servers of a database share.
"""

import re
import secrets
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from regulars import files

_NAME: Final = re.compile(r"(?:upload-[0-9a-f]{16}|job-(?P<job>[0-9]+)\.[a-z]+(?:\.[a-z]+)*)", re.ASCII)


class StoredFiles:
    """The files in a folder, which is created when it is needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def upload(self) -> tuple[str, BinaryIO]:
        """A new file for what a caller sends, with its name. The caller closes it."""
        self._ensure()
        name = _upload_name()
        return name, files.create(self.folder / name)

    def link(self, earlier: str) -> str:
        """A new name of an uploaded file: each is deleted alone. Raises FileNotFoundError if the file is gone."""
        name = _upload_name()
        (self.folder / name).hardlink_to(self.folder / earlier)
        (self.folder / name).touch()
        return name

    def create(self, job: int, suffix: str) -> BinaryIO:
        """The file that a job writes, new or written anew. suffix: such as `csv`. The caller closes it."""
        self._ensure()
        path = self.path(job, suffix)
        path.unlink(missing_ok=True)
        return files.create(path)

    def path(self, job: int, suffix: str) -> Path:
        """Where a job writes its file."""
        return self.folder / f"job-{job}.{suffix}"

    def uploaded(self, name: str) -> Path:
        """Where an uploaded file is."""
        return self.folder / name

    def delete(self, name: str) -> None:
        """Delete an uploaded file, if it is there."""
        (self.folder / name).unlink(missing_ok=True)

    def delete_of(self, jobs: Collection[int], names: Collection[str]) -> int:
        """Delete the files that these jobs wrote, and uploaded files with these names; returns how many."""
        found = [
            path for path in self._all() if path.name in names or ((job := _job_of(path)) is not None and job in jobs)
        ]
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def delete_unused(self, used: Collection[str], *, before: float) -> int:
        """Delete uploaded files that no job uses, last written before this time (Unix seconds); returns how many."""
        count = 0
        for path in self._all():
            if _job_of(path) is None and path.name not in used and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                count += 1
        return count

    def prune(self, *, before: float) -> int:
        """Delete files last written before this time (Unix seconds); returns how many."""
        count = 0
        for path in self._all():
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                count += 1
        return count

    def _all(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from (path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))

    def _ensure(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _job_of(path: Path) -> int | None:
    """The job that wrote a file; None if the file was uploaded."""
    found = _NAME.fullmatch(path.name)
    return None if found is None or found["job"] is None else int(found["job"])


def _upload_name() -> str:
    return f"upload-{secrets.token_hex(8)}"
