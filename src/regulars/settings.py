"""Settings: one declaration each, from which the environment variables, `serve --help` and the docs are derived."""

import difflib
import hashlib
import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

PREFIX: Final = "REGULARS_"
"""The prefix of a setting's environment variable."""

_SQLITE: Final = "sqlite:///"
_LARGEST: Final = 2**40
_Seconds = Annotated[int, Meta(ge=1, le=86_400)]
_Days = Annotated[int, Meta(ge=1, le=36_500)]


class SettingError(ValueError):
    """An environment variable has an invalid value; the sentence says what is allowed."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of a server. The description of each field is the documentation of its variable."""

    database: Annotated[str, Meta(min_length=1, description="the URL of the database")] = "sqlite:///regulars.db"
    database_connections: Annotated[
        int,
        Meta(
            ge=2,
            le=1_000,
            description="PostgreSQL connections per process; when all are in use, calls wait, then get 503",
        ),
    ] = 16
    host: Annotated[str, Meta(min_length=1, description="the address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="the port to listen on; 0 picks a free one")] = 8080
    workers: Annotated[int, Meta(ge=1, le=256, description="server processes, each with its own index")] = 1
    body_limit: Annotated[int, Meta(ge=1024, le=_LARGEST, description="maximum size of a request body, in bytes")] = (
        2 * 1024 * 1024
    )
    bodies_memory: Annotated[
        int,
        Meta(
            ge=0,
            le=_LARGEST,
            description="memory for incomplete request bodies, in bytes; above it, bodies are refused (503)",
        ),
    ] = 64 * 1024 * 1024
    head_timeout: Annotated[
        _Seconds, Meta(description="seconds within which the request line and headers must arrive")
    ] = 10
    body_timeout: Annotated[
        _Seconds, Meta(description="seconds within which the request body, or each further 64 KiB of it, must arrive")
    ] = 30
    send_timeout: Annotated[
        _Seconds, Meta(description="seconds within which a client must read some of its response")
    ] = 30
    keep_alive_timeout: Annotated[_Seconds, Meta(description="seconds that an idle connection is kept open")] = 75
    connections_limit: Annotated[
        int,
        Meta(
            ge=0,
            le=2**20,
            description="connections per process; above it, the longest idle one is closed; 0: limited by open files",
        ),
    ] = 0
    queue_capacity: Annotated[
        int, Meta(ge=1, le=_LARGEST, description="writes that may wait; above it, writes are refused (503)")
    ] = 10_000
    index_memory: Annotated[
        int, Meta(ge=0, le=_LARGEST, description="memory per process for the indexes of all sites, in bytes")
    ] = 512 * 1024 * 1024
    email_limit: Annotated[int, Meta(ge=6, le=500, description="maximum length of an email address, in characters")] = (
        256
    )
    attributes_limit: Annotated[
        int, Meta(ge=2, le=_LARGEST, description="maximum size of one customer's attributes, in bytes of JSON")
    ] = 64 * 1024
    trusted_proxies: Annotated[
        tuple[str, ...], Meta(description="addresses or networks of proxies whose X-Forwarded-* headers are trusted")
    ] = ()
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="the lowest level that is logged")
    ] = "info"
    log_format: Annotated[Literal["plain", "json"], Meta(description="the format of log lines")] = "plain"
    access_log: Annotated[Literal["on", "off"], Meta(description="whether to log one line per request")] = "on"
    slow_question_ms: Annotated[
        int, Meta(ge=0, le=_LARGEST, description="log queries that take longer than this, in milliseconds; 0: none")
    ] = 500
    metrics_token: Annotated[str, Meta(description="the bearer token for GET /metrics; empty: no metrics")] = ""
    healthy_days: Annotated[
        _Days, Meta(description="a contact who opened or clicked an email within this many days is healthy")
    ] = 90
    passive_days: Annotated[_Days, Meta(description="... within this many days, but not healthy: passive")] = 180
    unengaged_days: Annotated[
        _Days, Meta(description="... within this many days, but not passive: unengaged; longer ago or never: inactive")
    ] = 365
    admin: Annotated[Literal["on", "off"], Meta(description="whether to serve the admin page at /admin")] = "on"
    public_pages: Annotated[
        Literal["on", "off"],
        Meta(description="whether to serve the pages for customers: preferences, confirming and unsubscribing"),
    ] = "on"
    change_retention_days: Annotated[
        _Days, Meta(description="days that changes are kept, for indexes that follow them")
    ] = 7
    outbox: Annotated[
        Literal["on", "off"],
        Meta(description="whether commits are recorded in the outbox, for the change feed and webhooks"),
    ] = "on"
    outbox_retention_days: Annotated[
        _Days, Meta(description="days that the outbox is kept, for the change feed and webhooks")
    ] = 30
    anonymous_retention_days: Annotated[
        _Days,
        Meta(description="days that anonymous events wait for a customer, and that a cookie or device is remembered"),
    ] = 90
    import_retention_days: Annotated[
        _Days, Meta(description="days that imports can be undone, as what they replaced is kept")
    ] = 90
    unconfirmed_retention_days: Annotated[
        _Days, Meta(description="days that requests for consent that were never confirmed are kept")
    ] = 14
    audit_retention_days: Annotated[_Days, Meta(description="days that the audit trail is kept")] = 400
    vacuum_at_once: Annotated[
        int,
        Meta(
            ge=0,
            le=_LARGEST,
            description=(
                "after an erasure, a database up to this size in bytes is rewritten at once, a larger one in the "
                "maintenance hour"
            ),
        ),
    ] = 256 * 1024 * 1024
    vacuum_hour: Annotated[
        int, Meta(ge=0, le=23, description="the hour (UTC) in which a large database is rewritten after erasures")
    ] = 3
    vacuum_full: Annotated[
        Literal["on", "off"],
        Meta(
            description="PostgreSQL: whether an erasure is followed by VACUUM FULL, which blocks the tables, or VACUUM"
        ),
    ] = "off"
    merge_retention_days: Annotated[
        _Days, Meta(description="days that merges can be undone, as what they joined is kept")
    ] = 90
    snapshot_folder: Annotated[
        str,
        Meta(description="folder for index snapshots; empty: next to the SQLite file; none for PostgreSQL"),
    ] = ""
    files_folder: Annotated[
        str,
        Meta(
            description="folder for files, shared by all servers; empty: next to the SQLite file; none for PostgreSQL"
        ),
    ] = ""
    upload_limit: Annotated[
        int, Meta(ge=1024, le=_LARGEST, description="maximum size of an uploaded file, in bytes")
    ] = 1024 * 1024 * 1024
    rate_limit: Annotated[
        int,
        Meta(ge=0, le=100_000, description="requests per second for keys without their own rate; 0: unlimited"),
    ] = 0
    page_size_limit: Annotated[int, Meta(ge=1, le=10_000, description="maximum page size of lists")] = 100

    @property
    def has_outbox(self) -> bool:
        """Whether commits are recorded in the outbox."""
        return self.outbox == "on"

    @property
    def snapshots(self) -> Path | None:
        """The folder of the snapshots of this database."""
        if self.snapshot_folder:
            return Path(self.snapshot_folder, hashlib.sha256(self.database.encode()).hexdigest()[:16])
        if self.database.startswith(_SQLITE):
            return Path(self.database.removeprefix(_SQLITE) + ".audience")
        return None

    @property
    def files(self) -> Path | None:
        """The folder of the files of this database."""
        if self.files_folder:
            return Path(self.files_folder, hashlib.sha256(self.database.encode()).hexdigest()[:16])
        if self.database.startswith(_SQLITE):
            return Path(self.database.removeprefix(_SQLITE) + ".files")
        return None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings from the REGULARS_* variables. Raises SettingError for the first invalid one.

        An empty variable counts as not set. For unknown REGULARS_* variables see `unknown_variables`.
        """
        given = {}
        for setting in SETTINGS:
            text = environment.get(setting.variable, "").strip()
            if text:
                given[setting.name] = setting.parse(text)
        settings = cls(**given)
        for text in settings.trusted_proxies:
            if not _is_network(text):
                variable = f"{PREFIX}TRUSTED_PROXIES"
                raise SettingError(f"{variable} must list addresses or networks, such as 10.0.0.0/8, not {text!r}")
        if not settings.healthy_days <= settings.passive_days <= settings.unengaged_days:
            names = " <= ".join(f"{PREFIX}{name}_DAYS" for name in ("HEALTHY", "PASSIVE", "UNENGAGED"))
            raise SettingError(f"the engagement classes must be in order: {names}")
        return settings

    def environment(self) -> dict[str, str]:
        """The environment variables for these settings, for the server's processes."""
        return {setting.variable: setting.text(getattr(self, setting.name)) for setting in SETTINGS}


