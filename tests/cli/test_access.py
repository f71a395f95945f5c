import re
from pathlib import Path
from urllib.parse import quote

import pytest

from regulars.cli import serving
from tests.databases import new_database, url_of

from .conftest import Run


def test_init_prints_what_a_client_needs(run: Run) -> None:
    made = run("init", "--account", "roastery", "--site", "shop", "--json")
    assert made.code == 0
    assert list(made.json) == ["account_id", "site_id", "key", "client_id", "client_secret", "admin_link"]
    assert re.fullmatch(r"http://127\.0\.0\.1:8080/admin/link/[\w-]{43}", made.json["admin_link"])
    assert made.json["key"] == made.json["client_secret"]
    assert re.fullmatch(r"rg_[\w-]{43}", made.json["key"])
    assert made.json["client_id"] == "1"
    assert run("sites", "list", "--json").json[0]["name"] == "shop"


def test_init_prints_lines_for_people(run: Run) -> None:
    made = run("init")
    assert re.search(r"^key +rg_", made.out, re.MULTILINE)
    assert "shown only once" in made.err


def test_init_leaves_a_database_in_use_alone(run: Run, database: dict[str, object]) -> None:
    again = run("init")
    assert again.code == 1
    assert again.out == ""
    assert again.err == (
        "regulars: sqlite:///regulars.db already has accounts; use `regulars keys create` for another key, or "
        "`regulars accounts create NAME` for another account\n"
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
    "command",
    [
        "accounts create globex", "accounts list", "keys list", "keys create", "sites list", "check", "reindex",
        "backup b.db", "serve", "migrate", "migrate --status",
    ],
)  # fmt: skip
def test_a_missing_database_is_not_made(run: Run, command: str) -> None:
    failed = run(*command.split())
    assert list(Path().iterdir()) == []
    assert failed.code == 1
    assert failed.err == (
        "regulars: no database exists at sqlite:///regulars.db: "
        "create one with `regulars init --database sqlite:///regulars.db`\n"
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


def test_accounts(run: Run, database: dict[str, object]) -> None:
    made = run("accounts", "create", "globex", "--site", "shop", "--json")
    assert (made.json["account_id"], made.json["site_id"], made.json["client_id"]) == (2, 2, "2")
    assert made.json["key"] == made.json["client_secret"]
    assert "shown only once" in made.err
    assert run("accounts", "list", "--json").json == [{"id": 1, "name": "acme"}, {"id": 2, "name": "globex"}]
    assert "globex" in run("accounts", "list").out
    assert [key["account_id"] for key in run("keys", "list", "--json").json] == [1, 2]
    assert run("sites", "create", "more", "--account", "globex", "--json").json["account_id"] == 2
    assert run("sites", "create", "more").err == "regulars: choose an account: acme, globex\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("acme",), "an account named 'acme' already exists"),
        ((" ",), "the account needs a name"),
        (("globex", "--site", "Not a name"), "a site's name must be"),
    ],
)
def test_an_account_that_cannot_be_made_leaves_nothing(
    run: Run, database: dict[str, object], arguments: tuple[str, ...], reason: str
) -> None:
    refused = run("accounts", "create", *arguments)
    assert refused.code == 1
    assert reason in refused.err
    assert len(run("accounts", "list", "--json").json) == 1


def test_an_init_that_was_refused_can_be_repeated(run: Run) -> None:
    assert run("init", "--site", "Not a name").code == 1
    assert run("init").code == 0


SECRET = "s3cret!"
COMMANDS_OF_A_DATABASE = (
    "init", "init", "accounts create globex", "accounts list", "keys create --site 1", "keys list", "keys revoke 9",
    "sites create shop", "sites list", "import customers p.ndjson --site 1", "check", "reindex", "backup b.db",
    "migrate", "migrate --status", "serve", "demo",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["there", "not there", "misspelt", "keywords"])
def test_no_command_prints_the_password_of_a_database(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    Path("p.ndjson").write_text('{"email": "p@example.com"}\n')
    monkeypatch.setattr(serving, "run_server", lambda *_, **__: None)
    monkeypatch.setattr("regulars.cli.demo.run_server", lambda *_, **__: None)
    if kind == "there":
        url = url_of(new_database(tmp_path, "postgresql"))
        url += f"{'&' if '?' in url else '?'}password={quote(SECRET)}"
    else:
        url = {
            "not there": f"postgresql://u:{SECRET}@127.0.0.1:1/d?password={SECRET}",
            "misspelt": f"postgresql:/u:{SECRET}@127.0.0.1:1/d",
            "keywords": f"host=127.0.0.1 password={SECRET}",
        }[kind]
    for command in COMMANDS_OF_A_DATABASE:
        told = run(*command.split(), "--database", url)
        assert SECRET not in told.out + told.err, command
        assert quote(SECRET) not in told.out + told.err, command
    copied = run("copy", "sqlite:///here.db", url)
    assert SECRET not in copied.out + copied.err
    if kind == "there":
        assert "regulars: postgresql://" in run("demo", "--database", url).err


def test_sites_have_settings(run: Run, database: dict[str, object]) -> None:
    made = run("sites", "create", "shop", "--country", "ch", "--time-zone", "europe/zurich", "--json").json
    settings = {"country": "CH", "currency": None, "time_zone": "Europe/Zurich"}
    assert {name: made[name] for name in settings} == settings
    site = str(made["id"])
    changed = run("sites", "update", "--site", site, "--currency", "chf", "--country", "", "--title", "Shop", "--json")
    assert changed.json == {**made, "country": None, "currency": "CHF", "title": "Shop"}
    assert run("sites", "list", "--json").json[1] == changed.json
    for arguments, words in (
        (("--country", "Germany"), "--country must be a two-letter"),
        (("--currency", "Euro"), "--currency must be a three-letter"),
        (("--currency", ""), "the currency of a site can be changed, but not cleared"),
        (("--time-zone", "Mars"), "--time-zone must be a time zone"),
        (("--title", " "), "--title must not be empty"),
        ((), "name what to change"),
    ):
        wrong = run("sites", "update", "--site", site, *arguments)
        assert (wrong.code, wrong.out) == (1, "")
        assert words in wrong.err
    assert run("sites", "list", "--json").json[1] == changed.json


def test_keys_are_strict_if_they_are_created_so(run: Run, database: dict[str, object]) -> None:
    assert run("keys", "create", "--strict", "--json").json["strict"] is True
    assert run("keys", "create", "--json").json["strict"] is False
    assert [key["strict"] for key in run("keys", "list", "--json").json] == [False, True, False]
