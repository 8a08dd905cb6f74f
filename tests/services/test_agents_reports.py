"""Reports of agents whose hooks tell of a use only when its turn is over."""

from dataclasses import replace
from pathlib import Path

import pytest

from session_buddy.ingest import hook
from session_buddy.ingest.live_spans import LiveSpans
from session_buddy.ingest.recorded_sessions import TranscriptFiles
from session_buddy.ingest.transcripts import Reading
from session_buddy.models.events import SessionEvent, TranscriptReady
from session_buddy.models.ids import hashed_id
from session_buddy.models.values import Caller
from session_buddy.services import Folder, Recorder
from session_buddy.services.reports import InvocationReport
from tests.services.conftest import Home, keep_query
from tests.support.events import at

ROLLOUT = Path(__file__).parents[1] / "fixtures" / "agents" / "codex" / "rollout.jsonl"
SESSION = "01a2-session"
CODEX = Caller("c1", SESSION, "codex", "/home/dev/shop")
GEMINI = Caller("c2", None, "gemini", "/home/dev/shop")
POLISH = InvocationReport(skill_name="polish", completed=False)


def attended(home: Home) -> Recorder:
    """The recorder of a home as it is composed for real: it can look into transcripts."""
    home.folder = Folder(home.record, home.journal, TranscriptFiles(Reading(keep_query)), 1.0, home.clock)
    recorder = Recorder(
        home.journal,
        home.record,
        LiveSpans(keep_query),
        str,
        keep_query,
        home.clock,
        home.folder.look_at,
    )
    home.recorder = recorder
    return recorder


def told(home: Home, path: Path, session: str, agent: str, *, project: str = "/home/dev/shop") -> None:
    """A session's start, as the hook of an agent tells it."""
    home.journal.append(
        [
            SessionEvent(
                id=hashed_id(session, "start"),
                kind="session_started",
                occurred_at=at(0),
                session_id=session,
                agent=agent,
                project=project,
            ),
            TranscriptReady(
                id=hashed_id(session, "ready"),
                kind="transcript_ready",
                occurred_at=at(0),
                session_id=session,
                transcript_path=str(path),
            ),
        ]
    )
    home.folder.fold_all()


def rollout_of(folder: Path, session: str) -> Path:
    """The recorded session under another id, up to the first turn's last word."""
    lines = ROLLOUT.read_text().splitlines(keepends=True)
    end = next(number for number, line in enumerate(lines) if '"task_complete"' in line)
    named = lines[0].split('"session_id": "')[1][:36]
    path = folder / "rollout.jsonl"
    path.write_text("".join(lines[:end]).replace(named, session))
    return path


@pytest.mark.slow
def test_a_report_in_mid_turn_joins_the_use_that_no_hook_has_told_yet(home: Home, tmp_path: Path) -> None:
    recorder = attended(home)
    path = rollout_of(tmp_path, SESSION)
    whole = path.read_text()
    path.write_text(whole.splitlines(keepends=True)[0])
    told(home, path, SESSION, "codex")
    path.write_text(whole)
    assert recorder.record_invocation(POLISH, CODEX).attached
    home.folder.fold_all()
    (use,) = home.store.session_invocations(SESSION)
    assert (use.agent, use.outcome, use.outcome_source) == ("codex", "failed", "reported")


@pytest.mark.slow
def test_an_agent_that_names_no_session_is_in_the_newest_open_one_of_its_folder(
    home: Home, tmp_path: Path
) -> None:
    recorder = attended(home)
    told(home, tmp_path / "none.jsonl", "elsewhere", "gemini", project="/home/dev/other")
    told(home, tmp_path / "none.jsonl", "codex-session", "codex")
    assert recorder.session_of(GEMINI) == "mcp-c2"
    told(home, tmp_path / "none.jsonl", "gemini-session", "gemini")
    assert recorder.session_of(GEMINI) == "gemini-session"
    assert recorder.session_of(replace(GEMINI, agent="claude-code")) == "mcp-c2"
    home.journal.append(
        [
            SessionEvent(
                id=hashed_id("end"),
                kind="session_ended",
                occurred_at=at(9),
                session_id="gemini-session",
                agent="gemini",
            )
        ]
    )
    assert recorder.session_of(GEMINI) == "mcp-c2"


@pytest.mark.slow
def test_vs_code_running_claude_codes_hooks_beside_its_own_counts_once(home: Home) -> None:
    """Both hooks name the same session and the same transcript, each under ids of its own."""
    attended(home)
    transcript = ROLLOUT.parents[1] / "vscode" / "transcript.jsonl"
    payload = {"hookEventName": "Stop", "sessionId": "0d4f2c1a-vscode", "transcript_path": str(transcript)}
    for named in ("", "vscode"):
        for start in ("SessionStart", "Stop"):
            lines = hook.journal_lines(payload | {"hookEventName": start}, 1_795_000_000_000_000_000, named)
            home.journal.append_lines(lines)
    home.folder.fold_all()
    uses = home.store.session_invocations("0d4f2c1a-vscode")
    assert [(use.skill_name, use.agent) for use in uses] == [("polish", "vscode"), ("greet", "vscode")]
    assert [session.agent for session in home.store.sessions(5)] == ["vscode"]
