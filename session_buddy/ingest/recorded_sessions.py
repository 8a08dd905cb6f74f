"""Sessions of any agent, read on from where the last reading stopped; which agent's, the first line says."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from session_buddy.ingest.agents.codex_records import CodexRecords
from session_buddy.ingest.agents.cursor_records import CursorRecords
from session_buddy.ingest.agents.gemini_records import GeminiRecords
from session_buddy.ingest.agents.session_reader import OwnAnswer, OwnCall, Record, Seen, SessionReader
from session_buddy.ingest.agents.vscode_records import VSCodeRecords
from session_buddy.ingest.jsonl import Position, Unreadable, read_lines
from session_buddy.ingest.observations import Change, Closing
from session_buddy.ingest.own_reports import OwnReports
from session_buddy.ingest.span_events import Witness, event_of
from session_buddy.ingest.spans import Ending, SpanTracker
from session_buddy.ingest.transcripts import (
    Reading,
    SessionTranscript,
    TranscriptCounts,
    parse_line,
    session_started,
)
from session_buddy.models.events import JournalEvent
from session_buddy.models.vocabulary import AUTHORITY_TRANSCRIPT

READERS: Final = (CodexRecords, GeminiRecords, VSCodeRecords, CursorRecords)
"""Claude Code's transcripts begin with any of many records, so they are what is left."""


_ENDINGS: Final[dict[str, Ending]] = {"Stop": "turn", "SessionEnd": "session"}
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


def reader_of(record: object) -> type[SessionReader] | None:
    """The reader of a file that begins with this record; None if that may be Claude Code's."""
    if not isinstance(record, dict):
        return None
    return next((reader for reader in READERS if reader.recognises(record)), None)


def open_session(path: Path, reading: Reading) -> "SessionTranscript | RecordedSession":
    """A reader of one session's file."""
    reader = reader_of(_first_record(path))
    return SessionTranscript(path, reading) if reader is None else RecordedSession(path, reading, reader)


@dataclass(frozen=True, slots=True)
class SessionFolder:
    """Where an agent keeps its sessions.

    pattern: a glob below `folder`, in which `{id}` stands for the session's id and `{head}` for its
    first eight characters.
    """

    folder: Path
    pattern: str

    def files_of(self, session_id: str) -> Sequence[Path]:
        """The files of one session, whose id holds nothing that a glob would read as a pattern."""
        return sorted(self.folder.glob(self.pattern.format(id=session_id, head=session_id[:8])))


