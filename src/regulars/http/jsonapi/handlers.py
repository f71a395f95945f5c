"""Handlers that are made from a line of a table: each is told what it answers, for the documentation of calls."""

from regulars.http.call import Handler
from regulars.http.jsonapi.query import QuerySpec


def made(handler: Handler, call: str, does: str, query_spec: QuerySpec) -> Handler:
    """The handler of a call such as "GET /v1/offers/{id}", which does that, with the parameters that it takes."""
    method, _, path = call.partition(" ")
    words = path.removeprefix("/v1/").replace("{", "").replace("}", "").replace("/", "_")
    handler.__name__ = handler.__qualname__ = f"{method.lower()}_{words}"
    handler.__doc__ = f"{call}: {does}."
    handler.__dict__["query_spec"] = query_spec
    return handler
