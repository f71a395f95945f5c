"""Jobs that calls begin start at once, not when the queue is looked at the next time."""

from pathlib import Path

import pytest

from regulars.jobs.runner import Runner

from ..in_process import application
from .jsonapi.test_imports import ended, finished


def test_a_job_starts_when_its_call_has_begun_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = Runner.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "poll_seconds", 3_600)
    with application(tmp_path, "sqlite", files_folder=str(tmp_path / "files")) as app:
        api = app.client()
        imported = finished(api, "email\na@example.com\nb@example.com\n")
        assert imported["attributes"]["state"] == "done"
        assert api.send("POST", f"/v1/imports/{imported['id']}/undo").status_code == 202
        again = finished(api, "email\nc@example.com\n")
        assert ended(api, again["id"])["attributes"]["summary"]["created"] == 1
