"""Every call that the server answers."""

from regulars.http import health
from regulars.http.call import route
from regulars.http.classic.routes import ROUTES as CLASSIC
from regulars.http.jsonapi.routes import ROUTES as JSONAPI

ROUTES = (*CLASSIC, *JSONAPI, route("GET", "/healthz", health.show))
"""The routes of both surfaces and of the server itself, from which the documentation of calls is derived."""
