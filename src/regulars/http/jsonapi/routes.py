"""The calls of the JSON:API surface."""

from regulars.http.call import route as plain_route
from regulars.http.jsonapi import contacts, customers, oauth, objects, offer_products, relationships, server, sites
from regulars.http.jsonapi.negotiation import route

ROUTES = (
    route("GET", "/v1/customers", customers.index),
    route("GET", "/v1/customers/{id}", customers.show),
    route("GET", "/v1/contacts", contacts.index),
    route("POST", "/v1/contacts", contacts.create),
    route("GET", "/v1/contacts/{id}", contacts.show),
    route("PATCH", "/v1/contacts/{id}", contacts.change),
    route("DELETE", "/v1/contacts/{id}", contacts.remove),
    *relationships.ROUTES,
    *offer_products.ROUTES,
    *objects.ROUTES,
    route("GET", "/v1/sites", sites.index),
    route("GET", "/v1/sites/{id}", sites.show),
    route("GET", "/v1/me", server.me),
    plain_route("POST", "/v1/oauth/token", oauth.token),
    plain_route("POST", "/v1/oauth/revoke", oauth.revoke),
    route("GET", "/v1/version", server.version),
)
"""Most used first: routes are tried in order."""
