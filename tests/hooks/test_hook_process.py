"""The hook as a process: durable, silent, and never in the way."""

import errno
import fcntl
import json
import os
import re
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from session_buddy.ingest import hook
from session_buddy.models.events import SessionEvent, TranscriptReady
from tests.support.hooks import COMMAND, HOOK, SESSION, events_in, payload, run_hook


def silent(done: subprocess.CompletedProcess[bytes]) -> bool:
    return (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def errors_in(home: Path) -> list[str]:
    log = home / "hook-errors.log"
    return log.read_text().splitlines() if log.exists() else []


def shared_journal(home: Path) -> Path:
    """Today's journal; made with a line, so that midnight in the middle of a test is the only risk."""
    return home / "journal" / f"hooks-{datetime.now(UTC):%Y%m%d}.jsonl"


def test_the_first_hook_makes_a_private_home(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    assert silent(run_hook(payload("SessionEnd"), "--home", str(home)))
    assert [type(event) for event in events_in(home)] == [TranscriptReady, SessionEvent]
    (journal,) = (home / "journal").iterdir()
    assert re.fullmatch(r"hooks-\d{8}\.jsonl", journal.name)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (home, home / "journal", journal)]
    assert modes == [0o700, 0o700, 0o600]


def test_the_environment_names_the_home(tmp_path: Path) -> None:
    home = tmp_path / "named"
    assert silent(run_hook(payload("Stop"), environment={"SESSION_BUDDY_HOME": str(home)}))
    assert len(events_in(home)) == 1


def test_without_any_setting_the_home_is_the_users(tmp_path: Path) -> None:
    assert silent(run_hook(payload("Stop"), environment={"HOME": str(tmp_path)}))
    assert len(events_in(tmp_path / ".session-buddy")) == 1


@pytest.mark.slow
def test_twenty_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    sessions = [f"session-{number}" for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        runs = list(
            pool.map(
                lambda session: run_hook(payload("SessionEnd", session_id=session), "--home", str(tmp_path)),
                sessions,
            )
        )
    assert all(silent(done) for done in runs)
    events = [event for event in events_in(tmp_path) if isinstance(event, SessionEvent)]
    assert sorted(event.session_id for event in events) == sorted(sessions)
    assert errors_in(tmp_path) == []


def test_a_torn_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    run_hook(payload("Stop"), "--home", str(tmp_path))
    journal = shared_journal(tmp_path)
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole[:40])
    assert silent(run_hook(payload("Stop"), "--home", str(tmp_path)))
    first, torn, second, rest = journal.read_bytes().split(b"\n")
    assert (first + b"\n", torn, rest) == (whole, whole[:40], b"")
    assert json.loads(second)["kind"] == "transcript_ready"


def test_a_journal_that_was_archived_meanwhile_is_started_anew(tmp_path: Path) -> None:
    run_hook(payload("Stop"), "--home", str(tmp_path))
    journal = shared_journal(tmp_path)
    with journal.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(run_hook, payload("Stop", session_id="late"), "--home", str(tmp_path))
            journal.unlink()
            fcntl.flock(held, fcntl.LOCK_UN)
            assert silent(waiting.result())
    assert [event.session_id for event in events_in(tmp_path) if isinstance(event, TranscriptReady)] == [
        "late"
    ]


def test_a_lock_that_nobody_gives_back_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "LOCK_PATIENCE_SECONDS", 0.05)
    hook.append_durably(str(tmp_path), ["{}"], 0)
    with (tmp_path / "hooks-19700101.jsonl").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        hook.append_durably(str(tmp_path), ['{"a":1}'], 0)
    (own,) = tmp_path.glob("0*.jsonl")
    assert own.read_bytes() == b'{"a":1}\n'
    assert not list(tmp_path.glob("*.new"))


