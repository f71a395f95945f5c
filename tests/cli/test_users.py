"""`regulars users`: who may sign in to the admin page."""

import re

import pytest

from .conftest import Run


def test_a_user_is_created_listed_changed_and_disabled(run: Run, database: dict[str, object]) -> None:
    made = run("users", "create", "Anna@Example.com", "--name", "Anna Keller", "--role", "read", "--json").json
    assert (made["address"], made["name"], made["role"]) == ("anna@example.com", "Anna Keller", "read")
    assert re.fullmatch(r"http://127\.0\.0\.1:8080/admin/link/[\w-]{43}", made["link"])
    assert run("users", "role", "anna@example.com", "admin", "--json").json["role"] == "admin"
    assert run("users", "disable", str(made["id"]), "--json").json["disabled_at"] is not None
    assert run("users", "enable", "anna@example.com", "--json").json["disabled_at"] is None
    listed = {each["name"]: each for each in run("users", "list", "--json").json}
    assert listed["Anna Keller"]["has_password"] is False
    assert listed["Administrator"]["address"] is None  # whom `init` has made


def test_a_link_is_for_where_the_server_is_reached(run: Run, database: dict[str, object]) -> None:
    run("users", "create", "ben@example.com")
    made = run("users", "link", "ben@example.com", "--url", "https://crm.example.com/", "--json")
    assert made.json["link"].startswith("https://crm.example.com/admin/link/")
    assert "works once" in made.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", "nobody"), "the address must be an email address"),
        (("create", "a@example.com", "--role", "owner"), "the role must be one of read, write, admin"),
        (("create", "a@example.com", "--name", " "), "the name must be a name"),
        (("link", "nobody@example.com"), "there is no user 'nobody@example.com'"),
        (("disable", "99"), "there is no user '99'"),
        (("role", "1", "owner"), "the role must be one of"),
    ],
)
def test_what_is_wrong_is_said(
    run: Run, database: dict[str, object], arguments: tuple[str, ...], sentence: str
) -> None:
    failed = run("users", *arguments)
    assert (failed.code, failed.out) == (1, "")
    assert sentence in failed.err


def test_an_address_belongs_to_one_user(run: Run, database: dict[str, object]) -> None:
    run("users", "create", "carla@example.com")
    assert "already exists" in run("users", "create", "CARLA@example.com").err
