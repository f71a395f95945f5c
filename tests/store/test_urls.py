"""Database URLs: which engine each names, and what may be printed of one."""

import builtins
from typing import Any

import pytest

from regulars.store.engine import UnavailableError
from regulars.store.sqlite import SqliteEngine
from regulars.store.store import DatabaseURLError, engine_for, shown


def test_the_url_names_the_engine() -> None:
    assert isinstance(engine_for("sqlite:///x.db"), SqliteEngine)
    for url in ("postgresql://u@h/d", "postgres:///d?host=/tmp"):
        assert engine_for(url).dialect == "postgresql"
    for url in ("", "x.db", "mysql://h/d", "sqlite://x.db", "postgresql:"):
        with pytest.raises(DatabaseURLError, match="sqlite:///path"):
            engine_for(url)


def test_a_missing_driver_is_one_sentence_that_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("regulars.store.postgresql"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DatabaseURLError, match=r"pip install '\.\[postgres\]'"):
        engine_for("postgresql://h/d")


@pytest.mark.parametrize(
    ("url", "printed"),
    [
        ("postgresql://a:secret@h/d", "postgresql://a:***@h/d"),
        ("postgresql://a:se:cr%40et@h:1/d?x=1", "postgresql://a:***@h:1/d?x=1"),
        ("postgresql://h/d?user=a&password=secret&x=1", "postgresql://h/d?user=a&password=***&x=1"),
        ("postgresql://a@h/d", "postgresql://a@h/d"),
        ("postgresql:/a:secret@h/d", "postgresql:/a:***@h/d"),
        ("postgresql://a:se@cret@h/d", "postgresql://a:***@h/d"),
        ("postgresql://h/d?sslpassword=secret", "postgresql://h/d?sslpassword=***"),
        ("host=h password=secret user=a", "host=h password=*** user=a"),
        ("sqlite:///a:b@c.db", "sqlite:///a:b@c.db"),
        ("mysql://u:pa/ss@h/d", "mysql://u:***@h/d"),
        ("postgresql://u:p?a#s@s@h/d", "postgresql://u:***@h/d"),
        ("u:p/q:secret@h", "u:***@h"),
        ("postgresql://h:5432/d", "postgresql://h:5432/d"),
        ("sqlite:////var/lib/regulars.db", "sqlite:////var/lib/regulars.db"),
    ],
)
def test_a_password_is_never_shown(url: str, printed: str) -> None:
    assert shown(url) == printed


@pytest.mark.parametrize(
    "url",
    [
        *("postgresql://u:50%secret@localhost/db", "postgresql://h/d?password=secret%zz"),
        *("postgresql://u:se cret secret@h/d", "postgresql://u:secret@[::1]x/db"),
    ],
)
async def test_a_malformed_url_is_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(UnavailableError, match=r"malformed.*%25") as raised:
        await engine_for(url).open()
    assert "secret" not in str(raised.value)
