"""Reading transcripts in portions, damaged ones, copies, and anything at all."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_buddy.ingest import jsonl
from session_buddy.ingest.jsonl import Position, Unreadable, read_lines
from session_buddy.ingest.recorded_sessions import SessionFolder, TranscriptFiles
from session_buddy.ingest.transcripts import SessionTranscript
from session_buddy.models.events import JournalEvent, SessionEvent, SkillEvent, parse_event, to_line
from session_buddy.models.ids import hashed_id_at, invocation_id_of_prompt, invocation_id_of_tool_use
from tests.support.records import Conversation, as_lines
from tests.support.transcripts import READING, final, read_all


def conversation() -> Conversation:
    talk = Conversation()
    talk.prompt("commit this")
    talk.skill("s1", "commit", args="the cart", body="Commit. Then use the `review` skill.")
    talk.bash("b1", "git add .")
    talk.skill("s2", "review")
    talk.bash("b2", "pytest", error=True, text="Exit code 1\n1 failed")
    talk.unknown_skill("s3", "nope")
    talk.end_turn()
    talk.slash("deploy", "to staging", promptId="p1")
    talk.bash("b3", "make test")
    talk.call("a1", "Agent", prompt="x")
    talk.answer("a1", "launched", isAsync=True, status="async_launched")
    talk.end_turn("waiting")
    talk.user(
        "<task-notification><tool-use-id>a1</tool-use-id></task-notification>",
        origin={"kind": "task-notification"},
    )
    talk.bash("b4", "ls")
    talk.end_turn()
    talk.prompt("more")
    talk.skill("s4", "commit")
    talk.call("b5", "Bash", command="sleep 5")
    talk.interrupt()
    talk.prompt("go on")
    talk.skill("s5", "commit")
    talk.bash("b6", "git push")
    talk.say("pushed")
    return talk


WHOLE = conversation().lines()


def test_an_event_tells_what_the_record_says(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(WHOLE)
    events = read_all(path)
    session = events[0]
    assert isinstance(session, SessionEvent)
    assert (session.session_id, session.project) == ("session-1", "/home/dev/shop")
    started = next(event for event in events if isinstance(event, SkillEvent))
    assert started.id == hashed_id_at(started.occurred_at, "claude-code", "s1", "started", "transcript")
    assert started.invocation_id == invocation_id_of_tool_use("s1")
    assert (started.skill_name, started.project, started.authority) == ("commit", "/home/dev/shop", 20)
    assert (started.query_text, started.query_length) == (None, len("the cart"))
    assert started.workflow_phase == "execution"
    assert all(parse_event(to_line(event)) == event for event in events)


def test_the_outcomes_of_a_long_conversation(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(WHOLE)
    uses = final(read_all(path))
    assert [(use.skill_name, use.outcome, use.error_type) for use in uses] == [
        ("commit", "failed", "test_failed"),
        ("review", "failed", "test_failed"),
        ("nope", "failed", "unknown_skill"),
        ("deploy", "completed", None),
        ("commit", "abandoned", "interrupted"),
        ("commit", "completed", None),
    ]
    assert uses[3].invocation_id == invocation_id_of_prompt("p1")
    assert uses[1].parent_invocation_id == uses[0].invocation_id


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(st.integers(0, len(WHOLE)), max_size=8))
def test_reading_in_portions_gives_the_same_invocations(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    path = tmp_path_factory.mktemp("t") / "session-1.jsonl"
    path.write_bytes(WHOLE)
    whole = read_all(path)
    transcript = SessionTranscript(path, READING)
    events: list[JournalEvent] = []
    for number, cut in enumerate([*sorted(cuts), len(WHOLE)]):
        path.write_bytes(WHOLE[:cut])
        events += transcript.read("session" if number % 2 else "none")
    events += transcript.read("session", to_end=True)
    assert final(events) == final(whole)
    assert {event.id for event in whole} <= {event.id for event in events}
    assert transcript.counts.records == len(conversation().records)


@pytest.mark.slow
@settings(max_examples=40)
@given(st.integers(0, len(WHOLE)))
def test_a_later_import_knows_better_than_one_of_half_a_file(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("t") / "session-1.jsonl"
    path.write_bytes(WHOLE[:cut])
    half = read_all(path)
    path.write_bytes(WHOLE)
    whole = read_all(path)
    assert final([*half, *whole]) == final([*whole, *half]) == final(whole)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
WORDS = [
    "user",
    "assistant",
    "system",
    "tool_use",
    "tool_result",
    "Skill",
    "Bash",
    "text",
    "s1",
    "end_turn",
    "forked",
    "turn_duration",
    "2026-03-01T10:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-03-01T10:00:00",
    "<command-name>/x</command-name>",
    "<task-notification>",
    "/audit",
    "async_launched",
]
ANYTHING = JSON | st.sampled_from([*WORDS, "[Request interrupted by user]"])
RESULT = st.dictionaries(st.sampled_from(["status", "agentId", "interrupted", "backgroundTaskId"]), ANYTHING)
INPUT = st.dictionaries(st.sampled_from(["skill", "args", "command"]), ANYTHING)
BLOCK = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(["type", "id", "name", "tool_use_id", "content", "is_error", "text"], ANYTHING),
        "input": ANYTHING | INPUT,
    },
)
MESSAGE = st.fixed_dictionaries(
    {}, optional={"content": ANYTHING | st.lists(BLOCK | ANYTHING, max_size=4), "stop_reason": ANYTHING}
)
RECORD = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["user", "assistant", "system"]) | ANYTHING,
        "uuid": st.uuids().map(str) | ANYTHING,
        "timestamp": st.just("2026-03-01T10:00:00Z") | ANYTHING,
        "sessionId": st.just("s") | ANYTHING,
    },
    optional={
        **dict.fromkeys(["cwd", "agentId", "isSidechain", "isMeta", "origin", "isCompactSummary"], ANYTHING),
        **dict.fromkeys(["subtype", "promptId", "sourceToolUseID"], ANYTHING),
        "toolUseResult": ANYTHING | RESULT,
        "message": ANYTHING | MESSAGE,
    },
)


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(RECORD | JSON, max_size=6))
def test_any_json_can_be_read(tmp_path_factory: pytest.TempPathFactory, records: list[Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "anything.jsonl"
    path.write_bytes(as_lines(records))
    for event in read_all(path):
        assert parse_event(to_line(event)) == event


PIECES = [b"{", b"}", b'"', b"\n", b"\\ud800", b"\xff", b"[", b":", b"\x00", b"NaN", b"1e999", WHOLE[:700]]


@pytest.mark.slow
@settings(max_examples=200)
@given(st.binary(max_size=300) | st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_any_bytes_can_be_read(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.jsonl"
    path.write_bytes(data)
    transcript = SessionTranscript(path, READING)
    try:
        list(transcript.read("session", to_end=True))
    except Unreadable:
        assert data.startswith(b"\x1f\x8b")
        return
    bad = sum(1 for line in data.split(b"\n") if line.strip() and not _parses(line))
    assert transcript.counts.unparseable == bad


def _parses(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def test_a_torn_last_line_waits_for_its_rest(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    cut = WHOLE.index(b'"Skill"')
    path.write_bytes(WHOLE[:cut])
    transcript = SessionTranscript(path, READING)
    assert [type(event) for event in transcript.read()] == [SessionEvent]
    path.write_bytes(WHOLE)
    assert next(event for event in transcript.read() if isinstance(event, SkillEvent)).skill_name == "commit"
    assert transcript.counts.unparseable == 0


def test_a_line_that_does_not_parse_is_counted_and_passed_over(tmp_path: Path) -> None:
    lines = WHOLE.splitlines(keepends=True)
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"".join([*lines[:5], b'{"type": "us\n', b"\n", b"\xff\xfe\n", *lines[5:]]))
    transcript = SessionTranscript(path, READING)
    uses = final(transcript.read("session"))
    assert transcript.counts.unparseable == 2
    assert len(uses) == 6


def test_a_deeply_nested_line_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"[" * 100_000 + b"\n" + b'{"a":' * 100_000 + b"\n" + WHOLE)
    transcript = SessionTranscript(path, READING)
    assert len(final(transcript.read("session"))) == 6
    assert transcript.counts.unparseable == 2


def test_a_line_beyond_the_limit_is_passed_over_without_being_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "LINE_LIMIT", 10_000)
    monkeypatch.setattr(jsonl, "CHUNK_BYTES", 1_000)
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"x" * 50_000 + b"\nshort\n" + b"y" * 20_000)
    position = Position()
    assert list(read_lines(path, position, to_end=True)) == [b"short"]
    assert (position.lines, position.oversized, position.offset) == (3, 2, path.stat().st_size)


def test_a_copy_under_another_session_gives_no_new_event(tmp_path: Path) -> None:
    original = conversation()
    path = tmp_path / "s.jsonl"
    path.write_bytes(original.lines())
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(as_lines({**record, "sessionId": "fork"} for record in original.records))
    known = {event.id for event in read_all(path)}
    new = [event for event in read_all(copy) if event.id not in known]
    assert [type(event) for event in new] == [SessionEvent]


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(WHOLE)
    files = TranscriptFiles(READING)
    first = files.read("session-1", str(path), "Stop")
    assert not files.read("session-1", str(path), "Stop")
    path.write_bytes(b"".join(WHOLE.splitlines(keepends=True)[:4]))
    again = files.read("session-1", str(path), "Stop")
    assert {event.id for event in again} & {event.id for event in first}


def test_a_session_that_is_no_longer_kept_is_read_from_its_beginning(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_bytes(WHOLE)
    files = TranscriptFiles(READING, sessions_kept=1)
    first = files.read("a", str(tmp_path / "a.jsonl"), "SessionEnd")
    files.read("b", str(tmp_path / "b.jsonl"))
    assert files.read("a", str(tmp_path / "a.jsonl"), "SessionEnd") == first


@pytest.mark.parametrize("name", ["missing.jsonl", "folder", "/dev/null/x", "/dev/zero"])
def test_a_transcript_that_cannot_be_read_gives_no_event(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    assert not TranscriptFiles(READING).read("s", str(tmp_path / name), "Stop")


def test_a_transcript_is_found_by_its_session(tmp_path: Path) -> None:
    (tmp_path / "-home-dev").mkdir()
    path = tmp_path / "-home-dev" / "abc-1.jsonl"
    path.touch()
    files = TranscriptFiles(READING, [SessionFolder(tmp_path, "*/{id}.jsonl")])
    assert files.find("abc-1") == str(path)
    assert [files.find(name) for name in ("abc", "../-home-dev/abc-1", "*", "")] == [None] * 4


def test_a_compressed_transcript_that_is_cut_off_gives_what_stands_before(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl.gz"
    path.write_bytes(gzip.compress(WHOLE)[:-300])
    transcript = SessionTranscript(path, READING)
    events: list[JournalEvent] = []
    with pytest.raises(Unreadable, match=r"cut off after line \d+"):
        events.extend(transcript.read("session", to_end=True))
    assert events


def test_names_that_nobody_should_use_are_made_fit(tmp_path: Path) -> None:
    talk = Conversation()
    talk.prompt()
    talk.unknown_skill("s1", "x" * 10_000)
    talk.unknown_skill("s2", "a\nb\tc\x00d")
    talk.unknown_skill("s3", "  ")
    talk.unknown_skill("s4", "half \ud800 pair")
    talk.skill("s5", "/commit")
    path = tmp_path / "s.jsonl"
    path.write_bytes(talk.lines())
    names = [use.skill_name for use in final(read_all(path))]
    assert names == ["x" * 200, "a b c d", "half \ufffd pair", "commit"]
