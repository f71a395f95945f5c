"""A writer to be killed: 16 callers at once, each printing what was acknowledged before it goes on."""

import asyncio
import os
import random
import sys
import uuid

from regulars.domain.commands import DeleteCustomer
from regulars.domain.identity import Who
from regulars.store.store import Store

from .running import activity, upsert


def acknowledge(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # one write: a line is there whole, or not at all


async def call(store: Store, caller: int, life: int) -> None:
    chance = random.Random(caller * 1000 + life)
    for turn in range(100_000):
        value = life * 100_000 + turn
        email = f"{'go' if caller % 4 == 0 else 'stay'}{caller}-{chance.randrange(5)}@example.com"
        match chance.randrange(4):
            case 0 if email.startswith("go"):
                await store.ledger.submit(1, DeleteCustomer(Who(email_key=email)))
                acknowledge(f"delete {email}")
            case 1:
                event = str(uuid.UUID(int=chance.getrandbits(128)))
                await store.ledger.submit_all(
                    1,
                    [upsert(email=email, value=value, groups=["g"]), activity("visit", email=email, event_uuid=event)],
                )
                acknowledge(f"put {email} {value}")
                acknowledge(f"visit {email} {event}")
            case 2:
                await store.ledger.submit_all(
                    1, [upsert(email=email, value=value, groups=["g"]), activity("purchase", email=email, revenue=3)]
                )
                acknowledge(f"put {email} {value}")
                acknowledge(f"buy {email} 300")
            case _:
                await store.ledger.submit(1, upsert(email=email, value=value, groups=["g"], name=f"Name {value}"))
                acknowledge(f"put {email} {value}")


async def main(path: str, life: int) -> None:
    store = await Store.open(f"sqlite:///{path}")
    acknowledge("ready")
    await asyncio.gather(*(call(store, caller, life) for caller in range(16)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
