"""Statements for lists of objects: titles of existing objects in order, and their counts."""

from sqlalchemy import (
    BigInteger,
    Select,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from regulars.store.schema import object_counts, object_titles, objects
from regulars.store.statement import Contains, KeyedJoin, Statement, keys_of, site_is

_number, _title = object_titles.c.number, object_titles.c.title_key
_of_kind = (site_is(object_titles), object_titles.c.kind == bindparam("kind"))
_present = (site_is(objects), objects.c.kind == bindparam("kind"), objects.c.deleted_at.is_(None))
_ORDERED = {
    "id": select(_number).where(*_of_kind).order_by(_number),
    "-id": select(_number).where(*_of_kind).order_by(_number.desc()),
    "title": select(_number).where(*_of_kind).order_by(_title, _number),
    "-title": select(_number).where(*_of_kind).order_by(_title.desc(), _number),
}
_DATED: dict[str, Select[tuple[int]]] = {
    order: select(objects.c.number).where(*_present).order_by(column, objects.c.number)
    for name in ("created_at", "updated_at")
    for order, column in ((name, objects.c[name]), (f"-{name}", objects.c[name].desc()))
}


def _named(prefix: str, order: str) -> str:
    return f"{prefix}_{order.replace('-', 'descending_')}"


PAGES = {
    order: Statement(_named("objects_by", order), query.limit(bindparam("count")).offset(bindparam("skip")))
    for order, query in (_ORDERED | _DATED).items()
}
"""A page of the numbers of a kind's objects, by sort order."""
MATCHES = {
    order: Statement(_named("objects_titled_by", order), query.where(Contains(_title, bindparam("text"))))
    for order, query in _ORDERED.items()
}
"""The numbers of a kind's objects whose titles contain a text, by sort order."""

NUMBERS_AFTER = Statement(
    "object_numbers_after",
    select(_number).where(*_of_kind, _number > bindparam("after")).order_by(_number).limit(bindparam("count")),
)
OBJECT_COUNT = Statement(
    "object_count",
    select(object_counts.c["count"]).where(site_is(object_counts), object_counts.c.kind == bindparam("kind")),
)

_CHANGING = ("key", "name", "name_key", "description", "created_at", "updated_at", "deleted_at")
_object = upsert(objects).values({name: bindparam(name) for name in ("site_id", "kind", "number", *_CHANGING)})
SAVE_OBJECTS = Statement(
    "save_objects",
    _object.on_conflict_do_update(
        index_elements=["site_id", "kind", "number"],
        set_={name: _object.excluded[name] for name in _CHANGING}
        | {"fence": case((_object.excluded.deleted_at.is_(None), literal_column("0")), else_=objects.c.fence)},
    ),
)
_titled = upsert(object_titles)
SAVE_TITLES = Statement(
    "save_titles",
    _titled.on_conflict_do_update(
        index_elements=["site_id", "kind", "number"], set_={"title_key": _titled.excluded.title_key}
    ),
)
DELETE_TITLES = Statement(
    "delete_titles",
    delete(object_titles).where(
        site_is(object_titles),
        object_titles.c.kind == bindparam("kind"),
        object_titles.c.number == bindparam("number"),
    ),
)
_counted = upsert(object_counts)
ADD_COUNTS = Statement(
    "add_counts",
    _counted.on_conflict_do_update(
        index_elements=["site_id", "kind"], set_={"count": object_counts.c["count"] + _counted.excluded["count"]}
    ),
)

# -- a whole site, when it is filled or checked ------------------------------------------------------------------

OBJECTS_SLICE = Statement(
    "objects_slice",
    select(
        objects.c.kind, objects.c.number, objects.c.key, objects.c.name, objects.c.deleted_at, object_titles.c.title_key
    )
    .select_from(
        objects.outerjoin(
            object_titles,
            and_(
                site_is(object_titles),
                object_titles.c.kind == objects.c.kind,
                object_titles.c.number == objects.c.number,
            ),
        )
    )
    .where(
        site_is(objects),
        objects.c.kind >= bindparam("kind"),
        or_(objects.c.kind > bindparam("kind"), objects.c.number > cast(bindparam("number"), BigInteger)),
    )
    .order_by(objects.c.kind, objects.c.number)
    .limit(bindparam("count")),
)
"""Objects after (kind, number), including deleted ones, each with its title stored in `object_titles`."""
TITLES_PRESENT = Statement(
    "titles_present",
    select(object_titles.c.kind, func.count()).where(site_is(object_titles)).group_by(object_titles.c.kind),
)
COUNTS = Statement(
    "object_counts_of_site", select(object_counts.c.kind, object_counts.c["count"]).where(site_is(object_counts))
)
FORGET_COUNTS = Statement("forget_counts", delete(object_counts).where(site_is(object_counts)))
INSERT_COUNTS = Statement("insert_counts", insert(object_counts))

# -- what is removed after its object ------------------------------------------------------------------------------

_listed, (_kind, _item) = keys_of(objects.c.kind, objects.c.number)
FENCED = Statement(
    "fenced_objects",
    select(objects.c.kind, objects.c.number).select_from(
        KeyedJoin(
            _listed,
            objects,
            and_(
                site_is(objects),
                objects.c.kind == _kind,
                objects.c.number == _item,
                objects.c.fence != literal_column("0"),
            ),
        )
    ),
)
"""Those of a list of (kind, number) that are deleted and not created again, and whose ties or other rows are stored."""
