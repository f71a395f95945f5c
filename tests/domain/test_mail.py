"""Mails: one log is one mail to one person, and its state does not depend on the order of reports."""

from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.mail import RANK, STATUSES, Log, advance, identify_log
from regulars.domain.moments import DAY

Report = tuple[str, int, str | None]
reports = st.lists(
    st.tuples(
        st.sampled_from([status for status in STATUSES if not status.startswith("re_")]),
        st.integers(0, 3),
        st.sampled_from([None, "one", "two"]),
    ),
    min_size=1,
    max_size=6,
)


def taken(order: list[Report]) -> Log:
    log = Log(1, b"", None, 1, None, None, None, 99, RANK["requested"], 99, "", None, None, None)
    for status, at, message in order:
        advance(log, status, at, message)
    return log


@given(reports.flatmap(lambda listed: st.tuples(st.just(listed), st.permutations(listed))))
def test_every_order_of_reports_ends_alike(orders: tuple[list[Report], list[Report]]) -> None:
    log = taken(orders[0])
    assert taken(orders[1]) == log
    ranks = [RANK[status] for status, _, _ in orders[0]]
    repeat = {"opened": "re_opened", "clicked": "re_clicked"}.get(STATUSES[max(ranks)])
    furthest = RANK[repeat] if repeat and ranks.count(max(ranks)) > 1 else max(ranks)
    assert log.status == furthest
    assert log.created_at == min(at for _, at, _ in orders[0])


def test_the_order_of_statuses_is_the_apis() -> None:
    assert STATUSES[:3] == ("requested", "triggered", "queued")
    assert [STATUSES[place] for place in (8, 9, 10, 11, 12, 13, 14, 15, 16)] == [
        *("deferred", "bounced", "delivered", "opened", "re_opened", "clicked", "re_clicked"),
        *("unsubscribed", "reported_as_spam"),
    ]


def test_messages_read_like_the_seeds() -> None:
    assert taken([("opened", 5, None)]).message == "Message has been opened"
    assert taken([("opened", 5, None), ("opened", 3, None)]).message == "Message has been re-opened"
    assert taken([("opened", 5, "SendGrid: Message has been opened")]).message == "SendGrid: Message has been opened"


def test_a_repeat_is_counted_and_later_than_the_first() -> None:
    log = taken([("opened", 7, None), ("opened", 3, None), ("clicked", 1, None)])
    assert (log.opens, log.clicks, STATUSES[log.status], log.status_at) == (2, 1, "clicked", 1)
    assert taken([("opened", 7, None), ("opened", 3, None)]).status_at == 7


def test_a_log_brought_its_id_or_gets_one_that_names_its_site() -> None:
    log = taken([])
    assert log.public_id(3) == f"log_{3 * 2**32 + 1}"
    log.key = "log_abc"
    assert log.public_id(3) == "log_abc"


def test_which_mail_an_event_is_about() -> None:
    def identity(key: str | None = None, customer: int = 1, at: int = 0, **objects: int) -> bytes:
        return identify_log(key, customer, objects, at)

    assert identity(key="k", broadcast=1) == identity(key="k", at=DAY)
    assert identity(broadcast=1) == identity(broadcast=1, template=5, at=DAY)
    assert identity(template=1, at=1) == identity(template=1, at=DAY - 1)
    several = [
        *(
            identity(key="k"),
            identity(key="l"),
            identity(key="k", customer=2),
            identity(broadcast=1),
            identity(broadcast=1, customer=2),
        ),
        *(identity(broadcast=2), identity(template=1), identity(template=1, at=DAY), identity(sequence=1), identity()),
    ]
    assert len(set(several)) == len(several)
