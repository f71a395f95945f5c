"""Open a database, ask one question, print [seconds, MB]: `python -m bench.restart FILE`, in a new process."""

import asyncio
import json
import sys
from pathlib import Path

from bench.audience import restart

if __name__ == "__main__":
    print(json.dumps(asyncio.run(restart(Path(sys.argv[1])))))