class Setting(Struct, frozen=True):
    """One setting for the documentation: `allowed` completes "must be ...", `meaning` says what it sets."""

    name: str
    type: Any
    default: Any
    allowed: str
    meaning: str

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return PREFIX + self.name.upper()

    def parse(self, text: str) -> Any:
        """Parse a value from the environment. Raises SettingError."""
        is_list = get_origin(_plain(self.type)) is tuple
        value = [part.strip() for part in text.split(",") if part.strip()] if is_list else text
        try:
            return msgspec.convert(value, self.type, strict=False)
        except msgspec.ValidationError:
            raise SettingError(f"{self.variable} must be {self.allowed}, not {text!r}") from None

    def text(self, value: Any) -> str:
        """A value as text for the environment."""
        return ",".join(value) if isinstance(value, tuple) else str(value)


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence per unknown REGULARS_* variable, with the most similar name."""
    known = [setting.variable for setting in SETTINGS]
    found = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            nearest = difflib.get_close_matches(name, known, 1, 0.8)
            found.append(f"{name} is not a setting" + (f"; did you mean {nearest[0]}?" if nearest else ""))
    return found


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _plain(annotation: Any) -> Any:
    """The type below any Annotated."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _metas(annotation: Any) -> list[Meta]:
    if get_origin(annotation) is not Annotated:
        return []
    inner, *metas = get_args(annotation)
    return [*_metas(inner), *metas]


def _allowed(annotation: Any) -> str:
    plain = _plain(annotation)
    if get_origin(plain) is Literal:
        return "one of " + ", ".join(get_args(plain))
    if get_origin(plain) is tuple:
        return "a comma-separated list"
    if plain is int:
        low = next(meta.ge for meta in _metas(annotation) if meta.ge is not None)
        high = next(meta.le for meta in _metas(annotation) if meta.le is not None)
        return f"a whole number from {low} to {high}"
    return "text"


SETTINGS: Final[tuple[Setting, ...]] = tuple(
    Setting(
        name=field.name,
        type=field.type,
        default=field.default,
        allowed=_allowed(field.type),
        meaning=next(meta.description for meta in _metas(field.type) if meta.description is not None),
    )
    for field in msgspec.structs.fields(Settings)
)
"""Every setting, in the order in which they are documented."""
