"""The hook for Cursor as Cursor runs it: a process that finds nothing of ours to import, and says nothing."""

import json
import subprocess
import sys
from pathlib import Path

from session_buddy.ingest import hook_cursor
from session_buddy.ingest.recorded_sessions import SessionFolder, TranscriptFiles
from session_buddy.models.events import TranscriptReady, parse_event
from tests.agents.test_records import FIXTURES, READING

STOP = {"hook_event_name": "stop", "conversation_id": "c-1", "generation_id": "g", "status": "completed"}


def run(home: Path, payload: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-I", "-S", hook_cursor.__file__, "--home", str(home), "--agent", "cursor"]
    return subprocess.run(words, input=payload, capture_output=True, text=True, timeout=20)


def journal_of(home: Path) -> list[object]:
    lines = [line for path in (home / "journal").glob("*.jsonl") for line in path.read_text().splitlines()]
    return [parse_event(line) for line in lines if line]


def test_it_keeps_what_it_is_told_and_tells_the_leader_where(tmp_path: Path) -> None:
    done = run(tmp_path, json.dumps(STOP))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    kept = tmp_path / "records" / "cursor-c-1.jsonl"
    (ready,) = journal_of(tmp_path)
    assert isinstance(ready, TranscriptReady)
    assert (ready.transcript_path, ready.hook, ready.session_id) == (str(kept), "Stop", "c-1")
    assert json.loads(kept.read_text())["status"] == "completed"
    assert kept.stat().st_mode & 0o077 == 0
    assert not (tmp_path / "hook-errors.log").exists()


def test_a_conversation_whose_name_is_no_file_name_is_logged_and_harms_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, json.dumps(STOP | {"conversation_id": "../../etc/x"}))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "no usable conversation" in (tmp_path / "hook-errors.log").read_text()
    assert not (tmp_path / "records").exists()


def test_a_session_is_found_again_by_its_id_after_a_restart(tmp_path: Path) -> None:
    run(tmp_path, json.dumps(STOP))
    rollout = tmp_path / "sessions" / "2026" / "11" / "22" / "rollout-2026-11-22T17-38-52-abc-1.jsonl"
    rollout.parent.mkdir(parents=True)
    rollout.write_text((FIXTURES / "codex" / "rollout.jsonl").read_text())
    files = TranscriptFiles(
        READING,
        [
            SessionFolder(tmp_path / "sessions", "*/*/*/rollout-*-{id}.jsonl"),
            SessionFolder(tmp_path / "records", "cursor-{id}.jsonl"),
        ],
    )
    assert files.find("c-1") == str(tmp_path / "records" / "cursor-c-1.jsonl")
    assert files.find("abc-1") == str(rollout)
    assert files.find("nobody") is None
