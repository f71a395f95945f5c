"""Forgetting a customer cancels what drip campaigns would still send; the end of it brings nothing back."""

from regulars.domain.commands import ActivateDripCampaign, ForgetCustomer, MergeCustomers
from regulars.domain.drip_campaigns import RELATION
from regulars.domain.identity import Who
from regulars.domain.profile import parse_profile
from regulars.domain.relations import BY_NAME

from .running import Running, campaign, stored_ties, with_store

ANNA = Who(customer_id="anna")


def pending(at: Running) -> list[str]:
    return sorted(address for (address,) in at.rows("SELECT recipient_address FROM pending_mails"))


def subscribed(at: Running) -> set[int]:
    """The numbers of the customers who are in a campaign."""
    code = BY_NAME[RELATION].code
    return {number for (number, relation, _), tie in stored_ties(at.path, 1).items() if relation == code and tie.holds}


async def activate(at: Running, address: str) -> str:
    command = ActivateDripCampaign("welcome", parse_profile({"email": address}))
    return str((await at.store.ledger.submit(1, command)).verdict)


@with_store()
async def test_forgetting_cancels_pending_emails_and_its_end_brings_none_back(at: Running) -> None:
    await at.upsert(email="anna@example.com", customer_id="anna")
    await at.upsert(email="anna.twin@example.com")
    await at.store.ledger.submit(1, campaign("welcome", 60, 3600))
    for address in ("anna@example.com", "anna.twin@example.com", "bo@example.com"):
        await activate(at, address)
    await at.store.ledger.submit(1, MergeCustomers(ANNA, (Who(email_key="anna.twin@example.com"),)))
    assert len(pending(at)) == 6
    left = ["bo@example.com"] * 2
    for forgotten, verdict in ((True, "updated"), (True, "unchanged"), (False, "updated")):
        assert (await at.store.ledger.submit(1, ForgetCustomer(ANNA, forgotten))).verdict == verdict
        assert pending(at) == left
        assert subscribed(at) - {2} == {3}  # 2 was merged into 1
        if forgotten:
            assert await activate(at, "anna@example.com") == "unchanged"
            assert pending(at) == left
    assert await activate(at, "anna@example.com") == "updated"
    assert pending(at) == ["anna@example.com"] * 2 + left


@with_store()
async def test_who_is_merged_with_somebody_forgotten_gets_no_more_emails(at: Running) -> None:
    await at.store.ledger.submit(1, campaign("welcome", 60, 3600))
    for is_survivor in (True, False):
        names = [f"{name}.{is_survivor}@example.com" for name in ("anna", "twin")]
        for address in names:
            await at.upsert(email=address)
        anna, twin = (Who(email_key=address.casefold()) for address in names)
        await at.store.ledger.submit(1, ForgetCustomer(anna if is_survivor else twin))
        await activate(at, names[is_survivor])
        assert len(pending(at)) == 2
        await at.store.ledger.submit(1, MergeCustomers(anna, (twin,)))
        assert pending(at) == []
        assert not subscribed(at) & {1, 3}  # who was merged keeps the ties, in case it is undone
