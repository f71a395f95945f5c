"""Which customer an email event is about, in any cut into batches: by the id of the mail, its address, or both."""

import pytest

from regulars.domain.commands import Command, DeleteCustomer
from regulars.domain.identity import Who

from ..databases import ENGINES
from .chain import assert_replay_gives_the_tables
from .running import Running, activity, running, stored_customers, upsert

MAIL = {"message_id": "m", "broadcast_id": 7}
OURS = {"log_id": "log_4294967297"}
"""The id that we gave the first mail, which nobody knows before it is there."""


async def carry_out(at: Running, commands: list[Command], *, together: bool) -> list[str]:
    batches = [commands] if together else [[command] for command in commands]
    outcomes = [outcome for batch in batches for outcome in await at.store.ledger.submit_all(1, batch)]
    return [outcome.refusal.code if outcome.refusal else outcome.verdict for outcome in outcomes]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("together", [True, False])
async def test_the_id_of_a_mail_is_enough(engine: str, together: bool, tmp_path: object) -> None:
    async with running(tmp_path, engine=engine) as at:  # type: ignore[arg-type]
        verdicts = await carry_out(
            at,
            [
                upsert(email="a@t.example", customer_id="a", unsubscribed=False),
                activity("email_opened", **MAIL),
                activity("email_sent", email="a@t.example", **MAIL),
                activity("email_opened", **MAIL),
                upsert(customer_id="a", email="b@t.example"),
                activity("email_unsubscribed", message_id="m"),
                activity("email_bounced", message_id="m", bounce_type="hard"),
                activity("email_clicked", **OURS if not together else MAIL),
            ],
            together=together,
        )
        assert verdicts == ["created", "user_identifier_missing", *["updated"] * 6]
        (customer,) = stored_customers(at.path).values()
        assert customer.opted_out_at is not None
        assert customer.bounced_at is None
        assert at.rows("SELECT email_key, hard_bouncing FROM former_addresses") == [("a@t.example", 1)]
        assert at.rows("SELECT count(*) FROM logs") == [(1,)]
        assert_replay_gives_the_tables(at.path)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("together", [True, False])
async def test_a_mail_to_somebody_deleted_or_to_several_is_of_nobody(
    engine: str, together: bool, tmp_path: object
) -> None:
    async with running(tmp_path, engine=engine) as at:  # type: ignore[arg-type]
        verdicts = await carry_out(
            at,
            [
                activity("email_sent", email="a@t.example", message_id="one"),
                activity("email_sent", email="a@t.example", message_id="two"),
                activity("email_sent", email="b@t.example", message_id="two"),
                activity("email_opened", message_id="two"),
                DeleteCustomer(Who(email_key="a@t.example")),
                activity("email_complained", message_id="one"),
                activity("email_opened", **OURS if not together else {"message_id": "one"}),
                upsert(email="a@t.example", unsubscribed=False),
            ],
            together=together,
        )
        assert verdicts[3:] == ["user_identifier_missing", "deleted", "ignored", "ignored", "created"]
        emails = {customer.email: customer.complained_at for customer in stored_customers(at.path).values()}
        assert emails.keys() == {"a@t.example", "b@t.example"}
        assert emails["a@t.example"] is not None
