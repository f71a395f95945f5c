import random

import numpy as np
import pytest
from pyroaring import BitMap

from regulars.audience.structures.columns import Column, Numbering
from regulars.domain.changes import NULL


@pytest.mark.parametrize("numbers", [[1, 2, 3, 4], [2, 3, 7, 9]])
def test_numbers_and_ordinals(numbers: list[int]) -> None:
    numbering = Numbering()
    assert (len(numbering), numbering.last, numbering.ordinal(1)) == (0, 0, None)
    assert numbering.append(np.array(numbers[:2])) == range(2)
    assert numbering.append(np.array(numbers[2:])) == range(2, 4)
    assert [numbering.ordinal(each) for each in numbers] == [0, 1, 2, 3]
    assert [numbering.ordinal(each) for each in (0, 5, 10)] == [None] * 3
    assert numbering.ordinals(np.array([0, *numbers, 5, 100], dtype=np.uint32)).tolist() == [0, 1, 2, 3]
    assert numbering.numbers(np.array([3, 0])).tolist() == [numbers[3], numbers[0]]
    with pytest.raises(ValueError, match="ascend"):
        numbering.append(np.array([numbers[-1]]))


def test_ranges_leave_out_what_is_unset() -> None:
    column = Column()
    column.grow(20_000)
    column[3], column[5], column[19_999] = NULL + 1, 7, 2**63 - 1
    for within in (BitMap(range(20_000)), BitMap([3, 4, 5, 19_999])):
        assert list(column.between(None, None, within)) == [3, 5, 19_999]
        assert list(column.between(NULL, 7, within)) == [3, 5]
        assert list(column.between(7, 7, within)) == [5]
        assert list(column.between(8, 2**70, within)) == [19_999]
        assert list(column.between(2**70, None, within)) == []
        assert list(column.between(None, -(2**70), within)) == []
        assert list(column.between(9, 8, within)) == []


def test_a_column_knows_when_it_ascends() -> None:
    rng = random.Random(3)
    for _ in range(300):
        column = Column()
        truth: list[int] = []
        for _ in range(rng.randrange(4)):
            values = sorted(rng.choices([1, 2, 3, 5], k=rng.randrange(5)))
            if rng.random() < 0.2:
                values += [rng.choice([0, NULL])]
            column.grow(len(truth) + len(values))
            column.load(len(truth), np.array(values, dtype=np.int64))
            truth += values
        for _ in range(rng.randrange(6)):
            at, value = rng.randrange(len(truth) + 1), rng.choice([1, 3, 5, 7, NULL])
            truth[at : at + 1] = [value]
            column.grow(len(truth))
            column[at] = value
            assert not column.is_ascending or (NULL not in truth and truth == sorted(truth))
        assert column.values.tolist() == truth
        everyone = BitMap(range(len(truth)))
        for low, high in ((2, 4), (None, 3), (3, None), (5, 2)):
            expected = [
                at
                for at, value in enumerate(truth)
                if value != NULL and (low is None or low <= value) and (high is None or value <= high)
            ]
            assert list(column.between(low, high, everyone)) == expected


def test_ascending_times_of_creation_stay_known() -> None:
    column = Column()
    column.grow(3)
    column.load(0, np.array([5, 5, 8]))
    states = [column.is_ascending]
    column.grow(4)
    states.append(column.is_ascending)
    for at, value in ((3, 9), (1, 4)):
        column[at] = value
        states.append(column.is_ascending)
    assert states == [True, False, True, False]
