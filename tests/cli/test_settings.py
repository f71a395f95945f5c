from pathlib import Path

import msgspec
import pytest

from regulars.settings import SETTINGS, SettingError, Settings, unknown_variables

from .conftest import Run


def test_the_classes_of_engagement_follow_each_other() -> None:
    with pytest.raises(SettingError, match="HEALTHY_DAYS <= REGULARS_PASSIVE_DAYS"):
        Settings.from_environment({"REGULARS_HEALTHY_DAYS": "181"})
    assert Settings.from_environment({"REGULARS_HEALTHY_DAYS": "180"}).healthy_days == 180


def test_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert [setting.name for setting in SETTINGS] == [field.name for field in msgspec.structs.fields(Settings)]
    assert all(setting.meaning and setting.allowed for setting in SETTINGS)


def test_the_environment_sets_them() -> None:
    given = {
        "REGULARS_PORT": " 9000 ",
        "REGULARS_TRUSTED_PROXIES": "10.0.0.1, ::1",
        "REGULARS_LOG_LEVEL": "debug",
        "REGULARS_HOST": "",
        "REGULARS_OF_ANOTHER_KIND": "x",
    }
    settings = Settings.from_environment(given)
    assert (settings.port, settings.trusted_proxies) == (9000, ("10.0.0.1", "::1"))
    assert (settings.log_level, settings.host) == ("debug", "127.0.0.1")
    assert Settings.from_environment(settings.environment()) == settings


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PORT", "65536", "a whole number from 0 to 65535"),
        ("PORT", "http", "a whole number from 0 to 65535"),
        ("WORKERS", "0", "a whole number from 1 to 256"),
        ("LOG_LEVEL", "loud", "one of debug, info, warning, error"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingError, match=f"^REGULARS_{name} must be {allowed}, not '{value}'$"):
        Settings.from_environment({f"REGULARS_{name}": value})


@pytest.mark.parametrize("value", ["10.0.0.1/33", "proxy.example.com", "10.0.0.1, *"])
def test_a_proxy_that_is_no_network_is_named(value: str) -> None:
    with pytest.raises(SettingError, match=r"^REGULARS_TRUSTED_PROXIES must list addresses or networks"):
        Settings.from_environment({"REGULARS_TRUSTED_PROXIES": value})


def test_a_variable_of_no_setting_is_told_with_the_nearest_name() -> None:
    environment = {"REGULARS_WORKER": "2", "REGULARS_QQQQQQ": "1", "_REGULARS_RATES": "x", "REGULARS_PORT": "1"}
    assert unknown_variables(environment) == [
        "REGULARS_QQQQQQ is not a setting",
        "REGULARS_WORKER is not a setting; did you mean REGULARS_WORKERS?",
    ]


def test_a_setting_is_named_as_it_was_given(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("serve", "--port", "70000").err.startswith("regulars: --port must be a whole number from 0 to 65535")
    monkeypatch.setenv("REGULARS_PORT", "70000")
    assert run("serve").err.startswith("regulars: REGULARS_PORT must be")
    assert run("demo", "--workers", "2").code == 2


def test_a_snapshot_folder_that_cannot_be_written_stops_the_start(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REGULARS_SNAPSHOT_FOLDER", str(tmp_path / "file"))
    failed = run("serve", "--port", "0")
    assert failed.code == 2
    assert "REGULARS_SNAPSHOT_FOLDER must be a folder that can be written to" in failed.err
