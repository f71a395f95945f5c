import msgspec
import pytest

from regulars.settings import SETTINGS, SettingError, Settings


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
