"""Import of transcripts and exported invocations: everything goes through the journal, in large batches.

Ids are made from what was read, so importing twice, importing copies and going on after an interruption
all end in the same record.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from session_buddy.ingest.exported import ExportedLines
from session_buddy.ingest.import_state import ImportState, Progress, look_at
from session_buddy.ingest.jsonl import Position, Unreadable, read_lines
from session_buddy.ingest.recorded_sessions import RecordedSession, open_session
from session_buddy.ingest.sources import Skipped, Source, find_sources
from session_buddy.ingest.transcripts import Reading, SessionTranscript
from session_buddy.models.events import JournalEvent, SkillEvent, to_line
from session_buddy.models.protocols import Clock, Redactor

BATCH_EVENTS: Final = 5_000
BATCH_CHARACTERS: Final = 8 * 1024 * 1024

AppendLines = Callable[[Sequence[str]], None]
"""Writes journal lines durably (`JournalFile.append_lines`)."""


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """Where an import is: bytes as they lie on the disk; events acknowledged by this run.

    looked_at: names in the folder that is being searched, while nothing else is known yet.
    """

    path: str
    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    events: int
    looked_at: int = 0


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import found and wrote.

    files: read now; unchanged: imported before, as they are. lines, records, unparseable: of the files read.
    skill_calls, slash_commands, unknown_skills: distinct uses in transcripts, repeats in other files counted
    once. invocations: in exports. runs: of CI stages and gates, in journals of `ci`. events: written to the
    journal. skipped: what was not imported, and why.
    """

    files: int = 0
    unchanged: int = 0
    lines: int = 0
    records: int = 0
    unparseable: int = 0
    skill_calls: int = 0
    slash_commands: int = 0
    unknown_skills: int = 0
    invocations: int = 0
    runs: int = 0
    events: int = 0
    skipped: tuple[Skipped, ...] = ()


class _Batches:
    """Collects journal lines, and what may be noted as imported once they are on the disk."""

    def __init__(self, append_lines: AppendLines, state: ImportState) -> None:
        self._append_lines = append_lines
        self._state = state
        self._lines: list[str] = []
        self._characters = 0
        self._progress: dict[Path, Progress] = {}
        self.written = 0

    def add(self, lines: Sequence[str]) -> None:
        self._lines.extend(lines)
        self._characters += sum(map(len, lines))

    def note(self, path: Path, progress: Progress) -> None:
        """`progress` holds once all that was added so far is written."""
        self._progress[path] = progress
        if len(self._lines) >= BATCH_EVENTS or self._characters >= BATCH_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        if self._lines:
            self._append_lines(self._lines)
            self.written += len(self._lines)
        if self._progress:
            self._state.save(self._progress)
        self._lines, self._characters, self._progress = [], 0, {}


@dataclass(slots=True)
class _Found:
    """Distinct uses over all transcripts of a run."""

    events: set[UUID] = field(default_factory=set)
    called: set[UUID] = field(default_factory=set)
    typed: set[UUID] = field(default_factory=set)
    unknown: set[UUID] = field(default_factory=set)

    def take(self, event: JournalEvent) -> bool:
        """Count an event's use; False if the event came before in this run, from a copy."""
        if event.id in self.events:
            return False
        self.events.add(event.id)
        if isinstance(event, SkillEvent):
            uses = self.called if event.origin == "agent" else self.typed
            uses.add(event.invocation_id)
            if event.error_type == "unknown_skill":
                self.unknown.add(event.invocation_id)
        return True


class Importer:
    """Imports paths into the journal. One run at a time."""

    def __init__(
        self,
        append_lines: AppendLines,
        state: Path,
        reading: Reading,
        redact: Redactor,
        clock: Clock,
    ) -> None:
        """Take what an import needs.

        append_lines: acknowledges events. state: file that says how far imports got. reading: how
        transcripts are read. redact: for the texts of exports.
        """
        self._append_lines = append_lines
        self._state_path = state
        self._reading = reading
        self._redact = redact
        self._clock = clock

    def run(
        self,
        paths: Sequence[str | Path],
        progress: Callable[[ImportProgress], None] = lambda _: None,
        *,
        again: bool = False,
    ) -> ImportSummary:
        """Import files and directories.

        progress: called per file and per batch. again: read files that were imported before as well.
        An interruption (`KeyboardInterrupt`) leaves a state from which the next run goes on.

        Raises:
            JournalError: the disk did not take a batch; what was acknowledged before stays.
        """
        return _Run(self, paths, progress, again=again).run()

    def started(self) -> tuple[ImportState, _Batches]:
        """What one run keeps."""
        state = ImportState(self._state_path)
        return state, _Batches(self._append_lines, state)

    def transcript(self, source: Source) -> SessionTranscript | RecordedSession:
        """A reader of one session."""
        return open_session(source.path, self._reading)

    def exported(self, source: Source) -> ExportedLines:
        """A reader of one exported file."""
        written_at = datetime.fromtimestamp(source.path.stat().st_mtime, UTC)
        return ExportedLines(self._redact, written_at, self._clock())