class RecordedSession:
    """Reads one session of an agent that keeps it in one file. Not thread-safe."""

    def __init__(self, path: Path, reading: Reading, reader: type[SessionReader]) -> None:
        self._path = path
        self._reading = reading
        self._make = reader
        self._begin()

    def _begin(self) -> None:
        self._position = Position()
        self._records = self._make(self._reading.keep_query)
        self._tracker = SpanTracker()
        self._witness: Witness | None = None
        self._reports = OwnReports()
        self._unparseable = 0

    begun = True
    """It is known whose file it is."""

    @property
    def counts(self) -> TranscriptCounts:
        """What was read so far."""
        read = self._records
        return TranscriptCounts(
            lines=self._position.lines,
            records=read.records,
            unparseable=self._unparseable + self._position.oversized,
            skill_calls=read.skill_calls,
            slash_commands=read.slash_commands,
            unknown_skills=read.unknown_skills,
        )

    def read(self, ending: Ending = "none", *, to_end: bool = False) -> Iterator[JournalEvent]:
        """Events of the lines that appeared since the last reading, as `SessionTranscript.read` gives them.

        Raises:
            Unreadable: the file, or the rest of it, cannot be read; what stood before has been given.
        """
        if self._shrank():
            self._begin()
        problem: Unreadable | None = None
        try:
            for line in read_lines(self._path, self._position, to_end=to_end):
                record = parse_line(line)
                if isinstance(record, dict):
                    yield from self._record(record)
                else:
                    self._unparseable += bool(line.strip())
        except Unreadable as error:
            problem = error
        for closing in self._tracker.settle(ending):
            yield from self._event(closing)
        if problem is not None:
            raise problem

    def _record(self, record: Record) -> Iterator[JournalEvent]:
        seen = self._records.read(record)
        if self._witness is None:
            yield from self._located()
        for each in seen:
            yield from self._seen(each)

    def _located(self) -> Iterator[JournalEvent]:
        """Whose session it is, once a record has said so."""
        read = self._records
        if read.session_id is None or read.started_at is None:
            return
        if isinstance(read, GeminiRecords):
            read.beside(self._path)
        self._witness = Witness(
            "transcript",
            AUTHORITY_TRANSCRIPT,
            read.session_id,
            read.project,
            self._reading.user_id,
            read.agent,
        )
        yield session_started(self._witness, read.started_at)

    def _seen(self, seen: Seen) -> Iterator[JournalEvent]:
        if self._witness is None:
            return
        if isinstance(seen, OwnCall):
            self._reports.called(seen.tool, seen.call_id, seen.given, seen.at, seen.request_key)
        elif isinstance(seen, OwnAnswer):
            yield from self._reports.answered(seen.call_id, self._witness, failed=seen.failed)
        else:
            for change in self._tracker.observe(seen):
                yield from self._event(change)

    def _event(self, change: Change) -> Iterator[JournalEvent]:
        use = change.use
        if isinstance(change, Closing):
            self._reports.closed(use.key, change.ended_at)
        else:
            self._reports.opened(use.key, use.skill_name, change.at)
        if self._witness is not None:
            yield event_of(change, self._witness, self._reading.descriptions.get(use.skill_name, ""))

    def _shrank(self) -> bool:
        try:
            return self._path.suffix != ".gz" and self._path.stat().st_size < self._position.offset
        except OSError:
            return False


class TranscriptFiles:
    """The transcripts of the sessions that are running now, each read on from its last offset."""

    def __init__(
        self, reading: Reading, folders: Sequence[SessionFolder] = (), sessions_kept: int = 64
    ) -> None:
        """Start with no session.

        folders: where agents keep their sessions, for `find`. sessions_kept: sessions whose position stays
        in memory; one that is dropped is read from its beginning again.
        """
        self._reading = reading
        self._folders = folders
        self._kept = sessions_kept
        self._sessions: dict[str, SessionTranscript | RecordedSession] = {}

    def find(self, session_id: str) -> str | None:
        """Path of a session's transcript; None if there is none in the folders of any agent."""
        if not _FILE_NAME.fullmatch(session_id):
            return None
        found = (path for folder in self._folders for path in folder.files_of(session_id))
        return next((str(path) for path in found), None)

    def begin_again(self, path: str) -> None:
        """Let the next `read` of a transcript start at its beginning."""
        self._sessions.pop(path, None)

    def read(self, session_id: str, path: str, hook: str | None = None) -> Sequence[JournalEvent]:  # noqa: ARG002
        """Events of a session's transcript beyond those of the last call; none if it cannot be read.

        session_id: as the hook gave it; the records say themselves which session they belong to. hook: the
        agent's event that handed the path over; `Stop` and `SessionEnd` say what is over.
        """
        if "\0" in path:
            return []  # whoever wrote that to a journal, no file has such a path
        transcript = self._sessions.pop(path, None) or open_session(Path(path), self._reading)
        events = list(_readable(transcript.read(_ENDINGS.get(hook or "", "none"))))
        if transcript.begun:  # of a file that is empty as yet, nobody knows whose it is
            self._sessions[path] = transcript
        while len(self._sessions) > self._kept:
            self._sessions.pop(next(iter(self._sessions)))
        return events


def _readable(events: Iterable[JournalEvent]) -> Iterator[JournalEvent]:
    try:
        yield from events
    except Unreadable:
        return


def _first_record(path: Path) -> object:
    """The first line that is not empty; None if there is none yet."""
    try:
        for line in read_lines(path, Position(), to_end=False):
            if line.strip():
                return parse_line(line)
    except Unreadable:
        return None
    return None
