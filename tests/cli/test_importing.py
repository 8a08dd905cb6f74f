"""`import`: from files, folders and exports, with a leader and without, again and again."""

import contextlib
import gzip
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from session_buddy import __file__ as package
from session_buddy.cli import import_reader
from session_buddy.cli.importing import _following
from session_buddy.ingest.importing import ImportProgress
from tests.cli.conftest import Run

RECORDINGS = Path(str(files("session_buddy") / "assets" / "demo" / "projects"))


def _counts(run: Run) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run("status", "--json").stdout)["status"]["counts"]
    return answer


@pytest.mark.slow
def test_an_import_says_what_it_found_and_what_is_next(run: Run, home: Path) -> None:
    result = run("import", str(RECORDINGS))
    assert (result.returncode, result.stderr) == (0, "")
    found = {line[:17].strip(): line[17:].strip() for line in result.stdout.splitlines()}
    assert found["files read"] == "8"
    assert found["unknown skills"] == "1"
    assert found["unreadable lines"].startswith("0 of ")
    assert "session-buddy top" in result.stdout
    assert home.stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_importing_twice_adds_nothing(run: Run) -> None:
    run("import", str(RECORDINGS))
    before = _counts(run)
    assert "8 imported before" in run("import", str(RECORDINGS)).stdout
    assert run("import", "--again", str(RECORDINGS)).returncode == 0
    assert _counts(run) == before


@pytest.mark.slow
def test_an_export_imported_elsewhere_gives_the_same_invocations(
    run: Run, recorded: Path, tmp_path: Path
) -> None:
    exported = tmp_path / "exported.jsonl"
    assert run("export", "--json", "--output", str(exported)).returncode == 0
    other = tmp_path / "other"
    answer = json.loads(run("import", "--home", str(other), "--json", str(exported)).stdout)
    assert (answer["invocations"], answer["counts"]["skill_invocation"]) == (4, 4)
    again = [json.loads(line) for line in run("export", "--home", str(other), "--json").stdout.splitlines()]
    known = [json.loads(line) for line in exported.read_text().splitlines()]
    differing = {
        name for ours, theirs in zip(known, again, strict=True) for name in ours if ours[name] != theirs[name]
    }
    assert differing <= {"source"}


@pytest.mark.slow
def test_a_torn_last_line_is_counted_and_the_rest_imported(run: Run, tmp_path: Path) -> None:
    source = next(RECORDINGS.glob("-home-dev-shop/1c99*.jsonl"))
    copy = tmp_path / source.name
    copy.write_bytes(source.read_bytes()[:-200])
    answer = json.loads(run("import", "--json", str(copy)).stdout)
    assert (answer["skill_calls"], answer["unparseable"]) == (3, 1)


def _binary(path: Path) -> None:
    path.write_bytes(os.urandom(4096))


def _empty(path: Path) -> None:
    path.touch()


def _cut_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(b'{"type": "user"}\n' * 1000)[:20])


def _folder_without_transcripts(path: Path) -> None:
    path.mkdir()


def _unreadable(path: Path) -> None:
    path.write_text("{}")
    path.chmod(0)


def _journal(path: Path) -> None:
    path.write_text('{"v":1,"kind":"started","occurred_at":"2026-03-01T00:00:00Z"}\n')


@pytest.mark.parametrize(
    ("make", "name", "said"),
    [
        (_binary, "binary.jsonl", "binary"),
        (_empty, "empty.jsonl", "empty"),
        (_cut_gzip, "cut.jsonl.gz", "cut off"),
        (_folder_without_transcripts, "folder", "no *.jsonl"),
        (_unreadable, "unreadable.jsonl", "cannot be read"),
        (_journal, "journal.jsonl", "rebuild"),
    ],
)
def test_what_cannot_be_imported_is_one_line_that_says_why(
    make: Any, name: str, said: str, run: Run, tmp_path: Path
) -> None:
    make(tmp_path / name)
    result = run("import", str(tmp_path / name))
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert name in result.stderr
    assert said in result.stderr


