"""Groups: the resource, and who is in one."""

import itertools
from typing import Any

import pytest

from regulars.domain.working import ties
from tests.http.checks import done, fits, refused
from tests.in_process import Client, InProcess

_fresh = itertools.count(1)
GROUP = {"id": str, "name": str, "description": (str, type(None))}


def fresh_name() -> str:
    return f"Group {next(_fresh)}"


def groups_of(api: Client, address: str) -> list[str]:
    found: list[str] = done(api.get(f"customers/{address}"))["customer"]["groups"]
    return found


@pytest.fixture(scope="module")
def member(api: Client) -> str:
    """The address of a customer to put into groups."""
    done(api.post("customers", {"email": "member@example.com"}))
    return "member@example.com"


def test_a_group_is_created_listed_changed_and_deleted(api: Client) -> None:
    made = done(api.post("groups", {"name": " Friends ", "description": "Who we like"}))["group"]
    assert fits(made, GROUP)
    assert made["id"].startswith("grp_")
    assert (made["name"], made["description"]) == ("Friends", "Who we like")
    assert made in done(api.get("groups"))["groups"]
    renamed = done(api.put(f"groups/{made['id']}", {"name": "Best friends"}))["group"]
    assert renamed == {**made, "name": "Best friends"}
    assert done(api.put(f"groups/{made['id']}", {"name": "Best friends"}))["result"] == "unchanged"
    done(api.delete(f"groups/{made['id']}"))
    assert made["id"] not in [group["id"] for group in done(api.get("groups"))["groups"]]


def test_a_name_belongs_to_one_group_whatever_its_case(app: InProcess, api: Client) -> None:
    name = fresh_name()
    first = done(api.post("groups", {"name": name}))["group"]
    other = done(api.post("groups", {"name": fresh_name()}))["group"]
    before = app.contents()
    refused(api.post("groups", {"name": name}), "duplicate_name", "name")
    refused(api.post("groups", {"name": name.upper()}), "duplicate_name", "name")
    refused(api.put(f"groups/{other['id']}", {"name": name}), "duplicate_name", "name")
    assert app.contents() == before
    done(api.delete(f"groups/{first['id']}"))
    done(api.put(f"groups/{other['id']}", {"name": name}))


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "  "}, {"name": None}, {"name": 7}, {"name": "x" * 1025}])
def test_a_group_needs_a_name(api: Client, body: dict[str, Any]) -> None:
    refused(api.post("groups", body), "invalid", "name")


def test_an_unknown_group_cannot_be_changed_or_deleted(api: Client, swu: Client) -> None:
    for reference in ("grp_unknown", "999999", "x" * 128):
        refused(api.put(f"groups/{reference}", {"name": fresh_name()}), "object_not_found")
        refused(api.delete(f"groups/{reference}"), "object_not_found")
        assert swu.delete(f"groups/{reference}").status_code == 400, "Sendwithus's suites insist on it"
    refused(api.delete(f"groups/{'x' * 129}"), "invalid")


def test_a_reference_in_an_upsert_creates_the_group(api: Client) -> None:
    done(api.post("customers", {"email": "refers@example.com", "groups": ["grp_by_reference", 4711]}))
    listed = {group["id"]: group["name"] for group in done(api.get("groups"))["groups"]}
    assert (listed["grp_by_reference"], listed["4711"]) == ("grp_by_reference", "4711"), "nameless: shown by their ids"
    assert groups_of(api, "refers@example.com").count("grp_by_reference") == 1


@pytest.mark.parametrize(
    "form", ["groups/{}", "groups({})", "groups(:{})", "groups/:{}", "groups%28{}%29", "groups/({})"]
)
def test_a_customer_joins_and_leaves_by_every_form_of_the_path(api: Client, member: str, form: str) -> None:
    group = done(api.post("groups", {"name": fresh_name()}))["group"]["id"]
    path = f"customers/{member}/{form.format(group)}"
    for verdict in ("updated", "unchanged"):
        assert done(api.post(path))["result"] == verdict
        assert groups_of(api, member).count(group) == 1
    for verdict in ("updated", "unchanged"):
        assert done(api.delete(path))["result"] == verdict
        assert group not in groups_of(api, member)
    assert done(api.post(path))["result"] == "updated", "back in again"


def test_a_uuid_names_the_member_too(api: Client, member: str) -> None:
    uuid = done(api.get(f"customers/{member}"))["customer"]["uuid"]
    group = done(api.post("groups", {"name": fresh_name()}))["group"]["id"]
    done(api.post(f"customers/{uuid}/groups/{group}"))
    assert group in groups_of(api, member)


def test_joining_needs_a_known_group_and_a_known_customer(app: InProcess, api: Client, member: str) -> None:
    group = done(api.post("groups", {"name": fresh_name()}))["group"]["id"]
    before = app.contents()
    refused(api.post(f"customers/{member}/groups/grp_unknown"), "object_not_found")
    refused(api.post(f"customers/nobody@example.com/groups/{group}"), "customer_not_found")
    refused(api.delete(f"customers/{member}/groups/grp_unknown"), "object_not_found")
    refused(api.post(f"customers/nonsense/groups/{group}"), "invalid")
    assert app.contents() == before


def test_nobody_is_in_a_deleted_group_nor_in_one_made_under_its_id_later(api: Client) -> None:
    done(api.post("customers", {"email": "left@example.com", "groups": ["grp_reborn", "grp_stays"]}))
    done(api.delete("groups/grp_reborn"))
    assert groups_of(api, "left@example.com") == ["grp_stays"]
    done(api.post("customers", {"email": "right@example.com", "groups": ["grp_reborn"]}))
    assert groups_of(api, "left@example.com") == ["grp_stays"]
    assert groups_of(api, "right@example.com") == ["grp_reborn"]


def test_a_name_is_not_what_another_group_is_shown_by(api: Client) -> None:
    done(api.post("customers", {"email": "shown@example.com", "groups": ["grp_shown"]}))
    refused(api.post("groups", {"name": "grp_shown"}), "duplicate_name")


def test_a_name_that_no_index_takes_is_refused_on_every_engine(api: Client) -> None:
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 1000)))
    assert "2000 bytes" in refused(api.post("groups", {"name": many}), "invalid", "name")["message"]
    done(api.post("groups", {"name": many[:660]}))


def test_a_customer_in_the_most_groups_cannot_be_added_to_another(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ties, "MOST_TIES", 1)
    names = [fresh_name(), fresh_name()]
    (first, second) = [done(api.post("groups", {"name": name}))["group"]["id"] for name in names]
    done(api.post("customers", {"email": "joiner@example.com"}))
    done(api.post(f"customers/joiner@example.com/groups/{first}", {}))
    done(api.post(f"customers/joiner@example.com/groups/{first}", {}))
    refused(api.post(f"customers/joiner@example.com/groups/{second}", {}), "too_many_ties")
    assert groups_of(api, "joiner@example.com") == [first]
