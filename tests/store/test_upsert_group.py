"""Upserts that count as one, through the ledger: on either engine nothing is written of what came to nothing."""

from regulars.domain.commands import UpsertGroup
from regulars.domain.outcome import Outcome

from .chain import assert_replay_gives_the_tables
from .running import Running, activity, stored_customers, stored_ties, upsert, with_store

BACK_AND_FORTH = UpsertGroup(
    (
        upsert(email="a@x.org", city="Rome", unsubscribed=True, groups=["g"]),
        upsert(email="a@x.org", city="Oslo", unsubscribed=False, customer_id="1"),
        upsert(customer_id="1", city="Bonn", gender="female"),
    )
)


def verdicts(outcome: Outcome) -> list[str]:
    return [part.verdict for part in outcome.parts]


@with_store()
async def test_a_repeat_of_what_contradicts_itself_writes_nothing(at: Running) -> None:
    assert verdicts(await at.store.ledger.submit(1, BACK_AND_FORTH)) == ["created", "updated", "updated"]
    assert_replay_gives_the_tables(at.path)

    def written() -> tuple[object, ...]:
        return (
            at.head(),
            stored_customers(at.path),
            stored_ties(at.path),
            at.rows("SELECT customer, at, granted FROM consents ORDER BY number"),
        )

    before = written()
    assert verdicts(await at.store.ledger.submit(1, BACK_AND_FORTH)) == ["unchanged"] * 3
    assert written() == before


@with_store()
async def test_what_others_do_in_the_same_batch_stays(at: Running) -> None:
    await at.store.ledger.submit(1, BACK_AND_FORTH)
    first, visited, again, other = await at.store.ledger.submit_all(
        1,
        [
            upsert(email="a@x.org", firstname="Anna"),
            activity("visit", email="a@x.org"),
            BACK_AND_FORTH,
            upsert(email="b@x.org"),
        ],
    )
    assert (first.verdict, visited.verdict, verdicts(again), other.verdict) == (
        "updated",
        "updated",
        ["unchanged"] * 3,
        "created",
    )
    anna, _ = stored_customers(at.path).values()
    assert (anna.firstname, anna.address_city, anna.lifetime_visits) == ("Anna", "Bonn", 1)
    assert_replay_gives_the_tables(at.path)
