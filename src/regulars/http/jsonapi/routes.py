"""The calls of the JSON:API surface."""

from starlette.routing import Route

ROUTES: tuple[Route, ...] = ()
