"""Numbers beyond all that are given out name nothing, whatever the type of a column: never a 5xx."""

import re

import pytest

from regulars.http.operations import OPERATIONS

from ..in_process import Client, InProcess
from .pages.visiting import signed_in

NUMBERS = (2**31, 2**53 - 1, 10**15, 2**63, 10**30)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_in_a_path_names_nothing(app: InProcess, api: Client, number: int) -> None:
    admin = app.client(scopes=("admin",))
    for each in OPERATIONS:
        path = re.sub(r"{\w+}", str(number), each.path)
        resource = b'{"data": {"type": "%s", "id": "%d"}}' % (path.rpartition("/")[0].encode(), number)
        for body in (b"",) if each.method == "GET" else (b"", b"{}", resource):
            reply = admin.send(each.method, path, content=body, headers={"Content-Type": "application/json"})
            assert reply.status_code < 500, f"{each.method} {path} {reply.text}"


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_in_the_path_of_a_screen_names_nothing(app: InProcess, number: int) -> None:
    browser = signed_in(app)
    for each in OPERATIONS:
        if each.path.startswith("/admin/sites/"):
            path = re.sub(r"{\w+}", str(number), each.path.replace("{site}", "main"))
            reply = browser.get(path) if each.method == "GET" else browser.post(path)
            assert reply.status_code < 500, f"{each.method} {path} {reply.text}"