def test_a_disk_that_refuses_half_way_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.append_durably(str(tmp_path), ["{}"], 0)
    write = os.write

    def refuse(descriptor: int, data: Any) -> int:
        if len(data) < 30:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:20])

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(OSError, match="No space"):
        hook.append_durably(str(tmp_path), ['{"a":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}'], 0)
    assert (tmp_path / "hooks-19700101.jsonl").read_bytes() == b"{}\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b'{"session_id": NaN}',
        b"[" * 100_000,
        b'{"a":"' + b"\\ud800" * 5 + b'"}',
    ],
    ids=["empty", "cut", "list", "null", "binary", "nan", "deep", "surrogates"],
)
def test_input_that_is_no_payload_is_passed_over_in_silence(tmp_path: Path, data: bytes) -> None:
    assert silent(run_hook(data, "--home", str(tmp_path)))
    assert not (tmp_path / "journal").exists()
    assert len(errors_in(tmp_path)) == 1


def test_a_payload_of_a_megabyte_is_taken(tmp_path: Path) -> None:
    big = payload("Stop", last_assistant_message="x" * 1_000_000)
    assert silent(run_hook(big, "--home", str(tmp_path)))
    (event,) = events_in(tmp_path)
    assert isinstance(event, TranscriptReady)
    assert event.session_id == SESSION


def test_a_home_that_cannot_be_written_is_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    assert silent(run_hook(payload("Stop"), "--home", str(tmp_path / "file")))
    assert silent(run_hook(payload("Stop"), "--home", "/proc/session-buddy"))


def test_a_read_only_home_is_passed_over_in_silence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    # Root may write to any read-only folder of a disk, so it gets one of the kernel.
    home = tmp_path if os.geteuid() else Path("/proc/self")
    assert silent(run_hook(payload("Stop"), "--home", str(home)))
    assert not (home / "journal").exists()
    tmp_path.chmod(0o700)


def test_a_journal_that_cannot_be_written_is_told_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    assert silent(run_hook(payload("Stop"), "--home", str(tmp_path)))
    (line,) = errors_in(tmp_path)
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \w+Error: ", line)


def test_the_error_log_stays_small(tmp_path: Path) -> None:
    log = tmp_path / "hook-errors.log"
    log.write_bytes(b"x" * (hook.ERROR_LOG_BYTES + 1))
    run_hook(b"{", "--home", str(tmp_path))
    assert log.stat().st_size < 1000


def test_without_a_home_it_is_silent(tmp_path: Path) -> None:
    assert silent(run_hook(payload("Stop"), "--home"))
    assert silent(run_hook(payload("Stop"), "--home", "~nobody-of-that-name/x"))


def test_a_listening_leader_is_woken(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as leader:
        leader.settimeout(10)
        leader.bind(hook.wake_path(str(tmp_path)))
        assert silent(run_hook(payload("Stop"), "--home", str(tmp_path)))
        assert leader.recv(10) == b"\n"


def test_a_leader_that_does_not_listen_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as leader:
        leader.bind(hook.wake_path(str(tmp_path)))
    assert silent(run_hook(payload("Stop"), "--home", str(tmp_path)))
    assert errors_in(tmp_path) == []


def test_it_loads_nothing_that_takes_time(tmp_path: Path) -> None:
    script = (
        "import os, sys; sys.argv = ['hook.py', '--home', sys.argv[1]]; os._exit = lambda status: 0\n"
        f"exec(open({HOOK!r}).read(), {{'__name__': '__main__'}}); print(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [*COMMAND[:3], "-c", script, str(tmp_path)],
        input=json.dumps(payload("SessionEnd", reason="password=hunter2")).encode(),
        capture_output=True,
        check=True,
    )
    loaded = set(done.stdout.decode().split())
    assert len(events_in(tmp_path)) == 2
    heavy = {"hashlib", "socket", "datetime", "uuid", "pathlib", "typing", "subprocess", "random", "pydantic"}
    assert loaded & heavy == set()


def test_the_package_command_is_the_same_hook(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "session_buddy", "hook", "--home", str(tmp_path)],
        input=json.dumps(payload("Stop")).encode(),
        capture_output=True,
        check=False,
    )
    assert silent(done)
    assert len(events_in(tmp_path)) == 1
