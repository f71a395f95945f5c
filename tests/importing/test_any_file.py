"""Any bytes are a file that is read, or one that is refused with a sentence."""

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.importing.columns.mapping import MappingError
from regulars.importing.inputs import open_input
from regulars.importing.reading.opening import UnreadableFileError

HEADS = st.sampled_from(
    [
        b"",
        b"email,name\n",
        b"E-Mail;Kunde seit;Tags\n",
        b"[",
        b"{",
        b"\x1f\x8b",
        b"PK\x03\x04",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
    ]
)
CELLS = st.text(alphabet="ab1@.,;|\t\"'\n\r\x00=+-/ é", max_size=40)
FILES = st.tuples(HEADS, st.one_of(st.binary(max_size=200), CELLS.map(str.encode))).map(b"".join)


@given(content=FILES, kind=st.sampled_from(["customers", "activity"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    try:
        with open_input(str(path), kind) as source:
            lines = list(source)
            again = list(source)
    except (UnreadableFileError, MappingError) as error:
        assert len(str(error)) > 10
        return
    assert [line[:2] for line in lines] == [line[:2] for line in again]
    for line in lines:
        if line.record is not None and line.record.refusal is None:
            assert isinstance(json.loads(line.raw), dict)
