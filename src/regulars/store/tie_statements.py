"""Statements on ties, and on those that are deleted because their object was.

The ties of a deleted object are removed later, in slices. Until then `not_deleted` leaves them out of what is read.
"""

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from regulars.domain.relations import KIND_CODES
from regulars.store.schema import customers, deleted_ties, objects, relations, site_heads
from regulars.store.statement import Greatest, KeyedJoin, Statement, keys_of, site_is

_any_deleted = select(deleted_ties.c.object).where(site_is(deleted_ties)).limit(literal_column("1"))
_deletion = (
    site_is(deleted_ties),
    deleted_ties.c.relation == relations.c.relation,
    deleted_ties.c.object == relations.c.object,
    deleted_ties.c.change > relations.c.written,
)


def not_deleted() -> ColumnElement[bool]:
    """The condition that a row of `relations` is not a tie of before its object was deleted.

    The first part is almost always true, and evaluated once for all rows.
    """
    deletion = select(deleted_ties.c.object).where(*_deletion).correlate(relations)
    return or_(not_(exists(_any_deleted)), not_(exists(deletion)))


def not_fenced(kind: str, number: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that a row does not belong to a deleted object of a kind, with whose ties it will be removed."""
    fenced = exists().where(
        site_is(objects),
        objects.c.kind == literal_column(str(KIND_CODES[kind])),
        objects.c.number == number,
        objects.c.fence != literal_column("0"),
    )
    return or_(not_(exists(_any_deleted)), not_(fenced))


def changed_at() -> ColumnElement[int]:
    """A customer's changed_at, including the moments of deletions whose ties are not removed yet."""
    first = select(func.min(deleted_ties.c.moment)).where(*_deletion).correlate(relations).scalar_subquery()
    newest = (
        select(func.max(first))
        .where(site_is(relations), relations.c.customer == customers.c.number, relations.c.holds == literal_column("1"))
        .correlate(customers)
        .scalar_subquery()
    )
    stored = func.coalesce(customers.c.changed_at, customers.c.created_at)
    return case(
        (not_(exists(_any_deleted)), customers.c.changed_at),
        else_=Greatest(stored, func.coalesce(newest, literal_column("0"))),
    )


_fields = [relations.c[name] for name in ("customer", "relation", "object", "holds", "at")]
_listed, (_customer, _relation, _object) = keys_of(relations.c.customer, relations.c.relation, relations.c.object)
TIES = Statement(
    "ties",
    select(*_fields).select_from(
        KeyedJoin(
            _listed,
            relations,
            and_(
                site_is(relations),
                relations.c.customer == _customer,
                relations.c.relation == _relation,
                relations.c.object == _object,
                not_deleted(),
            ),
        )
    ),
)
"""The ties of a list of (customer, relation, object)."""

_listed, (_customer, _relation) = keys_of(relations.c.customer, relations.c.relation)
TIES_OF_RELATION = Statement(
    "ties_of_relation",
    select(*_fields).select_from(
        KeyedJoin(
            _listed,
            relations,
            and_(
                site_is(relations),
                relations.c.customer == _customer,
                relations.c.relation == _relation,
                not_deleted(),
            ),
        )
    ),
)
"""All ties of a relation, for a list of (customer, relation)."""

_KEY = ["site_id", "customer", "relation", "object"]
_tie = upsert(relations).values(
    {name: bindparam(name) for name in ("site_id", "customer", "relation", "object", "holds", "at")}
)
SAVE_TIES = Statement(
    "save_ties",
    _tie.on_conflict_do_update(index_elements=_KEY, set_={"holds": _tie.excluded.holds, "at": _tie.excluded.at}),
)
"""For a site without deleted ties."""
_tie = upsert(relations)
SAVE_TIES_ANEW = Statement(
    "save_ties_anew",
    _tie.on_conflict_do_update(
        index_elements=_KEY,
        set_={"holds": _tie.excluded.holds, "at": _tie.excluded.at, "written": _tie.excluded.written},
    ),
)
"""For a site with deleted ties, which may be among those that are saved."""

# -- deleted ties ---------------------------------------------------------------------------------------------

NOTE_DELETED_TIES = Statement("note_deleted_ties", insert(deleted_ties))
ANY_DELETED_TIES = Statement("any_deleted_ties", _any_deleted)
NEWEST_DELETION = Statement("newest_deletion", select(func.max(deleted_ties.c.change)).where(site_is(deleted_ties)))
STORED_DELETED_TIES = Statement(
    "stored_deleted_ties",
    select(
        relations.c.customer,
        relations.c.relation,
        relations.c.object,
        relations.c.holds,
        deleted_ties.c.change,
        deleted_ties.c.moment,
    )
    .select_from(KeyedJoin(relations, deleted_ties, and_(*_deletion)))
    .where(site_is(relations), relations.c.customer > bindparam("after"))
    .order_by(relations.c.customer, relations.c.relation, relations.c.object, deleted_ties.c.change)
    .limit(bindparam("count")),
)
"""The next deleted ties, each with the change and the moment of its deletion, or of several."""
REMOVE_DELETED_TIE = Statement(
    "remove_deleted_tie",
    delete(relations).where(
        site_is(relations),
        relations.c.customer == bindparam("customer"),
        relations.c.relation == bindparam("relation"),
        relations.c.object == bindparam("object"),
        relations.c.written < bindparam("change"),
    ),
)
STAMP_CUSTOMER = Statement(
    "stamp_customer",
    update(customers)
    .where(
        site_is(customers),
        customers.c.number == bindparam("customer"),
        func.coalesce(customers.c.changed_at, literal_column("0")) < bindparam("moment_is"),
    )
    .values(changed_at=bindparam("moment")),
)
"""Sets the changed_at of a customer whose deleted tie is removed, unless it has a later one."""
COMPLETED_DELETIONS = Statement(
    "completed_deletions",
    select(deleted_ties.c.relation, deleted_ties.c.object, deleted_ties.c.change)
    .where(site_is(deleted_ties), deleted_ties.c.change <= bindparam("newest"))
    .limit(bindparam("count")),
)
FORGET_DELETION = Statement(
    "forget_deletion",
    delete(deleted_ties).where(
        site_is(deleted_ties),
        deleted_ties.c.relation == bindparam("relation"),
        deleted_ties.c.object == bindparam("object"),
        deleted_ties.c.change == bindparam("change"),
    ),
)

# -- fences against servers that do not know deleted ties: see `schema.site_heads` and `schema.objects` ---------

FENCE_OBJECT = Statement(
    "fence_object",
    update(objects)
    .where(site_is(objects), objects.c.kind == bindparam("kind_is"), objects.c.number == bindparam("number_is"))
    .values(fence=bindparam("change")),
)
FENCE_SITE = Statement("fence_site", update(site_heads).where(site_is(site_heads)).values(fence=bindparam("change")))
OPEN_OBJECT = Statement(
    "open_object",
    update(objects)
    .where(
        site_is(objects),
        objects.c.kind == bindparam("kind_is"),
        objects.c.number == bindparam("number_is"),
        objects.c.fence <= bindparam("newest"),
    )
    .values(fence=literal_column("0")),
)
OPEN_SITE = Statement(
    "open_site",
    update(site_heads)
    .where(site_is(site_heads), site_heads.c.fence != literal_column("0"), not_(exists().where(site_is(deleted_ties))))
    .values(fence=literal_column("0")),
)
"""Opens a site whose deleted ties are all removed."""
