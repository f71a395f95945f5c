import re

import pytest

from .conftest import Run


def test_init_prints_what_a_client_needs(run: Run) -> None:
    made = run("init", "--account", "roastery", "--site", "shop", "--json")
    assert made.code == 0
    assert list(made.json) == ["account_id", "site_id", "key", "client_id", "client_secret"]
    assert made.json["key"] == made.json["client_secret"]
    assert re.fullmatch(r"rg_[\w-]{43}", made.json["key"])
    assert made.json["client_id"] == "1"
    assert run("sites", "list", "--json").json[0]["name"] == "shop"


def test_init_prints_lines_for_people(run: Run) -> None:
    made = run("init")
    assert re.search(r"^key +rg_", made.out, re.MULTILINE)
    assert "shown this once" in made.err


def test_init_leaves_a_database_in_use_alone(run: Run, database: dict[str, object]) -> None:
    again = run("init")
    assert again.code == 1
    assert again.out == ""
    assert again.err == (
        "regulars: sqlite:///regulars.db has accounts already; `regulars keys create` makes another key\n"
    )


def test_the_database_is_taken_before_and_after_the_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("--database", "sqlite:///before.db", "init", "--site", "before")
    run("init", "--database", "sqlite:///after.db", "--site", "after")
    monkeypatch.setenv("REGULARS_DATABASE", "sqlite:///environment.db")
    run("init", "--site", "environment")

    def site(*arguments: str) -> str:
        return str(run(*arguments, "--json").json[0]["name"])

    assert site("sites", "list") == "environment"
    assert site("--database", "sqlite:///before.db", "sites", "list") == "before"
    assert site("sites", "list", "--database", "sqlite:///after.db") == "after"
    assert site("--database", "sqlite:///before.db", "sites", "list", "--database", "sqlite:///after.db") == "after"


@pytest.mark.parametrize("url", ["mysql://x", "regulars.db", "sqlite:///"])
def test_a_wrong_url_is_wrong_usage(run: Run, url: str) -> None:
    for arguments in (("--database", url, "check"), ("check", "--database", url)):
        wrong = run(*arguments)
        assert wrong.code == 2
        assert "sqlite:///path" in wrong.err
        assert wrong.err.count("\n") == 1


@pytest.mark.parametrize(
    "command", ["keys list", "keys create", "sites list", "check", "reindex", "backup b.db", "serve"]
)
def test_a_missing_database_is_not_made(run: Run, command: str) -> None:
    failed = run(*command.split())
    assert failed.code == 1
    assert failed.err == (
        "regulars: there is no database at sqlite:///regulars.db: "
        "make one with `regulars init --database sqlite:///regulars.db`\n"
    )


def test_keys(run: Run, database: dict[str, object]) -> None:
    made = run("keys", "create", "--scopes", "read", "--dialect", "sendwithus", "--json").json
    assert (made["id"], made["scopes"], made["dialect"]) == (2, ["read"], "sendwithus")
    assert made["client_id"] == "2"
    listed = run("keys", "list", "--json")
    assert [key["scopes"] for key in listed.json] == [["read", "write"], ["read"]]
    assert made["key"] not in listed.out
    assert run("keys", "revoke", "2", "--json").json == {"revoked": 2}
    assert run("keys", "list", "--json").json[1]["revoked_at"] is not None
    assert run("keys", "revoke", "2").code == 1
    assert "rg_" in run("keys", "list").out


def test_keys_refuse_what_is_unknown(run: Run, database: dict[str, object]) -> None:
    assert run("keys", "create", "--scopes", "read,fly").code == 1
    dialect = run("keys", "create", "--dialect", "klingon")
    assert (dialect.code, "sendwithus, blueshift" in dialect.err) == (1, True)
    assert run("keys", "create", "--site", "7").err == "regulars: there is no site 7; there are: 1 (main)\n"


def test_sites(run: Run, database: dict[str, object]) -> None:
    assert run("sites", "create", "shop", "--title", "The shop", "--json").json["title"] == "The shop"
    assert [site["name"] for site in run("sites", "list", "--json").json] == ["main", "shop"]
    assert run("sites", "create", "shop").code == 1
    assert run("sites", "create", "Not a name").code == 1
    assert run("sites", "create", "x", "--account", "nobody").code == 1
    several = run("keys", "create")
    assert several.err == "regulars: there are several sites: choose one with --site, of 1 (main), 2 (shop)\n"
    assert run("keys", "create", "--site", "2", "--json").json["site_id"] == 2
