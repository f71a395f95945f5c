"""The calls of the JSON:API surface."""

from regulars.http.call import route as plain_route
from regulars.http.jsonapi import customers, oauth, server, sites
from regulars.http.jsonapi.negotiation import route

ROUTES = (
    route("GET", "/v1/customers", customers.index),
    route("GET", "/v1/customers/{id}", customers.show),
    route("GET", "/v1/sites", sites.index),
    route("GET", "/v1/sites/{id}", sites.show),
    route("GET", "/v1/me", server.me),
    plain_route("POST", "/v1/oauth/token", oauth.token),
    plain_route("POST", "/v1/oauth/revoke", oauth.revoke),
    route("GET", "/v1/version", server.version),
)
"""Most used first: routes are tried in order."""
