"""The calls of the classic surface."""

from regulars.http.call import route
from regulars.http.classic import batch, customers, events, groups, logs

ROUTES = (
    route("GET", "/api/v1/customers/{who}", customers.show),
    route("POST", "/api/v1/customers", customers.upsert),
    route("GET", "/api/v1/customers", customers.search),
    route("POST", "/api/v1/customers/bulk", customers.bulk),
    route("POST", "/api/v1/customers/delete", customers.remove_posted),
    route("DELETE", "/api/v1/customers/{who}", customers.remove),
    route("GET", "/api/v1/customers/{who}/logs", logs.of_customer),
    route("POST", "/api/v1/customers/{who}/groups/{group}", groups.join),
    route("DELETE", "/api/v1/customers/{who}/groups/{group}", groups.leave),
    route("POST", "/api/v1/customers/{who}/groups{group}", groups.join),
    route("DELETE", "/api/v1/customers/{who}/groups{group}", groups.leave),
    route("GET", "/api/v1/groups", groups.index),
    route("POST", "/api/v1/groups", groups.create),
    route("PUT", "/api/v1/groups/{group}", groups.update),
    route("DELETE", "/api/v1/groups/{group}", groups.remove),
    route("POST", "/api/v1/event", events.record),
    route("POST", "/api/v1/bulkevents", events.bulk),
    route("POST", "/api/v1/batch", batch.batch),
)
"""Most used first: routes are tried in order."""
