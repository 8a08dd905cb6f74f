"""Homes that cannot be used: one line that says what to do, status 1, nothing lost."""

import json
import os
from pathlib import Path

import duckdb
import pytest

from session_buddy.cli.doctor import examine
from session_buddy.cli.home import require_home
from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from tests.cli.conftest import Run


def _one_line(run: Run, *words: str) -> str:
    result = run(*words)
    assert (result.returncode, result.stdout) == (1, ""), result
    assert result.stderr.startswith("session-buddy: ")
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


@pytest.mark.slow
def test_a_read_only_home_is_told(run: Run, recorded: Path) -> None:
    recorded.chmod(0o500)
    try:
        assert "writable" in _one_line(run, "top")
    finally:
        recorded.chmod(0o700)


@pytest.mark.slow
def test_a_home_that_is_a_file_is_told(run: Run, home: Path) -> None:
    home.write_text("not a folder")
    assert "is no folder. Name one with --home" in _one_line(run, "top")


@pytest.mark.slow
def test_a_home_of_somebody_else_is_told_by_every_command_and_by_doctor(
    run: Run, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(recorded).st_uid + 1)
    settings = Settings(home=str(recorded))
    with pytest.raises(ConfigurationError, match="belongs to the user with id"):
        require_home(settings)
    found = {finding.check: finding for finding in examine(settings)}
    assert found["home"].state == "problem"
    assert "belongs to the user with id" in found["home"].detail
    assert "Run this as its owner" in (found["home"].remedy or "")
    assert "leader" not in found


@pytest.mark.slow
def test_a_home_that_may_not_be_read_is_told(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: str) -> list[str]:
        raise PermissionError(13, "Permission denied", str(recorded))

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(ConfigurationError, match=r"cannot be read: Permission denied\. Run this"):
        require_home(Settings(home=str(recorded)))


@pytest.mark.slow
def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(run: Run, recorded: Path) -> None:
    path = recorded / "session-buddy.duckdb"
    with duckdb.connect(str(path)) as database:
        database.execute("INSERT INTO skill_migrations VALUES (99, 'future', 'x', now()::TIMESTAMP)")
    said = _one_line(run, "top")
    assert "99" in said
    assert "newer" in said
    with duckdb.connect(str(path)) as database:
        assert database.execute("SELECT count(*) FROM skill_invocation").fetchall() == [(4,)]


@pytest.mark.slow
def test_status_shows_what_can_be_seen_when_the_database_cannot_be_opened(run: Run, recorded: Path) -> None:
    with duckdb.connect(str(recorded / "session-buddy.duckdb")) as database:
        database.execute("INSERT INTO skill_migrations VALUES (99, 'future', 'x', now()::TIMESTAMP)")
    result = run("status", "--json")
    answer = json.loads(result.stdout)
    assert result.returncode == 1
    assert answer["status"] is None
    assert "99" in answer["problem"]
    assert answer["files"]["database_bytes"] > 0
    assert "UNKNOWN to this program" in run("migrate", "status").stdout


@pytest.mark.slow
def test_an_empty_file_that_a_full_disk_left_is_no_damaged_database(run: Run, recorded: Path) -> None:
    (recorded / "session-buddy.duckdb").unlink()
    (recorded / "session-buddy.duckdb").touch()
    result = run("top")
    assert (result.returncode, result.stderr) == (0, "")
    assert "review" in result.stdout
    assert list(recorded.glob("*.damaged-*")) == []


def _notices(run: Run) -> list[str]:
    notices: list[str] = json.loads(run("status", "--json").stdout)["status"]["notices"]
    return notices


@pytest.mark.slow
def test_a_damaged_database_is_made_anew_from_the_journals_and_that_is_said(run: Run, recorded: Path) -> None:
    before = run("export", "--json").stdout
    (recorded / "session-buddy.duckdb").write_bytes(b"this is no database" * 1000)
    mended = run("export", "--json")
    assert mended.stdout == before
    assert "the database was damaged" in mended.stderr
    (kept,) = recorded.glob("session-buddy.duckdb.damaged-*")
    assert kept.read_bytes().startswith(b"this is no database")
    assert str(kept) in _notices(run)[0]
    kept.unlink()
    assert _notices(run) == []


@pytest.mark.slow
def test_garbage_in_a_journal_is_set_aside_and_the_doctor_tells(run: Run, recorded: Path) -> None:
    with (recorded / "journal" / "dead.jsonl").open("wb") as file:
        file.write(b"\x00\xff garbage\n{}\n")
    assert len(run("export", "--json").stdout.splitlines()) == 4
    answer = json.loads(run("doctor", "--json").stdout)
    (finding,) = [found for found in answer["findings"] if found["check"] == "quarantine"]
    assert finding["state"] == "problem"
    assert "2 journal lines" in finding["detail"]


@pytest.mark.slow
def test_a_settings_file_that_cannot_be_used_is_told(run: Run, recorded: Path) -> None:
    (recorded / "config.toml").write_text('transport = "pigeon"')
    assert "transport" in _one_line(run, "top")
