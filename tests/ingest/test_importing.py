"""Import of directories, transcripts and exports; going on where it was stopped; what cannot be imported."""

import gzip
import json
import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from session_buddy.errors import JournalError
from session_buddy.ingest import importing, sources
from session_buddy.ingest.importing import Importer, ImportProgress, ImportSummary
from session_buddy.ingest.redaction import redact
from session_buddy.models.answers import Invocation
from session_buddy.models.events import JournalEvent, SkillEvent, parse_event
from tests.support.records import Conversation
from tests.support.transcripts import READING, final

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AT = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


class Home:
    """An importer over a journal in memory; `broken` is when the journal takes no more."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "home" / "import-state.json"
        self.lines: list[str] = []
        self.broken: BaseException | None = None
        self.calls = 0
        self.importer = Importer(self._append, self.state, READING, redact, lambda: NOW)

    def _append(self, lines: Sequence[str]) -> None:
        if self.broken is not None and self.calls:
            raise self.broken
        self.calls += 1
        self.lines.extend(lines)

    def run(self, *paths: Path, **options: Any) -> ImportSummary:
        return self.importer.run(paths, **options)

    def events(self) -> list[JournalEvent]:
        return [parse_event(line) for line in self.lines]

    def invocations(self) -> list[Invocation]:
        return final(self.events())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def conversation(session: str, skills: int = 1) -> Conversation:
    talk = Conversation(session)
    for number in range(skills):
        talk.prompt()
        talk.skill(f"{session}-{number}", "commit")
        talk.end_turn()
    return talk


def invocation(number: int, **fields: Any) -> Invocation:
    row: dict[str, Any] = {
        "invocation_id": UUID(int=number + 1),
        "skill_name": f"skill-{number % 7}",
        "session_id": f"session-{number // 20}",
        "agent": "claude-code",
        "thread": "main",
        "origin": "agent",
        "source": "transcript",
        "project": "/home/dev/shop",
        "user_id": None,
        "parent_invocation_id": None,
        "invoked_at": AT + timedelta(seconds=number),
        "ended_at": AT + timedelta(seconds=number + 30),
        "duration_seconds": 29.5,
        "outcome": "completed",
        "completed": True,
        "outcome_source": "inferred",
        "evidence": ({"kind": "turn_ended"},),
        "error_type": None,
        "tool_call_count": 3,
        "tool_error_count": 0,
        "rating": None,
        "note": None,
        "workflow_phase": "unknown",
        "workflow_step": None,
        "query_text": None,
        "query_hash": "ab",
        "query_length": 4,
    }
    return Invocation.model_validate(row | fields)


def export(path: Path, rows: Sequence[Invocation]) -> Path:
    path.write_text("".join(f"{row.model_dump_json()}\n" for row in rows))
    return path


def test_a_directory_is_searched_for_transcripts_and_exports(home: Home, tmp_path: Path) -> None:
    project = tmp_path / "projects" / "-home-dev-shop"
    project.mkdir(parents=True)
    (project / "a.jsonl").write_bytes(conversation("a").lines())
    (project / "b.jsonl.gz").write_bytes(gzip.compress(conversation("b", 2).lines()))
    (project / "notes.txt").write_text("not looked at")
    export(tmp_path / "projects" / "export.jsonl", [invocation(1)])
    summary = home.run(tmp_path / "projects")
    assert (summary.files, summary.skill_calls, summary.invocations) == (3, 3, 1)
    assert summary.skipped == ()
    assert summary.events == len(home.lines)
    assert len(home.invocations()) == 4


def test_a_subagents_transcript_is_read_once_with_its_session(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "p" / "s" / "subagents"
    folder.mkdir(parents=True)
    (tmp_path / "p" / "s.jsonl").write_bytes(conversation("s").lines())
    agent = Conversation("s", thread="a1")
    agent.user("look")
    agent.skill("sub-1", "reader")
    agent.end_turn()
    (folder / "agent-a1.jsonl").write_bytes(agent.lines())
    summary = home.run(tmp_path / "p")
    assert (summary.files, summary.skill_calls) == (1, 2)
    assert {use.thread for use in home.invocations()} == {"main", "a1"}

    (tmp_path / "p" / "s.jsonl").unlink()
    alone = Home(tmp_path / "other")
    assert alone.run(tmp_path / "p").skill_calls == 1
    assert [use.thread for use in alone.invocations()] == ["a1"]


def test_copies_of_a_conversation_count_once(home: Home, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.jsonl").write_bytes(conversation("s", 2).lines())
    summary = home.run(tmp_path)
    assert (summary.files, summary.skill_calls, summary.events) == (3, 2, 5)


def test_an_unchanged_file_is_passed_over_and_a_grown_one_read_again(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(conversation("s").lines())
    home.run(path)
    assert home.run(path).unchanged == 1
    known = {event.id for event in home.events()}
    assert home.run(path, again=True).events == len(known)
    assert {event.id for event in home.events()} == known
    path.write_bytes(conversation("s", 3).lines())
    assert home.run(path).files == 1
    assert len(home.invocations()) == 3


@pytest.mark.slow
def test_progress_is_told_and_ends_with_everything(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_EVENTS", 1_000)
    path = export(tmp_path / "export.jsonl", [invocation(number) for number in range(3_500)])
    told: list[ImportProgress] = []
    home.run(path, progress=told.append)
    assert [each.events for each in told] == [0, 1_000, 2_000, 3_000, 3_500]
    assert [each.bytes_done for each in told] == sorted(each.bytes_done for each in told)
    assert (told[-1].files_done, told[-1].bytes_done) == (1, path.stat().st_size)


def test_a_folder_of_much_that_is_no_session_tells_how_far_the_search_is(home: Home, tmp_path: Path) -> None:
    for number in range(2_100):
        (tmp_path / f"note-{number}.txt").touch()
    told: list[ImportProgress] = []
    summary = home.run(tmp_path, progress=told.append)
    assert [(each.looked_at >= 2_000, each.files_total) for each in told[:1]] == [(True, 0)]
    assert (told[-1].looked_at, summary.files) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("error", [KeyboardInterrupt(), JournalError("the disk is full")])
def test_an_import_goes_on_where_it_was_stopped(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(importing, "BATCH_EVENTS", 1_000)
    path = export(tmp_path / "export.jsonl", [invocation(number) for number in range(2_500)])
    home.broken = error
    with pytest.raises(type(error)):
        home.run(path)
    assert len(home.lines) == 1_000
    home.broken = None
    summary = home.run(path)
    assert (summary.lines, summary.events) == (1_500, 1_500)
    assert [use.invocation_id.int for use in home.invocations()] == list(range(1, 2_501))
    assert home.run(path).unchanged == 1


@pytest.mark.slow
def test_an_interrupted_transcript_goes_on_without_repeating_events(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_EVENTS", 400)
    path = tmp_path / "s.jsonl"
    path.write_bytes(conversation("s", 1_000).lines())
    home.broken = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        home.run(path)
    assert home.lines
    home.broken = None
    assert home.run(path).skill_calls == 1_000
    assert len({event.id for event in home.events()}) == len(home.lines) == 2_001


def test_a_grown_export_is_read_from_where_it_ended(home: Home, tmp_path: Path) -> None:
    path = export(tmp_path / "export.jsonl", [invocation(number) for number in range(10)])
    home.run(path)
    export(path, [invocation(number) for number in range(15)])
    assert home.run(path).lines == 5
    assert len(home.invocations()) == 15


def test_an_exported_invocation_comes_back_as_it_was(home: Home, tmp_path: Path) -> None:
    rows = [
        invocation(1),
        invocation(2, outcome="failed", completed=False, outcome_source="reported", error_type="test_failed"),
        invocation(3, outcome=None, completed=None, outcome_source=None, ended_at=None, evidence=()),
        invocation(4, rating=4, note="good"),
        invocation(5, origin="user", source="hook", workflow_phase="deployment", query_text="ship it"),
        invocation(6, parent_invocation_id=UUID(int=2), skill_name="plugin:skill"),
    ]
    home.run(export(tmp_path / "export.jsonl", rows))
    assert home.invocations() == rows


def test_the_legacy_form_is_accepted_and_every_line_is_a_use(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    line = '{"skill_name": "lint", "completed": true, "duration_seconds": 3.5}\n'
    path.write_text(line * 3 + '{"skill_name": "test", "completed": false, "duration_seconds": null}\n')
    os.utime(path, (AT.timestamp(), AT.timestamp()))
    assert home.run(path).invocations == 4
    uses = home.invocations()
    assert len(uses) == 4
    assert {(use.skill_name, use.outcome, use.outcome_source) for use in uses} == {
        ("lint", "completed", "reported"),
        ("test", "failed", "reported"),
    }
    assert all(use.invoked_at == AT for use in uses)
    with path.open("a") as file:
        file.write(line)
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    home.run(path, again=True)
    assert len(home.invocations()) == 5


def test_secrets_in_an_export_do_not_reach_the_journal(home: Home, tmp_path: Path) -> None:
    secret = "ghp_" + "a1B2" * 9
    row = invocation(
        1,
        note=f"token {secret}",
        query_text=f"use {secret}",
        error_type=f"failed with {secret}",
        workflow_step=secret,
        evidence=({"kind": "check_failed", "detail": f"curl -H {secret}"},),
    )
    home.run(export(tmp_path / "export.jsonl", [row]))
    assert len(home.lines) == 1
    assert secret not in home.lines[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"skill_name": ""}, "skill_name"),
        ({"skill_name": "x" * 10_000}, "skill_name"),
        ({"skill_name": "a\x00b"}, "skill_name"),
        ({"duration_seconds": -1}, "duration_seconds"),
        ({"duration_seconds": "NaN"}, "duration_seconds"),
        ({"invoked_at": "2026-03-01T10:00:00"}, "timezone"),
        ({"invoked_at": "2030-01-01T00:00:00Z", "ended_at": None}, "future"),
        ({"workflow_phase": "party"}, "workflow_phase"),
        ({"outcome": "fine"}, "outcome"),
        ({"invocation_id": 7}, "invocation_id"),
        ({"evidence": 5}, "evidence"),
        ({"query_text": "x" * 1_000_000}, "query_text"),
    ],
)
def test_a_line_that_cannot_be_used_is_counted_and_the_first_is_explained(
    home: Home, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    path = export(tmp_path / "export.jsonl", [invocation(1), invocation(2)])
    bad = json.loads(invocation(3).model_dump_json()) | change
    with path.open("a") as file:
        file.write(json.dumps(bad) + "\n{torn\n")
    summary = home.run(path)
    assert (summary.invocations, summary.unparseable) == (2, 2)
    (skipped,) = summary.skipped
    assert "2 of its lines cannot be used, the first is line 3" in skipped.reason
    assert reason in skipped.reason
    assert len(skipped.reason) < 300


def test_paths_that_cannot_be_imported_are_told_with_one_reason_each(home: Home, tmp_path: Path) -> None:
    (tmp_path / "empty-folder").mkdir()
    files: dict[str, bytes] = {
        "empty.jsonl": b"",
        "blank.jsonl": b"\n \n",
        "binary.jsonl": bytes(range(256)) * 10,
        "words.jsonl": b"these are\njust words\n",
        "other.jsonl": b'{"a": 1}\n',
        "journal.jsonl": b'{"v":1,"kind":"started","occurred_at":"2026-03-01T10:00:00Z","skill_name":"x"}\n',
        "cut.jsonl.gz": gzip.compress(random.Random(1).randbytes(9_000).hex().encode())[:60],
        "bad.jsonl.gz": gzip.compress(b"{}")[:4] + b"nonsense and more",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    names = ["missing.jsonl", "empty-folder", *files]
    summary = home.run(*(tmp_path / name for name in names))
    reasons = {Path(skipped.path).name: skipped.reason for skipped in summary.skipped}
    assert reasons == {
        "missing.jsonl": "it does not exist",
        "empty-folder": "no *.jsonl or *.jsonl.gz file is in this folder or below it",
        "empty.jsonl": "it is empty",
        "blank.jsonl": "it is empty",
        "binary.jsonl": "it is a binary file",
        "words.jsonl": "it holds neither records of a transcript nor exported invocations",
        "other.jsonl": "it holds neither records of a transcript nor exported invocations",
        "journal.jsonl": "it is a journal of session-buddy; `session-buddy rebuild` reads those",
        "cut.jsonl.gz": "its compressed data is cut off before the first record",
        "bad.jsonl.gz": "its compressed data is damaged",
    }
    assert (summary.files, home.lines) == (0, [])


def test_a_single_line_without_end_is_refused_without_being_held(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "HEAD_BYTES", 200_000)
    path = tmp_path / "huge.jsonl"
    with path.open("wb") as file:
        file.write(b'{"type": "user", "text": "')
        file.truncate(1 << 30)  # a gigabyte that takes no room on the disk
    (skipped,) = home.run(path).skipped
    assert skipped.reason == "it is a binary file"
    path.write_bytes(b'{"type": "user", "text": "' + b"x" * 300_000)
    (skipped,) = home.run(path).skipped
    assert "its first line is longer than" in skipped.reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no fifos")
def test_a_fifo_is_not_waited_for(home: Home, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (skipped,) = home.run(tmp_path).skipped
    assert skipped.reason == "it is not a regular file"


@pytest.mark.slow
def test_a_transcript_that_is_cut_off_gives_what_stands_before(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl.gz"
    path.write_bytes(gzip.compress(conversation("s", 500).lines())[:-200])
    summary = home.run(path)
    assert 300 < summary.skill_calls < 500
    assert "its compressed data is cut off after line" in summary.skipped[0].reason
    events = summary.events
    assert home.run(path).events == 0
    assert len(home.lines) == events


def test_a_damaged_state_means_only_that_all_is_read_again(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(conversation("s").lines())
    home.run(path)
    for text in ("", "[]", "{", '{"x": 5}', f'{{"{path}": {{"nonsense": 1}}}}'):
        home.state.write_text(text)
        assert home.run(path).files == 1
    assert len(home.invocations()) == 1


def test_a_home_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, not a folder")
    (tmp_path / "s.jsonl").write_bytes(conversation("s").lines())
    with pytest.raises(JournalError, match=r"import-state\.json"):
        Home(tmp_path).run(tmp_path / "s.jsonl")


def test_the_state_is_readable_by_its_owner_alone(home: Home, tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_bytes(conversation("s").lines())
    home.run(tmp_path / "s.jsonl")
    assert home.state.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.state.parent.iterdir()] == ["import-state.json"]


def test_what_an_import_writes_are_events_of_their_sources(home: Home, tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_bytes(conversation("s").lines())
    home.run(tmp_path / "s.jsonl")
    home.run(export(tmp_path / "export.jsonl", [invocation(1), invocation(2, outcome_source="reported")]))
    recorded = [
        event for event in home.events() if isinstance(event, SkillEvent) and event.kind == "recorded"
    ]
    assert [(event.source, event.authority) for event in recorded] == [("transcript", 20), ("transcript", 30)]
