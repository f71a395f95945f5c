"""Etags: the state of a resource that a change is meant for."""

from regulars.http.call import Call


def expected_etags(call: Call) -> tuple[str, ...] | None:
    """The etags that If-Match names; None if any will do."""
    listed = [each.strip() for value in call.request.headers.getlist("if-match") for each in value.split(",")]
    if not listed or "*" in listed:
        return None
    return tuple(each.removeprefix("W/").strip('"') for each in listed)
