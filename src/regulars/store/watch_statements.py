"""Statements on watched audiences, their members, and the figures of audiences over time."""

from typing import Final

from sqlalchemy import and_, bindparam, delete, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert as upsert

from regulars.store.schema import audience_members, audience_points, audience_watches, audiences
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is

_WATCH: Final = [column for column in audience_watches.c if column.name != "site_id"]
_POINT: Final = [column for column in audience_points.c if column.name != "site_id"]

WATCHED: Final = Statement(
    "watched_audiences",
    select(audiences.c.audience)
    .where(site_is(audiences), audiences.c.watched == literal_column("1"))
    .order_by(audiences.c.audience),
)
"""The audiences of a site that are watched."""

_listed, (_audience,) = keys_of(audience_watches.c.audience)
WATCHES: Final = Statement(
    "audience_watches",
    select(*_WATCH).select_from(
        KeyedJoin(_listed, audience_watches, and_(site_is(audience_watches), audience_watches.c.audience == _audience))
    ),
)
"""What is kept of watched audiences, for a list of numbers."""

MEMBERS: Final = Statement(
    "audience_members",
    select(audience_members.c.place, audience_members.c.members).where(
        site_is(audience_members), audience_members.c.audience == bindparam("audience")
    ),
)
"""The stored members of one audience."""

_kept = upsert(audience_watches)
SAVE_WATCH: Final = Statement(
    "save_audience_watches",
    _kept.on_conflict_do_update(
        index_elements=["site_id", "audience"],
        set_={column.name: _kept.excluded[column.name] for column in _WATCH if column.name != "audience"},
    ),
)
DELETE_WATCH: Final = Statement(
    "delete_audience_watches",
    delete(audience_watches).where(site_is(audience_watches), audience_watches.c.audience == bindparam("audience")),
)
_member = upsert(audience_members)
SAVE_MEMBERS: Final = Statement(
    "save_audience_members",
    _member.on_conflict_do_update(
        index_elements=["site_id", "audience", "place"], set_={"members": _member.excluded["members"]}
    ),
)
DELETE_PLACE: Final = Statement(
    "delete_audience_members_of_a_place",
    delete(audience_members).where(
        site_is(audience_members),
        audience_members.c.audience == bindparam("audience"),
        audience_members.c.place == bindparam("place"),
    ),
)
DELETE_MEMBERS: Final = Statement(
    "delete_audience_members",
    delete(audience_members).where(site_is(audience_members), audience_members.c.audience == bindparam("audience")),
)
DELETE_POINTS: Final = Statement(
    "delete_audience_points",
    delete(audience_points).where(site_is(audience_points), audience_points.c.audience == bindparam("audience")),
)
SAVE_POINT: Final = Statement("save_audience_points", upsert(audience_points).on_conflict_do_nothing())
POINTS: Final = Statement(
    "audience_points",
    select(*_POINT)
    .where(site_is(audience_points), audience_points.c.audience == bindparam("audience"))
    .order_by(audience_points.c["at"]),
)
"""The figures of one audience over time."""

NEWEST_POINTS: Final = Statement(
    "newest_audience_points",
    select(audience_points.c.audience, func.max(audience_points.c.version))
    .where(site_is(audience_points), audience_points.c["at"] >= bindparam("since"))
    .group_by(audience_points.c.audience),
)
"""The audiences that have points since a moment, each with its newest version among them."""

OLD_POINTS: Final = Statement(
    "old_audience_points",
    select(audience_points.c.audience, audience_points.c["at"])
    .where(site_is(audience_points), audience_points.c["at"] < bindparam("before"))
    .order_by(audience_points.c["at"])
    .limit(bindparam("count")),
)
DELETE_POINT: Final = Statement(
    "delete_audience_point",
    delete(audience_points).where(
        site_is(audience_points),
        audience_points.c.audience == bindparam("audience"),
        audience_points.c["at"] == bindparam("at"),
    ),
)
