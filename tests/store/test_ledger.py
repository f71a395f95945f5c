"""The ledger: one order per site, many commands a commit, and every answer a promise."""

import asyncio
from pathlib import Path
from typing import Any

import apsw
import pytest
from msgspec import Struct

from regulars.domain.changes import Entry
from regulars.domain.commands import DeleteCustomer, DeleteObject, Needs, Rebuild, Relate, SaveObject
from regulars.domain.faults import UnknownSiteError
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.objects import OWN_NUMBERS
from regulars.domain.outcome import Outcome
from regulars.domain.relations import BY_NAME
from regulars.domain.working import WorkingSet
from regulars.store.engine import UnavailableError
from regulars.store.ledger import CommandFailedError, QueueFullError
from regulars.store.sqlite import SqliteEngine
from regulars.store.store import Store

from .chain import assert_replay_gives_the_tables, records
from .running import Running, activity, on_sqlite, running, stored_customers, stored_ties, upsert, with_store

TAG = BY_NAME["tag.has"].code
FIRST = OWN_NUMBERS.start + 1
"""The number of the first object of a kind that is given one."""


class Poison(Struct, frozen=True):
    """A command whose rule meets an error that nobody foresaw, after it has changed something."""

    def declare(self, needs: Needs) -> None:
        """Nothing."""

    def weight(self) -> int:
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        work.create(Who(email="poison@example.com", email_key="poison@example.com"))
        raise ZeroDivisionError("unforeseen")


def who(email: str) -> Who:
    return Who(email_key=email)


def emails(at: Running, site: int = 1) -> set[str | None]:
    return {customer.email for customer in stored_customers(at.path, site).values()}


# -- group commit ---------------------------------------------------------------------------------------------


@with_store()
async def test_concurrent_submits_share_transactions(at: Running) -> None:
    ledger = at.store.ledger
    outcomes = await asyncio.gather(*(at.upsert(email=f"u{n}@example.com") for n in range(200)))
    assert {outcome.verdict for outcome in outcomes} == {"created"}
    assert ledger.commands == 200
    assert ledger.commits <= 3
    assert len(records(at.path)) == ledger.commits


@with_store(largest_batch=10)
async def test_a_batch_has_a_largest_size(at: Running) -> None:
    await at.store.ledger.submit_all(1, [upsert(email=f"u{n}@example.com") for n in range(25)])
    assert [len(change[0].entries) for change in records(at.path)] == [10, 10, 5]


@with_store()
async def test_commands_of_a_site_are_carried_out_in_the_order_they_came(at: Running) -> None:
    outcomes = await asyncio.gather(*(at.upsert(email="a@example.com", data={"n": n}) for n in range(50)))
    assert [outcome.verdict for outcome in outcomes] == ["created"] + ["updated"] * 49
    assert stored_customers(at.path)[1].attributes == '{"n":49}'


@with_store()
async def test_numbers_ascend_in_the_order_of_creation(at: Running) -> None:
    outcomes = await asyncio.gather(*(at.upsert(customer_id=f"c{n}") for n in range(50)))
    assert [outcome.person.customer.number for outcome in outcomes if outcome.person] == list(range(1, 51))


@with_store()
async def test_an_answer_comes_after_the_commit(at: Running) -> None:
    async def write_and_look(n: int) -> None:
        await at.upsert(email=f"u{n}@example.com")
        assert f"u{n}@example.com" in emails(at)

    await asyncio.gather(*(write_and_look(n) for n in range(20)))


# -- verdicts -------------------------------------------------------------------------------------------------


@with_store()
async def test_created_updated_unchanged(at: Running) -> None:
    body: dict[str, Any] = {
        "email": "Anna@Example.com",
        "name": "Anna Smith",
        "data": {"city": "Rome", "plan": None, "n": [1]},
        "groups": ["g"],
        "subscription_groups": [{"id": "n", "subscribed": False}],
        "unsubscribed": 1,
    }
    created = await at.upsert(**body)
    assert created.verdict == "created"
    head, before = at.head(), stored_customers(at.path)
    assert (await at.upsert(**body)).verdict == "unchanged"
    assert (await at.upsert(email="anna@example.com")).verdict == "unchanged"
    assert (at.head(), stored_customers(at.path)) == (head, before)
    assert len(records(at.path)) == head[0] == 1
    updated = await at.upsert(email="anna@example.com", data={"plan": "gold"})
    assert updated.verdict == "updated"
    after = stored_customers(at.path)[1]
    assert after.updated_at > before[1].updated_at
    assert at.head()[0] == 2
    assert after.changed_at is not None
    assert records(at.path)[-1][0].entries == [  # that they changed, and not to what
        Entry(1, columns=[(14, after.changed_at)], attributes=True)
    ]


