"""Statements on imports, and on what they changed."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from regulars.domain.changes import NULL
from regulars.domain.relations import RELATIONS
from regulars.store.schema import (
    activities,
    consent_requests,
    consents,
    former_addresses,
    import_changes,
    imports,
    logs,
    newsletter_consents,
    notes,
    pending_mails,
    relations,
    visitors,
)
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is

_IMPORT: Final = [column for column in imports.c if column.name != "site_id"]
_CHANGE: Final = [column for column in import_changes.c if column.name != "site_id"]
_is_import: Final = import_changes.c.import_number == bindparam("import_is", type_=BigInteger)

# -- imports --------------------------------------------------------------------------------------------------

NEWEST_IMPORT: Final = Statement("newest_import", select(func.max(imports.c.number)).where(site_is(imports)))
INSERT_IMPORT: Final = Statement("insert_import", insert(imports))
IMPORT: Final = Statement("import", select(*_IMPORT).where(site_is(imports), imports.c.number == bindparam("number")))
IMPORTS: Final = Statement(
    "imports",
    select(*_IMPORT)
    .where(site_is(imports), imports.c.number < bindparam("below", type_=BigInteger))
    .order_by(imports.c.number.desc())
    .limit(bindparam("count")),
)
"""The newest imports below a number."""
IMPORTS_OF_ORIGIN: Final = Statement(
    "imports_of_origin",
    select(*_IMPORT)
    .where(site_is(imports), imports.c.origin == bindparam("origin_is"))
    .order_by(imports.c.number.desc()),
)
SAVE_IMPORT: Final = Statement(
    "save_import",
    update(imports)
    .where(site_is(imports), imports.c.number == bindparam("number_is"))
    .values({name: bindparam(name) for name in ("state", "summary", "undo", "seen_at", "finished_at", "undone_at")}),
)

# -- what they changed ----------------------------------------------------------------------------------------

INSERT_CHANGES: Final = Statement("insert_import_changes", insert(import_changes))
CHANGES: Final = Statement(
    "import_changes",
    select(*_CHANGE)
    .where(
        site_is(import_changes),
        _is_import,
        import_changes.c.customer < bindparam("below", type_=BigInteger),
        import_changes.c.undone.is_(None),
    )
    .order_by(import_changes.c.customer.desc(), import_changes.c.change.desc())
    .limit(bindparam("count")),
)
"""What an import changed of the customers below a number and was not undone, newest customers first."""
CHANGED_CUSTOMERS: Final = Statement(
    "import_changed_customers",
    select(import_changes.c.customer)
    .where(site_is(import_changes), _is_import, import_changes.c.customer > bindparam("above", type_=BigInteger))
    .order_by(import_changes.c.customer)
    .limit(bindparam("count")),
)
"""The customers above a number that an import changed, ascending."""
_listed, (_customer,) = keys_of(import_changes.c.customer)
UNDONE_LATER: Final = Statement(
    "import_changes_undone_later",
    select(*(import_changes.c[name] for name in ("customer", "import_number", "change", "base", "undone"))).select_from(
        KeyedJoin(
            _listed,
            import_changes,
            and_(
                site_is(import_changes),
                import_changes.c.customer == _customer,
                import_changes.c.body.is_not(None),
                import_changes.c.undone.is_not(None),
                import_changes.c.change > literal_column("0"),
                import_changes.c.import_number > bindparam("after", type_=BigInteger),
            ),
        ).by("import_changes_customer")
    ),
)
"""What later imports changed of a list of customers and was undone."""
MARK_UNDONE: Final = Statement(
    "mark_import_changes_undone",
    update(import_changes)
    .where(site_is(import_changes), _is_import, import_changes.c.customer == bindparam("customer_is"))
    .values(undone=bindparam("undone")),
)
ERASE_CHANGES: Final = Statement(
    "erase_import_changes",
    delete(import_changes).where(
        site_is(import_changes),
        import_changes.c.customer == bindparam("number"),
        import_changes.c.change > literal_column("0"),
        import_changes.c.body.is_not(None),
    ),
)
"""What imports replaced of a customer who is being deleted. All changes are above 0: it makes SQLite take the index."""
OLD_CHANGES: Final = Statement(
    "old_import_changes",
    select(import_changes.c.import_number, import_changes.c.customer, import_changes.c.change)
    .select_from(
        KeyedJoin(
            select(imports.c.number)
            .where(site_is(imports), imports.c.started_at < bindparam("before"))
            .subquery("old_imports"),
            import_changes,
            and_(site_is(import_changes), import_changes.c.import_number == literal_column("old_imports.number")),
        )
    )
    .limit(bindparam("count")),
)
DELETE_CHANGE: Final = Statement(
    "delete_import_change",
    delete(import_changes).where(
        site_is(import_changes),
        _is_import,
        import_changes.c.customer == bindparam("customer"),
        import_changes.c.change == bindparam("change"),
    ),
)

# -- what an undo reads and removes ---------------------------------------------------------------------------

_listed, (_customer,) = keys_of(consents.c.customer)
_ever: Final = cast(literal_column(str(NULL)), BigInteger)
_hidden: Final[list[ColumnElement[Any]]] = [literal_column(str(each.code)) for each in RELATIONS if not each.is_shown]


def _any(table: Any, moment: str) -> ColumnElement[Any]:
    """1 if there is a row of the customer, else NULL. The condition on the time is always true: see DELETE_HISTORY."""
    return (
        select(literal_column("1"))
        .where(site_is(table), table.c.customer == _customer, table.c[moment] > _ever)
        .limit(literal_column("1"))
        .correlate(_listed)
        .scalar_subquery()
    )


TRACES: Final = Statement(
    "traces_of_customers",
    select(
        _customer,
        select(func.max(consents.c.number))
        .where(site_is(consents), consents.c.customer == _customer)
        .correlate(_listed)
        .scalar_subquery(),
        select(func.count())
        .select_from(relations)
        .where(site_is(relations), relations.c.customer == _customer, relations.c.relation.in_(_hidden))
        .correlate(_listed)
        .scalar_subquery(),
        _any(activities, "at"),
        _any(logs, "created_at"),
        _any(visitors, "at"),
        _any(pending_mails, "due_at"),
        _any(notes, "created_at"),
        _any(newsletter_consents, "at"),
        select(func.count())
        .select_from(consent_requests)
        .where(site_is(consent_requests), consent_requests.c.customer == _customer, consent_requests.c.at > _ever)
        .correlate(_listed)
        .scalar_subquery(),
    ).select_from(_listed),
)
"""What is kept of each of a list of customers: see `working.history.Traces`."""
DELETE_TIE: Final = Statement(
    "delete_tie",
    delete(relations).where(
        site_is(relations),
        relations.c.customer == bindparam("customer"),
        relations.c.relation == bindparam("relation"),
        relations.c.object == bindparam("object"),
    ),
)
DELETE_CONSENT: Final = Statement(
    "delete_consent",
    delete(consents).where(
        site_is(consents), consents.c.customer == bindparam("customer"), consents.c.number == bindparam("number")
    ),
)
DELETE_NEWSLETTER_CONSENT: Final = Statement(
    "delete_newsletter_consent",
    delete(newsletter_consents).where(
        site_is(newsletter_consents),
        newsletter_consents.c.customer == bindparam("customer"),
        newsletter_consents.c.number == bindparam("number"),
    ),
)
DELETE_FORMER_ADDRESS: Final = Statement(
    "delete_former_address",
    delete(former_addresses).where(
        site_is(former_addresses),
        former_addresses.c.email_key == bindparam("email_key"),
        former_addresses.c.customer == bindparam("customer"),
    ),
)
_listed, (_address, _owner) = keys_of(former_addresses.c.email_key, former_addresses.c.customer)
FORMER: Final = Statement(
    "former_addresses_of_customers",
    select(*(column for column in former_addresses.c if column.name != "site_id")).select_from(
        KeyedJoin(
            _listed,
            former_addresses,
            and_(
                site_is(former_addresses),
                former_addresses.c.email_key == _address,
                former_addresses.c.customer == _owner,
            ),
        )
    ),
)
"""What is kept of a list of (address, customer)."""
