"""Claude Code's transcripts as events, read on from where the last reading stopped.

A session has one file, `<project>/<session>.jsonl`, and one for each of its subagents beside it,
`<session>/subagents/agent-<id>.jsonl` with `agent-<id>.meta.json`, which names the call that started it.
The client writes lazily, so a line may be torn and the last ones missing: what is not there yet waits.

Copies of a record have the same identity in every file: a forked session repeats earlier records under
another session id, a checkpoint repeats whole files. Event ids are made from the `tool_use` id (or the
prompt's id) and the record that closed the span, so reading again, elsewhere, or in other portions adds
nothing; where a portion ended inside a span, the closing that it assumed is overruled by the real one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json

from session_buddy.ingest.fields import MAIN, instant
from session_buddy.ingest.jsonl import Position, Unreadable, read_lines
from session_buddy.ingest.names import clean_name, clean_text
from session_buddy.ingest.observations import Change, Closing
from session_buddy.ingest.own_reports import MARK, OwnReports
from session_buddy.ingest.records import RecordReader
from session_buddy.ingest.span_events import Witness, event_of
from session_buddy.ingest.spans import Ending, SpanTracker
from session_buddy.models.events import JournalEvent, SessionEvent
from session_buddy.models.ids import hashed_id
from session_buddy.models.protocols import QueryKeeper
from session_buddy.models.vocabulary import AUTHORITY_TRANSCRIPT

_UNSET: Final = object()


@dataclass(frozen=True, slots=True)
class Reading:
    """What transcripts are read with.

    keep_query: decides what is kept of a prompt. user_id: keyed hash of whose transcripts they are.
    descriptions: installed skill -> what the catalogue says of it.
    """

    keep_query: QueryKeeper
    user_id: str | None = None
    descriptions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TranscriptCounts:
    """What a transcript held so far: lines that are no JSON, and distinct uses in this session's files."""

    lines: int = 0
    records: int = 0
    unparseable: int = 0
    skill_calls: int = 0
    slash_commands: int = 0
    unknown_skills: int = 0

    def __add__(self, other: "TranscriptCounts") -> "TranscriptCounts":
        """Counts of two transcripts together."""
        return TranscriptCounts(
            self.lines + other.lines,
            self.records + other.records,
            self.unparseable + other.unparseable,
            self.skill_calls + other.skill_calls,
            self.slash_commands + other.slash_commands,
            self.unknown_skills + other.unknown_skills,
        )


