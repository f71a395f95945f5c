"""Statements on the definitions of saved audiences."""

from sqlalchemy import and_, bindparam, delete, literal_column, select
from sqlalchemy.dialects.postgresql import insert as upsert

from regulars.domain.audiences import KIND
from regulars.domain.relations import KIND_CODES
from regulars.store.schema import audiences, objects
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is

_COLUMNS = [column for column in audiences.c if column.name != "site_id"]
_listed, (_audience,) = keys_of(audiences.c.audience)
DEFINITIONS = Statement(
    "audience_definitions",
    select(*_COLUMNS).select_from(
        KeyedJoin(_listed, audiences, and_(site_is(audiences), audiences.c.audience == _audience))
    ),
)
"""The definitions of audiences, for a list of numbers."""

GRAPH = Statement(
    "audience_graph",
    select(audiences.c.audience, objects.c.key, audiences.c.refers)
    .select_from(
        audiences.join(
            objects,
            and_(
                site_is(objects),
                objects.c.kind == literal_column(str(KIND_CODES[KIND])),
                objects.c.number == audiences.c.audience,
            ),
        )
    )
    .where(site_is(audiences), audiences.c.refers.is_not(None)),
)
"""Every audience that refers to others: number, key and references."""

_saved = upsert(audiences)
SAVE = Statement(
    "save_audiences",
    _saved.on_conflict_do_update(
        index_elements=["site_id", "audience"],
        set_={column.name: _saved.excluded[column.name] for column in _COLUMNS if column.name != "audience"},
    ),
)
DELETE = Statement(
    "delete_audiences",
    delete(audiences).where(site_is(audiences), audiences.c.audience == bindparam("audience")),
)
