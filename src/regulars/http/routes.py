"""Every call that the server answers."""

from regulars.http import health
from regulars.http.call import route
from regulars.http.classic.routes import ROUTES as CLASSIC
from regulars.http.jsonapi.routes import ROUTES as JSONAPI
from regulars.http.pages import documentation

SERVER = (
    route("GET", "/healthz", health.show),
    route("GET", "/openapi.json", documentation.openapi),
    route("GET", "/docs", documentation.show),
)

ROUTES = (*CLASSIC, *JSONAPI, *SERVER)
"""The routes of both surfaces and of the server itself, from which the documentation of calls is derived."""