@with_store()
async def test_a_refused_command_changes_nothing_and_fails_alone(at: Running) -> None:
    await at.store.ledger.submit_all(1, [upsert(email="a@example.com"), upsert(customer_id="b")])
    head = at.head()
    outcomes = await at.store.ledger.submit_all(
        1,
        [
            upsert(email="a@example.com", customer_id="b", firstname="X"),
            DeleteObject("tag", "nope"),
            Relate(who("nobody@example.com"), "tag.has", (1,), "add"),
            SaveObject(kind="tag", reference=7, name="x"),
            upsert(uuid="06743da2-9589-4c01-afda-e3d85e487fa7"),
        ],
    )
    assert [outcome.refusal and outcome.refusal.code for outcome in outcomes] == [
        *("identity_conflict", "object_not_found", "customer_not_found", "object_not_found", "customer_not_found")
    ]
    assert at.head() == head
    good, bad = await at.store.ledger.submit_all(
        1, [upsert(email="c@example.com"), upsert(email="a@example.com", customer_id="b")]
    )
    assert (good.verdict, bad.refusal is not None) == ("created", True)
    assert at.head()[0] == head[0] + 1


@with_store(sites=2)
async def test_a_site_whose_commands_changed_nothing_keeps_its_head(at: Running) -> None:
    for site in (1, 2):
        await at.upsert(site, email="a@example.com")
    quiet, busy = at.head(1), at.head(2)
    verdicts = await asyncio.gather(
        at.upsert(1, email="a@example.com"),
        at.upsert(2, email="a@example.com", firstname="A"),
        at.upsert(2, email="b@b.co"),
    )
    assert at.store.ledger.commits == 2 + (1 if at.store.engine.one_writer else 2)
    assert [outcome.verdict for outcome in verdicts] == ["unchanged", "updated", "created"]
    assert at.head(1) == quiet
    assert at.head(2)[0] == busy[0] + 1
    await at.upsert(1, email="a@example.com", firstname="A")
    for site in (1, 2):
        assert_replay_gives_the_tables(at.path, site)


# -- what goes wrong ------------------------------------------------------------------------------------------


@with_store(sites=2)
async def test_a_poisoned_command_fails_alone(at: Running) -> None:
    ledger = at.store.ledger
    commands: list[tuple[int, Any]] = [
        *((1, upsert(email="a@example.com")), (1, Poison()), (2, upsert(email="b@example.com"))),
        *(
            (1, activity("visit", email="a@example.com")),
            (2, Poison()),
            (1, upsert(email="a@example.com", data={"n": 1})),
        ),
    ]
    results = await asyncio.gather(*(ledger.submit(*one) for one in commands), return_exceptions=True)
    assert [type(result).__name__ for result in results] == [
        *("Outcome", "CommandFailedError", "Outcome", "Outcome", "CommandFailedError", "Outcome")
    ]
    assert isinstance(results[1], CommandFailedError)
    assert isinstance(results[1].__cause__, ZeroDivisionError)
    assert (emails(at, 1), emails(at, 2)) == ({"a@example.com"}, {"b@example.com"})
    assert stored_customers(at.path)[1].lifetime_visits == 1
    for site in (1, 2):
        assert_replay_gives_the_tables(at.path, site)
    assert (await at.upsert(email="c@example.com")).verdict == "created"


@with_store()
async def test_a_poisoned_command_among_others_of_its_caller(at: Running) -> None:
    commands: list[Any] = [upsert(email="a@example.com"), Poison(), upsert(email="b@example.com"), Poison()]
    outcomes = await at.store.ledger.submit_all(1, commands)
    assert [outcome.verdict for outcome in outcomes[::2]] == ["created", "created"]
    assert [outcome.refusal and outcome.refusal.code for outcome in outcomes] == [None, "internal", None, "internal"]
    assert emails(at) == {"a@example.com", "b@example.com"}
    with pytest.raises(CommandFailedError, match="Poison"):
        await at.store.ledger.submit_all(1, commands[1::2])


