"""What deleted objects leave besides ties, product links and pending emails: gone at once, removed some at a time."""

import pytest

from regulars.checking import check_site
from regulars.domain.commands import ActivateDripCampaign, Command, DeleteObject, LinkProducts, SaveObject
from regulars.domain.profile import parse_profile
from regulars.domain.relations import KIND_CODES
from regulars.store import deleted_ties
from regulars.store.deleted_ties import Place, remove_some
from regulars.store.drip_reads import find_pending_log, pending_logs_of
from regulars.store.inspection import drip_problems
from regulars.store.reads import products_of

from .running import Running, campaign, with_store
from .test_deleted_ties import remove_all, sound

COUNT = 12
NUMBERS = range(1, COUNT + 1)


def activate(number: int) -> ActivateDripCampaign:
    return ActivateDripCampaign("c", parse_profile({"email": f"p{number}@example.com"}))


async def submit(at: Running, *commands: Command) -> None:
    outcomes = await at.store.ledger.submit_all(1, commands)
    assert [outcome.refusal for outcome in outcomes] == [None] * len(commands)


async def fill(at: Running) -> None:
    """Offer "o" has products 1 to 12, product "p" is in offers 1 to 12, campaign "c" has 12 pending emails."""
    await submit(at, SaveObject(kind="offer", key="o", name="O"), SaveObject(kind="product", key="p", name="P"))
    for kind in ("offer", "product"):
        await submit(at, *(SaveObject(kind=kind, key=number, name=f"{number}") for number in NUMBERS))
    await submit(at, LinkProducts("o", tuple(NUMBERS), "add"))
    await submit(at, *(LinkProducts(number, ("p",), "add") for number in NUMBERS))
    await submit(at, campaign("c", 60), *(activate(number) for number in NUMBERS))


DELETED = (DeleteObject("offer", "o"), DeleteObject("product", "p"), DeleteObject("sequence", "c"))
ANEW = (SaveObject(kind="offer", key="o"), SaveObject(kind="product", key="p"), campaign("c", 60))


def stored(at: Running) -> tuple[int, int]:
    """The numbers of links and pending emails in the tables."""
    ((links,),) = at.rows("SELECT count(*) FROM offer_products")
    ((mails,),) = at.rows("SELECT count(*) FROM pending_mails")
    return links, mails


async def seen(at: Running) -> tuple[int, int]:
    """The numbers of links of the filled offers and of pending emails of the first customer that reads find."""
    number = f"SELECT number FROM objects WHERE kind = {KIND_CODES['offer']}"
    async with at.store.snapshot() as connection:
        offers = [found for (found,) in at.rows(number)]
        links = await products_of(connection, 1, offers)
        between = {"after": 0, "before": 2**62, "count": 99}
        mails = await pending_logs_of(connection, 1, email_key="p1@example.com", customers=[1], **between)
        for (each,) in at.rows("SELECT number FROM pending_mails WHERE address_key = 'p1@example.com'"):
            found = await find_pending_log(connection, 1, f"log_{(1 << 32) + each}")
            assert (found is not None) == bool(mails)
        assert await drip_problems(connection, 1, 9) == []
    return sum(len(products) for products in links.values()), len(mails)


@with_store()
async def test_a_deletion_touches_none_of_them_and_hides_all(at: Running) -> None:
    await fill(at)
    assert (stored(at), await seen(at)) == ((24, 12), (24, 1))
    await submit(at, *DELETED)
    assert (stored(at), await seen(at)) == ((24, 12), (0, 0))
    await sound(at)
    await remove_all(at.store)
    assert (stored(at), await seen(at)) == ((0, 0), (0, 0))
    await sound(at)
    assert (await check_site(at.store, 1)).problems == []


@with_store()
async def test_objects_that_are_created_again_have_none_of_them(at: Running) -> None:
    await fill(at)
    for commits in ((DELETED, ANEW), ((*DELETED, *ANEW),)):
        for commands in commits:
            await submit(at, *commands)
        assert (stored(at), await seen(at)) == ((0, 0), (0, 0))
        await submit(at, LinkProducts("o", (1, "p"), "add"), LinkProducts(2, ("p",), "add"), activate(1), activate(2))
        assert (stored(at), await seen(at)) == ((3, 2), (3, 1))
        await remove_all(at.store)
        assert (stored(at), await seen(at)) == ((3, 2), (3, 1))
        await sound(at)


@with_store()
async def test_no_transaction_removes_more_than_a_slice_of_them(at: Running) -> None:
    await fill(at)
    await submit(at, *DELETED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deleted_ties, "SLICE", 5)
        place: Place | None = Place()
        while place is not None:
            before = sum(stored(at))
            _, place = await remove_some(at.store.engine, 1, place)
            assert before - sum(stored(at)) <= 5
            await sound(at)
    assert stored(at) == (0, 0)
    assert at.rows("SELECT * FROM deleted_ties") == []
