"""The reject file of `regulars import`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regulars import files
from regulars.cli.output import FailedError
from regulars.importing.inputs import Input
from regulars.importing.rejects import Rejects, is_reject, rejects_of
from regulars.store.store import files_of


@contextmanager
def reject_file(path: Path | None, imported: str, database: str, source: Input) -> Iterator[Rejects | None]:
    """The file to write refused lines to, None without a path. Raises FailedError if it cannot be written.

    An existing file is only overwritten if it is empty or a reject file.
    """
    if path is None:
        yield None
        return
    if path.absolute() in files_of(database):
        raise FailedError(f"--rejects: {path} belongs to the database; choose another name")
    try:
        if path.exists() and Path(imported).exists() and path.samefile(imported):
            raise FailedError("--rejects must not be the file that is imported")
        stream = files.rewrite(path, is_reject)
    except FileExistsError as error:
        raise FailedError(f"--rejects: {path} already exists and is not a reject file; choose another name") from error
    except OSError as error:
        raise FailedError(f"--rejects: {path} cannot be written: {error.strerror}") from error
    with stream:
        yield rejects_of(source, stream)
