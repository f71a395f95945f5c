"""History that arrives after the fact: profiles follow it, and our own log ids name the mails they stand for."""

from regulars.domain.identity import public_number
from regulars.domain.mail import own_number
from tests.domain.memory import MemorySite

DAY = 86_400_000


def test_a_profile_imported_in_order_ends_as_its_latest_report() -> None:
    site = MemorySite()
    for at, city in ((DAY, "Rome"), (2 * DAY, "Oslo")):
        site.record("identify", {"email": "a@b.co", "timestamp": at // 1000, "data": {"city": city}})
    assert site.customer("a@b.co").address_city == "Oslo"


def test_a_customer_first_seen_in_an_old_event_takes_later_profiles() -> None:
    site = MemorySite()
    site.record("visit", {"email": "a@b.co", "timestamp": DAY // 1000})
    for at, city in ((2 * DAY, "Rome"), (3 * DAY, "Oslo")):
        site.record("identify", {"email": "a@b.co", "timestamp": at // 1000, "data": {"city": city}})
    assert site.customer("a@b.co").address_city == "Oslo"


def test_our_log_ids_are_told_from_others() -> None:
    mine = f"log_{public_number(3, 7)}"
    assert own_number(mine, 3) == 7
    for other in (own_number(mine, 4), own_number("log_asdf1234qwerty", 3), own_number("7", 3), own_number("log_", 3)):
        assert other is None
