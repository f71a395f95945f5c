"""Where a change comes from: who made it, by which call. Histories and the audit trail record it."""

from typing import Final, NamedTuple

from msgspec import Struct


class Channel:
    """The ways by which changes come in. The numbers are stored: append only. They are ints, as enums are slow."""

    CLASSIC: Final = 1
    """A call of `/api/v1`."""
    JSONAPI: Final = 2
    """A call of `/v1`."""
    IMPORT: Final = 3
    """An imported file, or the undo of its import."""
    COMMAND_LINE: Final = 4
    """A `regulars` command."""
    ADMIN_PAGE: Final = 5
    """A user in the admin pages."""
    PUBLIC_PAGE: Final = 6
    """The customer, by a signed link."""
    JOB: Final = 7
    """A background job."""


CHANNEL_NAMES: Final = {
    Channel.CLASSIC: "classic",
    Channel.JSONAPI: "jsonapi",
    Channel.IMPORT: "import",
    Channel.COMMAND_LINE: "command_line",
    Channel.ADMIN_PAGE: "admin_page",
    Channel.PUBLIC_PAGE: "public_page",
    Channel.JOB: "job",
}
"""The channels as replies name them."""

ACTOR_TYPES: Final = {
    Channel.CLASSIC: "key",
    Channel.JSONAPI: "key",
    Channel.IMPORT: "import",
    Channel.COMMAND_LINE: "system",
    Channel.ADMIN_PAGE: "user",
    Channel.PUBLIC_PAGE: "customer",
    Channel.JOB: "system",
}
"""What the number of an actor counts, by channel. A system has none."""


class Actor(Struct, frozen=True):
    """Who makes a change. channel: one of `Channel`. number: of the key, user or import; None if there is none."""

    channel: int
    number: int | None = None

    @property
    def type(self) -> str:
        """What the number counts."""
        return ACTOR_TYPES[self.channel]


class ImportRun(NamedTuple):
    """The import that commands belong to: they share no batch with others, so that its changes can be told apart.

    is_undo: they undo it, so what they change is not kept.
    """

    site: int
    number: int
    is_undo: bool = False


class Origin(Struct, frozen=True, eq=False):
    """Where commands come from.

    operation: the name of the call, such as "customers.upsert". request_id: as in the reply's X-Request-Id.
    import_run: None unless what they change is kept, or undone.
    """

    actor: Actor
    operation: str = ""
    request_id: str | None = None
    import_run: ImportRun | None = None


JOB: Final = Origin(Actor(Channel.JOB))
"""The origin of changes that the server makes by itself."""

COMMAND_LINE: Final = Origin(Actor(Channel.COMMAND_LINE))
"""The origin of changes by `regulars` commands."""
