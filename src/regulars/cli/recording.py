"""Entries of the audit trail about commands that are no change of the store by themselves."""

from regulars.domain.moments import now_ms
from regulars.domain.origin import Actor, Channel, Origin
from regulars.store.audit import record_change
from regulars.store.control import Site
from regulars.store.store import Store


async def record_command(store: Store, site: Site, command: str, target: str, result: str) -> None:
    """Record in the audit trail of an account that a command did something with a site. target: such as `imports/3`."""
    origin = Origin(Actor(Channel.COMMAND_LINE), command)
    async with store.engine.transaction() as connection:
        await record_change(connection, site.account_id, origin, command, target, result=result, now=now_ms())
