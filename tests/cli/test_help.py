import pytest

from regulars import __version__
from regulars.settings import SETTINGS

from .conftest import Run

COMMANDS = (
    "init", "accounts create", "accounts list", "keys create", "keys list", "keys revoke", "sites create", "sites list",
    "serve", "demo", "import customers", "import activity", "check", "reindex", "backup", "migrate",
)  # fmt: skip


def test_without_a_command_it_explains_itself(run: Run) -> None:
    bare = run()
    assert bare.code == 0
    assert bare.out == run("--help").out
    for command in {command.split()[0] for command in COMMANDS}:
        assert f"\n  {command} " in bare.out
    assert "regulars demo" in bare.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    explained = run(*command.split(), "--help")
    assert explained.code == 0
    assert f"Usage: regulars {command}" in explained.out
    assert "--database" in explained.out
    assert max(map(len, explained.out.splitlines())) <= 120


def test_serve_lists_every_setting(run: Run) -> None:
    text = run("serve", "--help").out
    for setting in SETTINGS:
        assert setting.variable in text
        assert setting.meaning in text


def test_version(run: Run) -> None:
    assert run("--version").out == f"regulars {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        "fly",
        "--fly",
        "keys",
        "keys fly",
        "keys revoke",
        "keys revoke x",
        "import",
        "import customers",
        "serve --port x",
    ],
)
def test_wrong_usage_is_one_sentence_and_code_2(run: Run, arguments: str) -> None:
    wrong = run(*arguments.split())
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("regulars: ")
    assert wrong.err.count("\n") == 1
    assert "--help`" in wrong.err
