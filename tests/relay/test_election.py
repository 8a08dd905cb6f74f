"""One leader for a home, whatever became of the one before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from session_buddy.relay.election import Election, leader_notice
from tests.support.waiting import wait_for

HOLDER = """
import sys, time
from session_buddy.config import Settings
from session_buddy.relay.election import Election
print(Election(Settings(home=sys.argv[1])).attempt(), flush=True)
time.sleep(60)
"""


def test_only_one_leads_until_it_resigns(settings: Settings) -> None:
    first, second = Election(settings), Election(settings)
    assert first.attempt()
    assert first.attempt()
    assert not second.attempt()
    assert first.leading
    assert not second.leading
    first.resign()
    first.resign()
    assert second.attempt()
    second.resign()


def test_a_leader_says_who_it_is_and_leaves_nothing_behind(settings: Settings, home: Path) -> None:
    election = Election(settings)
    assert election.attempt()
    notice = leader_notice(settings)
    assert notice["pid"] == os.getpid()
    assert notice["address"] == settings.socket
    assert (home / "leader.json").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    election.resign()
    assert leader_notice(settings) == {}
    assert list(home.iterdir()) == []


def test_a_killed_leader_makes_room_for_the_next_at_once(settings: Settings, home: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(home)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "True\n"
        election = Election(settings)
        assert not election.attempt()
        process.kill()
        wait_for(election.attempt, "the lock of a killed leader is free")
    assert leader_notice(settings)["pid"] == os.getpid()
    election.resign()


def test_what_the_database_of_a_killed_leader_spilled_is_removed(settings: Settings) -> None:
    spill = Path(settings.spill)
    spill.mkdir(parents=True)
    (spill / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"part of a fold")
    election = Election(settings)
    assert election.attempt()
    assert not spill.exists()
    spill.mkdir()
    election.remove_files()
    assert not spill.exists()
    election.resign()


def test_children_do_not_keep_the_lock(settings: Settings) -> None:
    first, second = Election(settings), Election(settings)
    assert first.attempt()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    try:
        first.resign()
        assert second.attempt()
        second.resign()
    finally:
        child.communicate(b"\n")


def test_a_lock_on_a_file_that_lost_its_name_is_no_lead(settings: Settings) -> None:
    first, second = Election(settings), Election(settings)
    assert first.attempt()
    Path(settings.lock).unlink()
    assert second.attempt()  # somebody removed the file by hand: the one that has the name counts
    first.resign()
    assert not Election(settings).attempt()
    second.resign()


def test_a_home_that_others_can_enter_is_closed_to_them(settings: Settings, home: Path) -> None:
    home.mkdir(mode=0o755)
    election = Election(settings)
    assert election.attempt()
    assert home.stat().st_mode & 0o777 == 0o700
    election.resign()


def test_a_home_that_cannot_be_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="SESSION_BUDDY_HOME"):
        Election(Settings(home=str(tmp_path / "file" / "home"))).attempt()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory for somebody else")
def test_a_home_of_another_user_is_refused(settings: Settings, home: Path) -> None:
    home.mkdir()
    os.chown(home, 12345, 12345)
    with pytest.raises(ConfigurationError, match="belongs to the user with id 12345"):
        Election(settings).attempt()


@pytest.mark.parametrize("content", ["", "[]", "{", "\x00\xff"])
def test_a_notice_that_cannot_be_read_is_none(settings: Settings, home: Path, content: str) -> None:
    home.mkdir()
    (home / "leader.json").write_text(content)
    assert leader_notice(settings) == {}
