"""The admin page: every operation below /admin. Each screen's module declares its own and is listed here once."""

from typing import Final

from regulars.http.operation import Operation
from regulars.http.pages import (
    account,
    audience_members,
    audience_studies,
    audiences,
    broadcasts,
    bulk_actions,
    customer,
    customer_actions,
    customer_consent,
    customer_editing,
    customers,
    edit_undo,
    erasures,
    exports,
    imports,
    keys,
    merging,
    objects,
    overview,
    settings,
    sign_in,
    static_files,
    tag_merging,
    users,
)
from regulars.http.pages.admin_surface import ADMIN
from regulars.http.schema import TEXT

OPERATIONS: Final = (
    *sign_in.OPERATIONS,
    Operation(
        ADMIN,
        "admin.static",
        "GET",
        static_files.PREFIX + "{name}",
        static_files.show,
        "Get a file of the admin page",
        reply=TEXT,
        is_listed=False,
    ),
    *account.OPERATIONS,
    *overview.OPERATIONS,
    *customers.OPERATIONS,
    *bulk_actions.OPERATIONS,
    *audiences.OPERATIONS,
    *audience_members.OPERATIONS,
    *audience_studies.OPERATIONS,
    *broadcasts.OPERATIONS,
    *tag_merging.OPERATIONS,
    *objects.OPERATIONS,
    *imports.OPERATIONS,
    *settings.OPERATIONS,
    *erasures.OPERATIONS,
    *keys.OPERATIONS,
    *users.OPERATIONS,
    *exports.OPERATIONS,
    *merging.OPERATIONS,
    *customer_editing.OPERATIONS,
    *edit_undo.OPERATIONS,
    *customer_actions.OPERATIONS,
    *customer_consent.OPERATIONS,
    *customer.OPERATIONS,
)