@with_store()
async def test_a_poisoned_command_by_itself(at: Running) -> None:
    with pytest.raises(CommandFailedError, match="Poison"):
        await at.store.ledger.submit(1, Poison())
    assert emails(at) == set()
    assert (await at.upsert(email="a@example.com")).verdict == "created"


@with_store()
async def test_an_unknown_site_fails_alone(at: Running) -> None:
    results = await asyncio.gather(
        *(at.upsert(site, email=f"{n}@example.com") for n, site in enumerate((1, 99, 1, 98))), return_exceptions=True
    )
    assert [type(result).__name__ for result in results] == [
        "Outcome",
        "UnknownSiteError",
        "Outcome",
        "UnknownSiteError",
    ]
    assert emails(at) == {"0@example.com", "2@example.com"}
    assert_replay_gives_the_tables(at.path)
    with pytest.raises(UnknownSiteError):
        await at.upsert(99, email="a@example.com")


@with_store(capacity=5)
async def test_a_full_queue_takes_in_nothing(at: Running) -> None:
    ledger = at.store.ledger
    waiting = [asyncio.ensure_future(at.upsert(email=f"u{n}@example.com")) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(QueueFullError):
        await ledger.submit_all(1, [upsert(email=f"v{n}@example.com") for n in range(3)])
    more = await ledger.submit_all(1, [upsert(email=f"w{n}@example.com") for n in range(2)])
    assert len(more) == 2
    await asyncio.gather(*waiting)
    assert emails(at) == {f"u{n}@example.com" for n in range(3)} | {f"w{n}@example.com" for n in range(2)}
    results = await asyncio.gather(*(at.upsert(customer_id=f"c{n}") for n in range(9)), return_exceptions=True)
    assert [isinstance(result, QueueFullError) for result in results] == [False] * 5 + [True] * 4
    assert (await at.upsert(customer_id="again")).verdict == "created"


@with_store(capacity=3)
async def test_failures_give_their_places_in_the_queue_back(at: Running) -> None:
    for _ in range(4):
        results = await asyncio.gather(
            at.store.ledger.submit(1, Poison()),
            at.upsert(99, email="a@example.com"),
            at.upsert(email="a@example.com"),
            return_exceptions=True,
        )
        assert not any(isinstance(result, QueueFullError) for result in results)


@with_store()
async def test_the_command_of_a_caller_who_left_is_carried_out(at: Running) -> None:
    leaving = [asyncio.ensure_future(at.upsert(email=f"u{n}@example.com")) for n in range(3)]
    bulk = asyncio.ensure_future(at.store.ledger.submit_all(1, [upsert(email="bulk@example.com")]))
    await asyncio.sleep(0)
    for task in (*leaving[:2], bulk):
        task.cancel()
    await leaving[2]
    results = await asyncio.gather(*leaving, bulk, return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["CancelledError"] * 2 + ["Outcome", "CancelledError"]
    await at.upsert(email="last@example.com")
    assert emails(at) == {*(f"u{n}@example.com" for n in range(3)), "bulk@example.com", "last@example.com"}


@with_store()
async def test_nothing_to_do_is_done(at: Running) -> None:
    assert await at.store.ledger.submit_all(1, []) == []


class _Broken(SqliteEngine):
    """An engine whose BEGIN can be made to fail in a way that nobody foresaw."""

    failing: BaseException | None = None

    def _lock(self) -> None:
        if self.failing is not None:
            raise self.failing
        super()._lock()


async def test_a_lock_that_cannot_be_had_fails_those_who_wait_and_nobody_else(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        engine = at.store.engine
        assert isinstance(engine, SqliteEngine)
        engine.__class__ = _Broken
        assert isinstance(engine, _Broken)
        for failure, expected in (
            (UnavailableError("away"), UnavailableError),
            (OSError("no locks"), CommandFailedError),
            (apsw.CorruptError("malformed"), CommandFailedError),
        ):
            engine.failing = failure
            results = await asyncio.gather(
                *(at.upsert(email=f"{n}@example.com") for n in range(3)), return_exceptions=True
            )
            assert [type(result) for result in results] == [expected] * 3
        engine.failing = None
        assert (await at.upsert(email="a@example.com")).verdict == "created"
        assert emails(at) == {"a@example.com"}


@on_sqlite()
async def test_a_full_disk_is_unavailable_and_nothing_happened(at: Running) -> None:
    await at.upsert(email="a@example.com")
    engine = at.store.engine
    assert isinstance(engine, SqliteEngine)
    ((pages,),) = at.rows("PRAGMA page_count")
    engine.writer.execute(f"PRAGMA max_page_count = {pages}").fetchall()
    head = at.head()
    large = [upsert(email=f"u{n}@example.com", data={"text": "x" * 5000}) for n in range(20)]
    with pytest.raises(UnavailableError):
        await at.store.ledger.submit_all(1, large)
    assert (at.head(), emails(at)) == (head, {"a@example.com"})
    engine.writer.execute("PRAGMA max_page_count = 1000000").fetchall()
    outcomes = await at.store.ledger.submit_all(1, large)
    assert {outcome.verdict for outcome in outcomes} == {"created"}
    assert_replay_gives_the_tables(at.path)


async def test_a_ledger_that_closes_finishes_what_waits_and_takes_no_more(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        waiting = [asyncio.ensure_future(at.upsert(email=f"u{n}@example.com")) for n in range(5)]
        await asyncio.sleep(0)
        await at.store.close()
        assert {outcome.verdict for outcome in await asyncio.gather(*waiting)} == {"created"}
        with pytest.raises(UnavailableError):
            await at.upsert(email="late@example.com")
        with pytest.raises(UnavailableError):
            async with at.store.snapshot():
                pass
        assert len(emails(at)) == 5


# -- several things in one batch ------------------------------------------------------------------------------


@with_store(sites=3)
async def test_several_sites_share_a_transaction_and_nothing_else(at: Running) -> None:
    outcomes = await asyncio.gather(
        *(at.upsert(site, email="same@example.com", customer_id="c", groups=["g"]) for site in (1, 2, 3))
    )
    assert at.store.ledger.commits == (1 if at.store.engine.one_writer else 3)
    assert [outcome.verdict for outcome in outcomes] == ["created"] * 3
    assert {outcome.person.customer.number for outcome in outcomes if outcome.person} == {1}
    await at.store.ledger.submit(2, DeleteCustomer(who("same@example.com")))
    assert [len(stored_customers(at.path, site)) for site in (1, 2, 3)] == [1, 0, 1]
    for site in (1, 2, 3):
        assert_replay_gives_the_tables(at.path, site)


@with_store()
async def test_two_customers_swap_their_ids_in_one_batch(at: Running) -> None:
    ledger = at.store.ledger
    await ledger.submit_all(
        1, [upsert(email="a@example.com", customer_id="1"), upsert(email="b@example.com", customer_id="2")]
    )
    outcomes = await ledger.submit_all(
        1,
        [
            upsert(email="a@example.com", customer_id="tmp"),
            upsert(email="b@example.com", customer_id="1"),
            upsert(email="a@example.com", customer_id="2"),
        ],
    )
    assert [outcome.verdict for outcome in outcomes] == ["updated"] * 3
    assert {c.email: c.customer_id for c in stored_customers(at.path).values()} == {
        "a@example.com": "2",
        "b@example.com": "1",
    }
    assert_replay_gives_the_tables(at.path)


@with_store()
async def test_an_address_moves_on_while_its_owner_moves_away(at: Running) -> None:
    ledger = at.store.ledger
    await ledger.submit_all(
        1, [upsert(email="a@example.com", customer_id="a"), upsert(email="b@example.com", customer_id="b")]
    )
    await ledger.submit_all(
        1, [upsert(email="new@example.com", customer_id="b"), upsert(email="b@example.com", customer_id="a")]
    )
    assert {c.customer_id: c.email for c in stored_customers(at.path).values()} == {
        "a": "b@example.com",
        "b": "new@example.com",
    }
    assert (await at.upsert(email="a@example.com")).verdict == "created"
    assert_replay_gives_the_tables(at.path)


@with_store()
async def test_delete_and_create_again_in_one_batch(at: Running) -> None:
    await at.upsert(email="a@example.com", customer_id="c", groups=["g"], firstname="Old")
    await at.record("tag_added", email="a@example.com", tag_id="t")
    outcomes = await at.store.ledger.submit_all(
        1,
        [
            DeleteCustomer(who("a@example.com")),
            upsert(email="a@example.com", customer_id="c"),
            upsert(email="b@example.com"),
            DeleteCustomer(who("b@example.com")),
            DeleteCustomer(who("nobody@example.com")),
        ],
    )
    assert [outcome.verdict for outcome in outcomes] == ["deleted", "created", "created", "deleted", "unchanged"]
    ((number, customer),) = stored_customers(at.path).items()
    assert (number, customer.firstname) == (2, None)
    assert stored_ties(at.path) == {}
    assert [entry.number for entry in records(at.path)[-1][0].entries] == [1, 2]
    assert records(at.path)[-1][0].entries[0] == Entry(1, gone=True)
    assert_replay_gives_the_tables(at.path)
    assert (await at.upsert(email="b@example.com")).person.customer.number == 4  # type: ignore[union-attr]


@with_store()
async def test_an_earlier_rename_in_the_batch_does_not_hide_what_is_stored(at: Running) -> None:
    later: dict[str, Any] = {"timestamp": 2000, "tag_id": "t", "order_id": "o", "broadcast_id": "b", "revenue": 5}
    await at.upsert(customer_id="c")
    for event in ("tag_removed", "purchase", "email_opened"):
        await at.record(event, customer_id="c", **later)
    outcomes = await at.store.ledger.submit_all(
        1,
        [
            upsert(customer_id="c", email="new@example.com"),
            *(
                activity(event, email="new@example.com", **{**later, "timestamp": 1000})
                for event in ("tag_added", "purchase")
            ),
            activity("email_opened", email="new@example.com", **later),
        ],
    )
    assert [outcome.verdict for outcome in outcomes] == ["updated", "updated", "updated", "updated"]
    ((number, customer),) = stored_customers(at.path).items()
    assert (customer.lifetime_orders, customer.net_revenue) == (1, 500)
    assert {key: tie.holds for key, tie in stored_ties(at.path).items() if key[1] == TAG} == {
        (number, TAG, FIRST): False
    }
    assert at.rows("SELECT opens FROM logs") == [(2,)]
    assert_replay_gives_the_tables(at.path)


# -- objects --------------------------------------------------------------------------------------------------


@with_store()
async def test_objects_are_numbered_by_kind_and_found_by_number_or_key(at: Running) -> None:
    await at.record("tag_added", email="a@example.com", tag_id="vip")
    await at.record("tag_added", email="a@example.com", tag_id=7)
    await at.record("tag_added", email="a@example.com", tag_id="gold")
    await at.record("offer_granted", email="a@example.com", offer_id="first")
    await at.record("tag_added", email="b@example.com", tag_id=FIRST)
    assert set(at.rows("SELECT kind, number, key FROM objects")) == {
        *((2, FIRST, "vip"), (2, 7, None), (2, FIRST + 1, "gold"), (3, FIRST, "first"))
    }
    assert {key[0] for key in stored_ties(at.path) if key[1:] == (TAG, FIRST)} == {1, 2}


@with_store()
async def test_a_deleted_object_is_gone_and_comes_back_empty_under_its_number(at: Running) -> None:
    ledger = at.store.ledger
    saved = await ledger.submit(1, SaveObject(kind="tag", key="vip", name="Very important"))
    assert saved.verdict == "created"
    await at.record("tag_added", email="a@example.com", tag_id="vip")
    await at.record("tag_added", email="b@example.com", tag_id="vip")
    assert (await ledger.submit(1, DeleteObject("tag", "vip"))).verdict == "deleted"
    assert stored_ties(at.path) == {}
    assert records(at.path)[-1][0].cleared == [(TAG, FIRST)]
    gone = await ledger.submit(1, Relate(who("a@example.com"), "tag.has", ("vip",), "add"))
    assert gone.refusal is not None
    assert gone.refusal.code == "object_not_found"
    assert (await ledger.submit(1, SaveObject(kind="tag", name="very IMPORTANT"))).verdict == "created"
    await at.record("tag_added", email="b@example.com", tag_id="vip")
    assert at.rows("SELECT number, key, name, deleted_at FROM objects ORDER BY 1") == [
        *((FIRST, "vip", None, None), (FIRST + 1, None, "very IMPORTANT", None))
    ]
    assert {key for key, tie in stored_ties(at.path).items() if tie.holds} == {(2, TAG, FIRST)}
    assert_replay_gives_the_tables(at.path)


@with_store()
async def test_an_object_is_deleted_and_used_again_in_one_batch(at: Running) -> None:
    await at.record("tag_added", email="a@example.com", tag_id="vip")
    await at.record("tag_added", email="b@example.com", tag_id="vip")
    await at.store.ledger.submit_all(
        1, [DeleteObject("tag", "vip"), activity("tag_added", email="b@example.com", tag_id="vip", timestamp=5)]
    )
    assert stored_ties(at.path).keys() == {(2, TAG, FIRST)}
    assert_replay_gives_the_tables(at.path)


@with_store()
async def test_names_of_objects_are_unique_by_kind(at: Running) -> None:
    ledger = at.store.ledger
    await ledger.submit(1, SaveObject(kind="group", name="Straße"))
    for kind, taken in (("group", True), ("tag", False)):
        outcome = await ledger.submit(1, SaveObject(kind=kind, name="STRASSE"))
        assert (outcome.refusal is not None) == taken
    assert (await ledger.submit(1, SaveObject(kind="group", reference=FIRST, name="STRASSE"))).verdict == "updated"
    assert (await ledger.submit(1, SaveObject(kind="group", reference=FIRST, name="Other"))).verdict == "updated"
    assert (await ledger.submit(1, SaveObject(kind="group", reference=FIRST, name="Other"))).verdict == "unchanged"
    one, two = await ledger.submit_all(
        1, [SaveObject(kind="group", name="straße"), SaveObject(kind="group", name="STRASSE")]
    )
    assert (one.verdict, two.refusal is not None) == ("created", True)
    ((key,),) = at.rows("SELECT key FROM objects WHERE kind = 1 AND number = ?", FIRST)
    assert key.startswith("grp_")


@with_store()
async def test_objects_without_name_or_key_do_not_overwrite_each_other(at: Running) -> None:
    for _ in range(2):
        await at.store.ledger.submit_all(1, [SaveObject(kind="tag"), SaveObject(kind="tag", description="x")])
    assert [number for (number,) in at.rows("SELECT number FROM objects ORDER BY 1")] == [*range(FIRST, FIRST + 4)]


@with_store()
async def test_numbers_of_callers_and_ours_never_meet(at: Running) -> None:
    """A key gets a number that no caller can have taken, nor takes later."""
    for item in ("contact", 1, "2", "grp_x", 7, "8", OWN_NUMBERS.start - 1, OWN_NUMBERS.stop, "last"):
        await at.record("form_submitted", email=f"{item}@example.com", form_id=item)
    await at.upsert(email="groups@example.com", groups=[7, "grp_x", "8", "grp_y", 9])
    forms = at.rows("SELECT number, key FROM objects WHERE kind = 9 AND key IS NULL ORDER BY 1")
    assert forms == [
        (1, None),
        (2, None),
        (7, None),
        (8, None),
        (OWN_NUMBERS.start - 1, None),
        (OWN_NUMBERS.stop, None),
    ]
    kept = at.rows("SELECT key FROM objects WHERE kind = 9 AND key IS NOT NULL ORDER BY number")
    numbers = at.rows("SELECT number FROM objects WHERE key IS NOT NULL")
    assert all(number in OWN_NUMBERS for (number,) in numbers)
    assert [key for (key,) in kept] == ["contact", "grp_x", "last"]
    assert len(at.rows("SELECT 1 FROM relations WHERE relation = 8 AND holds = 1")) == 5


@with_store()
async def test_a_number_of_ours_names_what_has_it_and_creates_nothing(at: Running) -> None:
    await at.record("form_submitted", email="a@example.com", form_id="contact")
    again = await at.record("form_submitted", email="b@example.com", form_id=OWN_NUMBERS.start + 1)
    assert again.refusal is None
    unknown = OWN_NUMBERS.start + 2
    before = at.rows("SELECT head FROM site_heads WHERE site_id = 1")
    for refused in (
        await at.record("form_submitted", email="c@example.com", form_id=unknown),
        await at.record("purchase", email="c@example.com", revenue=1, product_ids=[1, unknown]),
        await at.record("identify", email="c@example.com", groups=[unknown]),
        await at.upsert(email="c@example.com", groups=["new", unknown]),
        await at.upsert(email="c@example.com", subscription_groups=[{"id": unknown, "subscribed": True}]),
        await at.store.ledger.submit(1, SaveObject(kind="tag", key=unknown, name="Mine")),
    ):
        assert refused.refusal is not None
        assert refused.refusal.code == "invalid"
        assert str(unknown) in refused.refusal.sentence
    assert at.rows("SELECT head FROM site_heads WHERE site_id = 1") == before
    assert len(at.rows("SELECT 1 FROM objects")) == 1
    await at.store.ledger.submit(1, DeleteObject("form", "contact"))
    revived = await at.record("form_submitted", email="a@example.com", form_id=OWN_NUMBERS.start + 1)
    assert revived.refusal is None


@on_sqlite()
async def test_objects_of_older_versions_keep_their_numbers(at: Running) -> None:
    """Once we handed out 1, 2, 3, ...; and a caller could take the largest of all."""
    for number in (2, 3):
        await at.record("tag_added", email="a@example.com", tag_id=number)
    connection = apsw.Connection(str(at.path))
    connection.execute("UPDATE objects SET key = 'old' WHERE number = 2")
    connection.execute("UPDATE objects SET number = ? WHERE number = 3", (OWN_NUMBERS[-1],))
    connection.close()
    for key in ("old", "new", "newer"):
        await at.record("tag_added", email="b@example.com", tag_id=key)
    found = {key: number for number, key in at.rows("SELECT number, key FROM objects")}
    assert found["old"] == 2
    assert found["new"] != found["newer"]
    assert all(found[key] in OWN_NUMBERS for key in ("new", "newer"))


# -- the change log -------------------------------------------------------------------------------------------


@with_store()
async def test_an_entry_tells_what_changed_and_no_more(at: Running) -> None:
    await at.upsert(email="a@example.com", joined_at=5)
    await at.upsert(email="a@example.com", data={"city": "Rome", "plan": 1})
    await at.record("tag_added", email="a@example.com", tag_id="t", timestamp=7)
    await at.record("tag_added", email="a@example.com", tag_id="t", timestamp=8)
    await at.store.ledger.submit_all(
        1, [activity(f"tag_{verb}", email="a@example.com", tag_id="u", timestamp=9) for verb in ("added", "removed")]
    )
    await at.store.ledger.submit(1, Rebuild())
    told = [(record.entries, record.rebuild) for (record,) in records(at.path)]
    assert told == [
        ([Entry(1, columns=[(0, NOW_CREATED), (1, 5000), (3, 0), (14, NOW_CREATED)], texts=[0, 1])], False),
        ([Entry(1, columns=[(14, NOW_CREATED + 1)], texts=[6], attributes=True)], False),
        ([Entry(1, columns=[(14, NOW_CREATED + 2)], ties=[(TAG, FIRST, True)])], False),
        ([Entry(1, moved=[(TAG, FIRST)])], False),
        ([], False),
        ([], True),
    ]


NOW_CREATED = 1_800_000_000_000


@with_store()
async def test_a_change_row_holds_no_text_and_no_address(at: Running) -> None:
    await at.upsert(email="secret@example.com", name="Hidden Name", customer_id="classified", data={"city": "Atlantis"})
    await at.record("email_opened", email="secret@example.com", broadcast_id="weekly", message="whispered")
    body = b"".join(body for (body,) in at.rows("SELECT body FROM changes"))
    for word in (b"secret", b"example", b"Hidden", b"classified", b"Atlantis", b"weekly", b"whispered"):
        assert word not in body


@with_store(largest_batch=10_000)
async def test_a_large_change_is_kept_in_parts(at: Running) -> None:
    await at.store.ledger.submit_all(1, [upsert(email=f"u{n}@example.com", name=f"N {n}") for n in range(4000)])
    await at.store.ledger.submit_all(
        1,
        [
            activity("purchase", email="u0@example.com", product_ids=list(range(k, k + 900)))
            for k in range(1, 30_000, 900)
        ],
    )
    parts = [len(change) for change in records(at.path)]
    assert parts[1] > 1
    assert max(size for (size,) in at.rows("SELECT length(body) FROM changes")) <= 256 * 1024
    assert_replay_gives_the_tables(at.path)


@with_store()
async def test_logs_and_evidence_stay_or_go_with_the_customer(at: Running) -> None:
    await at.upsert(email="a@example.com", unsubscribed=False)
    await at.record("email_opened", email="a@example.com", broadcast_id="b")
    await at.record("visit", email="a@example.com", event_uuid="u")
    await at.store.ledger.submit(1, DeleteCustomer(who("a@example.com")))
    counts = [
        at.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("consents", "relations", "logs", "activities")
    ]
    assert counts == [0, 0, 1, 1]
    assert (await at.record("visit", email="a@example.com", event_uuid="u")).verdict == "created"


async def test_what_was_written_is_there_when_the_store_opens_again(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com", groups=["g"])
        before = (stored_customers(at.path), stored_ties(at.path), at.head())
    again = await Store.open(f"sqlite:///{at.path}")
    try:
        assert (stored_customers(at.path), stored_ties(at.path), at.head()) == before
        outcome = await again.ledger.submit(1, upsert(email="a@example.com", groups=["g"]))
        assert outcome.verdict == "unchanged"
        assert (await again.ledger.submit(1, upsert(email="b@example.com"))).person.customer.number == 2  # type: ignore[union-attr]
    finally:
        await again.close()


@with_store()
async def test_what_callers_said_of_a_deleted_customer_s_mails_is_erased(at: Running) -> None:
    await at.upsert(email="a@b.co", name="Anna Smith")
    await at.record("email_sent", email="a@b.co", broadcast_id=1, note="for Anna", message="Dear Anna")
    await at.record("visit", email="a@b.co", note="Anna's visit")
    assert at.rows("SELECT count(*) FROM activities WHERE detail LIKE '%Anna%'") == [(2,)]
    assert at.rows("SELECT recipient_name, message FROM logs") == [("Anna Smith", "Dear Anna")]
    later = activity("email_opened", email="a@b.co", broadcast_id=1, message="Anna opened it")
    await at.store.ledger.submit_all(1, [later, DeleteCustomer(who("a@b.co"))])
    assert at.rows("SELECT name, detail FROM activities ORDER BY number") == [
        ("email_sent", None),
        ("email_opened", None),
    ]
    assert at.rows("SELECT address_key, recipient_name, message FROM logs") == [("a@b.co", None, "")]


@with_store(largest_batch=50)
async def test_commands_that_name_many_ties_are_fewer_to_a_batch(at: Running) -> None:
    names = [f"p{number}" for number in range(100)]
    events = [activity("purchase", email=f"b{number}@example.com", revenue=1, product_ids=names) for number in range(6)]
    before = at.store.ledger.commits
    outcomes = await at.store.ledger.submit_all(1, events)
    assert [outcome.verdict for outcome in outcomes] == ["created"] * 6
    assert at.store.ledger.commits - before == 3
    before = at.store.ledger.commits
    await at.store.ledger.submit(1, activity("purchase", email="b@example.com", revenue=1, product_ids=names * 3))
    assert at.store.ledger.commits - before == 1
    assert_replay_gives_the_tables(at.path)


@with_store(largest_batch=2)
async def test_what_was_done_is_told_where_the_database_went_away_in_between(at: Running) -> None:
    engine = at.store.engine
    transaction = engine.transaction

    def going_away() -> Any:
        if at.store.ledger.commits:
            raise UnavailableError("away")
        return transaction()

    engine.transaction = going_away  # type: ignore[method-assign]
    outcomes = await at.store.ledger.submit_all(1, [upsert(email=f"{name}@example.com") for name in "abcd"])
    assert [outcome.verdict for outcome in outcomes[:2]] == ["created", "created"]
    assert [outcome.refusal and outcome.refusal.code for outcome in outcomes[2:]] == ["unavailable"] * 2
    with pytest.raises(UnavailableError):
        await at.store.ledger.submit_all(1, [upsert(email="e@example.com")])
    engine.transaction = transaction  # type: ignore[method-assign]
    assert emails(at) == {"a@example.com", "b@example.com"}
