"""Compiled templates, kept where Python keeps compiled modules, so that only the first start compiles them."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket

_FOLDER: Final = Path(__file__).with_name("__pycache__")


class TemplateCache(FileSystemBytecodeCache):
    """Templates compiled by an earlier start, in `__pycache__`. Compiling all of them takes 0.7 seconds.

    As with Python's own files, it writes nothing where the folder is read-only, or where Python was told to keep none
    (`PYTHONDONTWRITEBYTECODE`). A template that changed is compiled again: its file holds a checksum of the source.
    """

    def __init__(self, folder: Path = _FOLDER) -> None:
        super().__init__(str(folder), f"%s.jinja-{version('jinja2')}.cache")

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one compiled template."""
        if sys.dont_write_bytecode:
            return
        try:
            Path(self.directory).mkdir(exist_ok=True)
            super().dump_bytecode(bucket)
        except OSError:
            return  # the next start compiles it again