class _File:
    """One file of a session and how far it was read."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self.path = path
        self.position = Position()
        self.records = RecordReader(reading.keep_query, frozenset(reading.descriptions))
        self.unparseable = 0

    def counts(self) -> TranscriptCounts:
        read = self.records
        return TranscriptCounts(
            lines=self.position.lines,
            records=read.records,
            unparseable=self.unparseable + self.position.oversized,
            skill_calls=read.skill_calls,
            slash_commands=read.slash_commands,
            unknown_skills=read.unknown_skills,
        )


class SessionTranscript:
    """Reads one session's files, the subagents' after the main one. Not thread-safe."""

    def __init__(self, path: Path, reading: Reading) -> None:
        """path: the main file, or a subagent's own if that is all there is."""
        self._reading = reading
        self._begin(path)

    def _begin(self, path: Path) -> None:
        self._main = _File(path, self._reading)
        self._agents: dict[Path, _File] = {}
        self._tracker = SpanTracker()
        self._witness: Witness | None = None
        self._located: tuple[object, object] = (None, None)
        self._started: set[str] = set()
        self._openings: dict[str, Witness] = {}
        self._reports = OwnReports()

    @property
    def begun(self) -> bool:
        """Something stands in its file."""
        return self._main.position.lines > 0

    @property
    def counts(self) -> TranscriptCounts:
        """What was read so far."""
        return sum((file.counts() for file in self._agents.values()), self._main.counts())

    def read(self, ending: Ending = "none", *, to_end: bool = False) -> Iterator[JournalEvent]:
        """Events of the lines that appeared since the last reading.

        ending: `turn` if the main agent is known to have stopped, `session` if nothing more is awaited;
        open spans then get a closing that more lines would revise. to_end: take a last line without newline.

        Raises:
            Unreadable: a file, or the rest of it, cannot be read; what stood before has been given.
        """
        if _shrank(self._main):
            self._begin(self._main.path)  # another file bears the name now
        problem: Unreadable | None = None
        for file in self._files():
            try:
                yield from self._read(file, to_end=to_end)
            except Unreadable as error:
                problem = problem or error
        for closing in self._tracker.settle(ending):
            yield from self._events(closing)
        if problem is not None:
            raise problem

    def _files(self) -> Iterator[_File]:
        """The main file, then the subagents' files that there are by then."""
        yield self._main
        for path in subagent_files(self._main.path):
            if path not in self._agents:
                self._agents[path] = _File(path, self._reading)
                self._link(path)
            yield self._agents[path]

    def _read(self, file: _File, *, to_end: bool) -> Iterator[JournalEvent]:
        observe, reader = self._tracker.observe, file.records
        idle, main = self._tracker.is_idle, file is self._main and not _of_subagent(file.path)
        for line in read_lines(file.path, file.position, to_end=to_end):
            record = parse_line(line)
            if record is _UNSET:
                file.unparseable += bool(line.strip())
                continue
            if not isinstance(record, dict):
                continue
            if (record.get("sessionId"), record.get("cwd")) != self._located:
                yield from self._locate(record)
            if self._witness is not None and (MARK in line or self._reports.awaits()):
                yield from self._reports.read(record, self._witness)
            quiet = main and idle(MAIN) and b'"Skill"' not in line
            for observation in reader.read(record, quiet=quiet):
                for change in observe(observation):
                    yield from self._events(change)

    def _events(self, change: Change) -> Iterator[JournalEvent]:
        use = change.use
        if isinstance(change, Closing):
            self._reports.closed(use.key, change.ended_at)
        elif self._witness is not None:
            self._openings[use.key] = self._witness
            self._reports.opened(use.key, use.skill_name, change.at)
        witness = self._openings.get(use.key)
        if witness is not None:
            yield event_of(change, witness, self._reading.descriptions.get(use.skill_name, ""))

    def _locate(self, record: Mapping[str, Any]) -> Iterator[JournalEvent]:
        """Note whose record this is and where it worked; an event where a session is seen first."""
        named, folder = record.get("sessionId"), record.get("cwd")
        session_id, at = clean_name(named), instant(record.get("timestamp"))
        if session_id is None or at is None:
            return
        known, self._located = self._witness, (named, folder)
        project = clean_text(folder) or (known.project if known else None)
        self._witness = Witness(
            "transcript", AUTHORITY_TRANSCRIPT, session_id, project, self._reading.user_id
        )
        if session_id not in self._started:
            self._started.add(session_id)
            yield session_started(self._witness, at)

    def _link(self, path: Path) -> None:
        """Tell the tracker which call started a subagent."""
        meta = path.with_name(f"{path.stem}.meta.json")
        try:
            named = json.loads(meta.read_text("utf-8")) if meta.is_file() else None
        except (OSError, ValueError):
            return
        call = named.get("toolUseId") if isinstance(named, dict) else None
        thread = clean_name(path.stem.removeprefix("agent-"))
        if isinstance(call, str) and thread not in {None, MAIN}:
            self._tracker.spawned_by(thread or "", call)


def session_started(witness: Witness, at: datetime) -> SessionEvent:
    """A session began, as far as its record goes back."""
    return SessionEvent(
        id=hashed_id("claude-code", witness.session_id, "session_started", "transcript"),
        kind="session_started",
        occurred_at=at,
        session_id=witness.session_id,
        agent=witness.agent,
        project=witness.project,
        user_id=witness.user_id,
    )


def parse_line(line: bytes) -> Any:
    """One line of JSON; `_UNSET`, which is no value of JSON, if it does not parse."""
    try:
        return from_json(line, cache_strings="keys")
    except ValueError:
        try:
            return json.loads(line)  # takes what the faster parser does not, such as a lone surrogate
        except (ValueError, RecursionError):
            return _UNSET


def subagent_files(path: Path) -> Sequence[Path]:
    """Transcripts of the subagents of a session, given its main file."""
    name = path.name.removesuffix(".gz").removesuffix(".jsonl")
    folder = path.with_name(name) / "subagents"
    if not folder.is_dir():
        return ()
    return sorted([*folder.glob("agent-*.jsonl"), *folder.glob("agent-*.jsonl.gz")])


def _of_subagent(path: Path) -> bool:
    return path.name.startswith("agent-")


def _shrank(file: _File) -> bool:
    try:
        return file.path.stat().st_size < file.position.offset and file.path.suffix != ".gz"
    except OSError:
        return False