@pytest.mark.slow
def test_a_folder_in_which_nothing_can_be_imported_is_an_error_that_says_why(
    run: Run, home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for name in ("a.jsonl", "b.jsonl"):
        (folder / name).write_text('{"a": 1}\n')
    result = run("import", str(folder))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(
        "session-buddy: nothing was imported: 2 files there could not be. The first"
    )
    assert "a.jsonl: it holds neither records of a transcript" in result.stderr
    assert not (home / "session-buddy.duckdb").exists()


def test_what_is_searched_is_shown_until_it_is_known_what_there_is() -> None:
    shown: list[dict[str, Any]] = []
    where: list[ImportProgress] = []
    follow = _following(where, lambda report: shown.append(dict(report)))
    follow(ImportProgress("", 0, 0, 0, 0, 0, looked_at=12_000))
    assert shown == [{"text": "looked at 12,000 files"}]
    assert where == []


def test_a_folder_of_very_many_files_is_searched_by_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_reader, "WORTH_A_PROCESS_FILES", 3)
    for name in "abc":
        (tmp_path / name).touch()
    assert not import_reader.worth_a_process([tmp_path])
    (tmp_path / "d").touch()
    assert import_reader.worth_a_process([tmp_path])


def test_a_path_that_is_not_there_is_wrong_usage_and_begins_no_record(run: Run, home: Path) -> None:
    result = run("import", "missing.jsonl")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "'missing.jsonl' does not exist" in result.stderr
    assert not home.exists()


@pytest.mark.slow
def test_without_a_path_the_user_s_projects_are_meant(run: Run, tmp_path: Path) -> None:
    projects = tmp_path / "user" / ".claude" / "projects"
    shutil.copytree(RECORDINGS, projects)
    refused = run("import")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert json.loads(run("import", "--yes", "--json").stdout)["files"] == 8


@pytest.mark.slow
def test_an_interrupted_import_says_how_to_go_on_and_does(run: Run, home: Path, tmp_path: Path) -> None:
    big = tmp_path / "exported.jsonl"
    line = {"skill_name": "review", "session_id": "s", "completed": True, "duration_seconds": 1.0}
    with big.open("w") as file:
        for number in range(60_000):
            file.write(json.dumps(line | {"invoked_at": f"2026-03-01T00:00:00.{number:06d}Z"}) + "\n")
    own = {
        "SESSION_BUDDY_HOME": str(home),
        "PYTHONPATH": str(Path(package).parents[1]),
        "HOME": str(tmp_path),
    }
    words = [sys.executable, "-m", "session_buddy", "import", str(big)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, encoding="utf-8", env=os.environ | own) as process:
        while process.poll() is None and not (home / "import-state.json").exists():
            pass
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130, errors
    assert "the same command goes on from there" in errors
    assert "Traceback" not in errors
    answer = json.loads(run("import", "--json", str(big)).stdout)
    assert answer["counts"]["skill_invocation"] == 60_000
    assert answer["invocations"] < 60_000


@pytest.mark.slow
def test_an_import_that_leads_makes_no_file_that_others_could_read(
    environ: dict[str, str], home: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "session_buddy", "import", str(RECORDINGS)]
    log = home / "session-buddy.duckdb.wal"
    modes: set[int] = set()
    with subprocess.Popen(
        command, env=environ, cwd=tmp_path, stdout=subprocess.DEVNULL, umask=0o022
    ) as process:
        while process.poll() is None:
            with contextlib.suppress(FileNotFoundError):
                modes.add(stat.S_IMODE(log.stat().st_mode))
    assert process.returncode == 0
    assert modes == {0o600}


@pytest.mark.slow
def test_an_export_that_fails_leaves_the_earlier_one_and_one_that_does_not_is_its_owners_alone(
    run: Run, recorded: Path, tmp_path: Path
) -> None:
    target = tmp_path / "uses.jsonl"
    target.write_text("an earlier export")
    target.chmod(0o644)
    away = "postgresql://ada@127.0.0.1:1/team?sslmode=disable"
    assert run("export", "--json", "-o", str(target), SESSION_BUDDY_STORE=away).returncode == 1
    assert target.read_text() == "an earlier export"
    assert run("export", "--json", "-o", str(target)).returncode == 0
    assert len(target.read_text().splitlines()) == 4
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("uses*")] == ["uses.jsonl"]
    missing = run("export", "-o", str(tmp_path / "no" / "x"))
    assert missing.stderr == f"session-buddy: {tmp_path}/no/x: No such file or directory.\n"