class _Run:
    def __init__(
        self,
        importer: Importer,
        paths: Sequence[str | Path],
        progress: Callable[[ImportProgress], None],
        *,
        again: bool,
    ) -> None:
        self._importer = importer
        self._paths = [Path(path) for path in paths]
        self._tell = progress
        self._again = again
        self._state, self._batches = importer.started()
        self._found = _Found()
        self._skipped: list[Skipped] = []
        self._summary = ImportSummary()
        self._where = ImportProgress("", 0, 0, 0, 0, 0)

    def run(self) -> ImportSummary:
        sources: list[Source] = []
        for found in find_sources(self._paths, self._looking):
            if isinstance(found, Skipped):
                self._skipped.append(found)
            else:
                sources.append(found)
        total = sum(source.size for source in sources)
        self._where = ImportProgress("", 0, len(sources), 0, total, 0)
        for source in sources:
            self._where = replace(self._where, path=str(source.path))
            self._tell(self._where)
            self._import(source)
            done = self._where
            self._where = replace(
                done, files_done=done.files_done + 1, bytes_done=done.bytes_done + source.size
            )
        self._batches.flush()
        self._tell(replace(self._where, events=self._batches.written))
        return replace(
            self._summary,
            skill_calls=len(self._found.called),
            slash_commands=len(self._found.typed),
            unknown_skills=len(self._found.unknown),
            events=self._batches.written,
            skipped=tuple(self._skipped),
        )

    def _looking(self, names: int) -> None:
        self._tell(replace(self._where, looked_at=names))

    def _import(self, source: Source) -> None:
        try:
            now = look_at(source)
            before = None if self._again else self._state.before(source, now)
            if before is not None and before.done and before.identity == now.identity:
                self._summary = replace(self._summary, unchanged=self._summary.unchanged + 1)
                return
            self._summary = replace(self._summary, files=self._summary.files + 1)
            if source.kind == "transcript":
                self._transcript(source, now, before)
            else:
                self._export(source, now, before)
        except Unreadable as error:
            self._skipped.append(Skipped(str(source.path), f"{error}; what stood before that was imported"))
        except OSError as error:
            self._skipped.append(Skipped(str(source.path), f"it cannot be read: {error.strerror or error}"))

    def _transcript(self, source: Source, now: Progress, before: Progress | None) -> None:
        """Events come in the same order each time, so those that were acknowledged before are left out."""
        acknowledged = before.events if before else 0
        transcript = self._importer.transcript(source)
        count = 0
        try:
            for event in transcript.read("session", to_end=True):
                count += 1
                if self._found.take(event) and count > acknowledged:
                    self._batches.add([to_line(event)])
                    if count % 500 == 0:
                        self._note(source, replace(now, events=count), 0)
            self._note(source, replace(now, events=count, done=True), 0)
        except Unreadable:
            self._note(source, replace(now, events=count), 0)
            raise
        finally:
            counts, summary = transcript.counts, self._summary
            self._summary = replace(
                summary,
                lines=summary.lines + counts.lines,
                records=summary.records + counts.records,
                unparseable=summary.unparseable + counts.unparseable,
            )

    def _export(self, source: Source, now: Progress, before: Progress | None) -> None:
        exported = self._importer.exported(source)
        position = Position(before.offset, before.lines) if before else Position()
        if position.offset:
            exported.begins(next(iter(_first_line(source.path)), b""))
        started, lines = position.offset, position.lines
        try:
            for number, line in enumerate(read_lines(source.path, position, to_end=True), lines + 1):
                self._batches.add(exported.convert(line, number))
                if number % 1_000 == 0:
                    here = replace(now, offset=position.offset, lines=position.lines)
                    self._note(source, here, position.offset - started)
            self._note(source, replace(now, offset=position.offset, lines=position.lines, done=True), 0)
        finally:
            summary = self._summary
            self._summary = replace(
                summary,
                lines=summary.lines + position.lines - lines,
                unparseable=summary.unparseable + exported.invalid + position.oversized,
                invocations=summary.invocations + exported.invocations,
                runs=summary.runs + exported.runs,
            )
        if exported.problem is not None:
            count = exported.invalid
            reason = f"{count} of its lines cannot be used, the first is {exported.problem}"
            self._skipped.append(Skipped(str(source.path), reason))

    def _note(self, source: Source, progress: Progress, read_bytes: int) -> None:
        written = self._batches.written
        self._batches.note(source.path, progress)
        if self._batches.written != written:
            done = self._where.bytes_done + min(read_bytes, source.size)
            self._tell(replace(self._where, bytes_done=done, events=self._batches.written))


def _first_line(path: Path) -> Iterator[bytes]:
    lines: Iterable[bytes] = read_lines(path, Position(), to_end=True)
    for line in lines:
        yield line
        return
