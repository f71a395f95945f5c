import numpy as np
import pytest
from pyroaring import BitMap

from regulars.audience.columns import Column, Numbering
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
