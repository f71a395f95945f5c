from pyroaring import BitMap

from regulars.audience.structures.bitmap_cache import BitmapCache


def test_the_ones_asked_least_of_late_go() -> None:
    remembered = BitmapCache(0)
    large = BitMap(range(0, 60_000, 2))
    for each in range(5):
        remembered.put(each, large)
        assert remembered.get(0) is large
    assert [each for each in range(5) if each in remembered] == [0, 2, 3, 4]
    assert 0 < remembered.nbytes <= 65_536
    assert remembered.get(1) is None


def test_an_answer_that_takes_most_of_the_room_is_not_kept() -> None:
    remembered = BitmapCache(0)
    everybody = BitMap(range(0, 1_000_000, 2))
    assert remembered.put("x", everybody) is everybody
    assert "x" not in remembered
