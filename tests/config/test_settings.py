"""Where a setting comes from, and what is said of one that cannot be used."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.config import Settings, load_settings
from session_buddy.errors import ConfigurationError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_a_flag_wins_over_a_variable_over_the_file_over_the_default(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text('log_level = "INFO"\nmemory_limit = "1GB"\nstore_queries = true\n')
    environ = {"SESSION_BUDDY_MEMORY_LIMIT": "2GB", "SESSION_BUDDY_STORE_QUERIES": "off"}
    settings = load_settings({"home": str(home), "store_queries": True}, environ)
    assert settings == Settings(
        home=str(home), store_queries=True, memory_limit="2GB", log_level="INFO", fold_interval_seconds=1.0
    )


def test_the_home_is_the_one_variable_that_moves_all_data(home: Path) -> None:
    settings = load_settings(environ={"SESSION_BUDDY_HOME": str(home)})
    paths = [settings.database, settings.lock, settings.journal, settings.archive, settings.hash_key]
    assert {Path(path).parent for path in paths} == {home}


def test_without_a_setting_the_home_lies_in_the_users_own(tmp_path: Path) -> None:
    assert load_settings(environ={"HOME": str(tmp_path)}).home == str(tmp_path / ".session-buddy")


def test_a_home_may_be_relative_and_begin_with_a_tilde(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings({"home": "here"}, {}).home == str(tmp_path / "here")
    assert load_settings({"home": "~/there"}, {}).home == str(tmp_path / "there")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SESSION_BUDDY_TRANSPORT", "pigeon", "use 'unix' or 'tcp'"),
        ("SESSION_BUDDY_STORE_QUERIES", "perhaps", "sets store_queries to 'perhaps'; use true or false"),
        ("SESSION_BUDDY_LOG_LEVEL", "LOUD", "use one of: DEBUG, INFO, WARNING, ERROR"),
        ("SESSION_BUDDY_MEMORY_LIMIT", "lots", "write it as 160MB or 2GB"),
        ("SESSION_BUDDY_MEMORY_LIMIT", "160", "write it as 160MB or 2GB"),
        ("SESSION_BUDDY_MEMORY_LIMIT", "80%", "write it as 160MB or 2GB"),
        ("SESSION_BUDDY_FOLD_INTERVAL_SECONDS", "0", "from 0.01 to 3600"),
        ("SESSION_BUDDY_FOLD_INTERVAL_SECONDS", "nan", "from 0.01 to 3600"),
        ("SESSION_BUDDY_FOLD_INTERVAL_SECONDS", "soon", "from 0.01 to 3600"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_place_and_remedy(
    home: Path, variable: str, value: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_settings({"home": str(home)}, {variable: value})
    assert variable in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize("size", ["160MB", "1.5 GB", "512mb", "2GiB", "2G"])
def test_a_size_may_be_written_as_the_database_takes_it(home: Path, size: str) -> None:
    assert load_settings({"home": str(home)}, {"SESSION_BUDDY_MEMORY_LIMIT": size}).memory_limit == size


def test_a_settings_file_that_is_no_text_is_refused(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_bytes(b"\xff\xfeport")
    with pytest.raises(ConfigurationError, match=r"cannot read .*config\.toml.*Correct or remove that file"):
        load_settings({"home": str(home)}, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fold_intervall = 2", "'fold_intervall', which is no setting"),
        ('home = "/elsewhere"', "'home', which is no setting"),
        ("store_queries = ", "cannot read"),
        ("\x00", "cannot read"),
        ('transport = "pigeon"', "config.toml sets transport"),
    ],
)
def test_a_settings_file_that_cannot_be_used_is_refused(home: Path, text: str, said: str) -> None:
    home.mkdir()
    (home / "config.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"config\.toml") as error:
        load_settings({"home": str(home)}, {})
    assert said in str(error.value)


def test_a_home_too_long_for_a_socket_gets_one_elsewhere(tmp_path: Path) -> None:
    near = Settings(home="/h")
    far = Settings(home=str(tmp_path / ("x" * 200)))
    assert near.socket == os.path.join("/h", "leader.sock")
    assert not far.socket.startswith(far.home)
    assert far.socket != Settings(home=f"{far.home}y").socket


@given(st.text(max_size=200))
def test_every_home_has_a_socket_that_the_kernel_takes(name: str) -> None:
    home = os.path.join("/", name.replace("\0", ""))
    assert len(os.fsencode(Settings(home=home.encode("utf-8", "ignore").decode()).socket)) < 104
