"""What tests of the HTTP surfaces ask of replies."""

from typing import Any

import httpx

from regulars.http.errors import ERRORS

Shape = type | tuple[type, ...] | dict[str, Any] | list[Any]


def fits(value: Any, shape: Shape) -> bool:
    """Whether a JSON value has at least the keys of the shape, with values of its types.

    A dict names the keys that must be there, a list of one shape says what each item is, a type is itself; a bool
    is not an int.
    """
    match shape:
        case dict():
            return isinstance(value, dict) and all(key in value and fits(value[key], shape[key]) for key in shape)
        case [item]:
            return isinstance(value, list) and all(fits(part, item) for part in value)
        case type():
            return type(value) is shape
        case tuple():
            return type(value) in shape
        case _:
            raise TypeError(shape)


def done(response: httpx.Response) -> dict[str, Any]:
    """The body of a call that succeeded: 200, and nothing but JSON."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert body["success"] is True
    return body


def refused(response: httpx.Response, code: str, *fields: str) -> dict[str, Any]:
    """The body of a call that failed with this code, told as JSON; `fields` are those that its faults name."""
    assert (response.status_code, response.json()["code"]) == (ERRORS[code].status, code), response.text
    body: dict[str, Any] = response.json()
    assert body["success"] is False
    assert body["error"] == body["message"] != ""
    if fields:
        assert [fault["field"] for fault in body["errors"]] == list(fields)
    assert all(fault["detail"] for fault in body["errors"])
    return body
