"""Settings: everything that can be set, each said once; the environment, `serve --help` and the docs derive from it."""

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
"""What stands in front of a setting's name in the environment."""

_SQLITE: Final = "sqlite:///"
_LARGEST: Final = 2**40
_Seconds = Annotated[int, Meta(ge=1, le=86_400)]
_Days = Annotated[int, Meta(ge=1, le=36_500)]


class SettingError(ValueError):
    """An environment variable has a value that its setting does not take; the sentence says what is allowed."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of a server. The description of each field is the documentation of its variable."""

    database: Annotated[str, Meta(min_length=1, description="the database's URL")] = "sqlite:///regulars.db"
    database_connections: Annotated[
        int, Meta(ge=2, le=1_000, description="connections of a process to PostgreSQL; beyond it calls wait, then 503")
    ] = 16
    host: Annotated[str, Meta(min_length=1, description="the address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="the port to listen on; 0 takes a free one")] = 8080
    workers: Annotated[int, Meta(ge=1, le=256, description="server processes, each with its own index")] = 1
    body_limit: Annotated[int, Meta(ge=1024, le=_LARGEST, description="largest body of a request, in bytes")] = (
        2 * 1024 * 1024
    )
    bodies_memory: Annotated[
        int,
        Meta(
            ge=0,
            le=_LARGEST,
            description="memory for bodies that have not come in whole, in bytes; beyond it a body is refused (503)",
        ),
    ] = 64 * 1024 * 1024
    head_timeout: Annotated[
        _Seconds, Meta(description="seconds in which the line and headers of a request must arrive")
    ] = 10
    body_timeout: Annotated[
        _Seconds, Meta(description="seconds in which its body must arrive, or each further 64 KiB of it")
    ] = 30
    send_timeout: Annotated[_Seconds, Meta(description="seconds in which a client must take a part of its answer")] = 30
    keep_alive_timeout: Annotated[_Seconds, Meta(description="seconds that a connection is kept without a request")] = (
        75
    )
    connections_limit: Annotated[
        int,
        Meta(
            ge=0,
            le=2**20,
            description="connections of a process; beyond it the longest idle goes; 0: as many as open files allow",
        ),
    ] = 0
    queue_capacity: Annotated[
        int, Meta(ge=1, le=_LARGEST, description="writes that may wait; beyond it callers are told to come back (503)")
    ] = 10_000
    index_memory: Annotated[
        int, Meta(ge=0, le=_LARGEST, description="memory for the indexes of all sites of a process, in bytes")
    ] = 512 * 1024 * 1024
    email_limit: Annotated[int, Meta(ge=6, le=500, description="longest e-mail address, in characters")] = 256
    attributes_limit: Annotated[
        int, Meta(ge=2, le=_LARGEST, description="largest attributes of one customer, in bytes of JSON")
    ] = 64 * 1024
    trusted_proxies: Annotated[
        tuple[str, ...], Meta(description="addresses or networks of proxies whose X-Forwarded-* headers are believed")
    ] = ()
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="what is logged: this and what is worse")
    ] = "info"
    log_format: Annotated[Literal["plain", "json"], Meta(description="how log lines are written")] = "plain"
    access_log: Annotated[Literal["on", "off"], Meta(description="whether each request is logged in one line")] = "on"
    slow_question_ms: Annotated[
        int, Meta(ge=0, le=_LARGEST, description="log questions that take longer, in milliseconds, in words; 0: none")
    ] = 500
    metrics_token: Annotated[
        str, Meta(description="the bearer token that GET /metrics asks for; empty: there are no metrics")
    ] = ""
    healthy_days: Annotated[
        _Days, Meta(description="who opened or clicked a mail within so many days is a healthy contact")
    ] = 90
    passive_days: Annotated[_Days, Meta(description="... within so many, but not healthy: a passive contact")] = 180
    unengaged_days: Annotated[
        _Days, Meta(description="... within so many, but not passive: unengaged; longer ago or never: inactive")
    ] = 365
    change_retention_days: Annotated[
        _Days, Meta(description="how many days changes are kept, for those who follow them")
    ] = 7
    outbox: Annotated[
        Literal["on", "off"],
        Meta(description="off: what happens is not kept for the change feed, webhooks and watched audiences"),
    ] = "on"
    outbox_retention_days: Annotated[
        _Days, Meta(description="how many days what happened is kept for the change feed and webhooks")
    ] = 30
    snapshot_folder: Annotated[
        str,
        Meta(description="folder of the indexes' snapshots; empty: beside the SQLite file, or none"),
    ] = ""
    rate_limit: Annotated[
        int,
        Meta(ge=0, le=100_000, description="requests a second of a key that has no rate of its own; 0: any number"),
    ] = 0
    page_size_limit: Annotated[int, Meta(ge=1, le=10_000, description="largest page of a list")] = 100

    @property
    def has_outbox(self) -> bool:
        """Whether commits are written into the outbox."""
        return self.outbox == "on"

    @property
    def snapshots(self) -> Path | None:
        """The folder of the snapshots of this database."""
        if self.snapshot_folder:
            return Path(self.snapshot_folder, hashlib.sha256(self.database.encode()).hexdigest()[:16])
        if self.database.startswith(_SQLITE):
            return Path(self.database.removeprefix(_SQLITE) + ".audience")
        return None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings that the REGULARS_* variables give. Raises SettingError for the first wrong one.

        An empty variable counts as not set; REGULARS_* variables of no setting are left to `unknown_variables`.
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
            raise SettingError(f"the engagement classes must follow each other: {names}")
        return settings

    def environment(self) -> dict[str, str]:
        """The variables that give these settings again, for the processes of a server."""
        return {setting.variable: setting.text(getattr(self, setting.name)) for setting in SETTINGS}


class Setting(Struct, frozen=True):
    """One setting as it is documented: `allowed` completes "must be ...", `meaning` says what it sets."""

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
        """Read a value of the environment. Raises SettingError."""
        is_list = get_origin(_plain(self.type)) is tuple
        value = [part.strip() for part in text.split(",") if part.strip()] if is_list else text
        try:
            return msgspec.convert(value, self.type, strict=False)
        except msgspec.ValidationError:
            raise SettingError(f"{self.variable} must be {self.allowed}, not {text!r}") from None

    def text(self, value: Any) -> str:
        """A value as it is written in the environment."""
        return ",".join(value) if isinstance(value, tuple) else str(value)


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence on each REGULARS_* variable of no setting, with the name that may have been meant."""
    known = [setting.variable for setting in SETTINGS]
    found = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            nearest = difflib.get_close_matches(name, known, 1, 0.8)
            found.append(f"{name} is no setting" + (f"; did you mean {nearest[0]}?" if nearest else ""))
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
