"""A short one of what `make torture` does for as long as is wanted."""

import random
from pathlib import Path

from .torture import torture


def test_kills_and_attacks_for_a_moment(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}")
    report = torture(tmp_path, seconds=4, seed=seed)
    assert report.acknowledged > 0
    assert report.statuses.total() > 0
