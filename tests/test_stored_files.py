import os
from pathlib import Path

import pytest

from regulars.settings import Settings
from regulars.stored_files import StoredFiles


def test_what_is_uploaded_and_written_is_found_again(tmp_path: Path) -> None:
    stored = StoredFiles(tmp_path / "files")
    name, file = stored.upload()
    with file:
        file.write(b"email\n")
    assert stored.uploaded(name).read_bytes() == b"email\n"
    for content in (b"first", b"again"):
        with stored.create(7, "rejects.csv") as file:
            file.write(content)
    assert stored.path(7, "rejects.csv").read_bytes() == b"again"
    assert all(path.stat().st_mode & 0o077 == 0 for path in (stored.folder, *stored.folder.iterdir()))
    stored.delete(name)
    stored.delete(name)
    assert [path.name for path in stored.folder.iterdir()] == ["job-7.rejects.csv"]


def test_only_old_files_of_ours_are_pruned(tmp_path: Path) -> None:
    stored = StoredFiles(tmp_path)
    assert StoredFiles(tmp_path / "missing").prune(before=1e12) == 0
    for name in ("job-1.csv", "job-2.csv", "upload-0123456789abcdef", "mine.csv"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000, 1000 if name != "job-2.csv" else 3000))
    assert stored.prune(before=2000) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job-2.csv", "mine.csv"]


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ({}, "regulars.db.files"),
        ({"database": "postgresql://h/d"}, None),
        ({"database": "sqlite:///x/y.db"}, "x/y.db.files"),
    ],
)
def test_the_folder_is_next_to_the_file(given: dict[str, str], folder: str | None) -> None:
    assert Settings(**given).files == (None if folder is None else Path(folder))  # type: ignore[arg-type]
    shared = Settings(**given, files_folder="/srv").files  # type: ignore[arg-type]
    assert shared is not None
    assert shared.parent == Path("/srv")
