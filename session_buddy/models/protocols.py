"""Every protocol between the layers. Services and storages take what they need by constructor."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from session_buddy.models.answers import ActiveAnomaly, Invocation, SessionSummary, TopSkill
from session_buddy.models.events import AnomalyEvent, CatalogueEvent, JournalEvent, SessionEvent, SkillEvent
from session_buddy.models.experiments import ExperimentsStorageProtocol
from session_buddy.models.findings import FindingsStorageProtocol
from session_buddy.models.runs import RunsStorageProtocol
from session_buddy.models.values import (
    Acceptance,
    Batch,
    CatalogueEntry,
    Connections,
    Dimensions,
    FoldResult,
    ForgetRequest,
    Lines,
    MigrationStatus,
    PastUse,
    SkillTotals,
    Window,
)


class SkillsStorageProtocol(Protocol):
    """The store of derived tables. All methods block; none is called on an event loop.

    Reading methods may be called from several threads at once, `fold`, `forget` and `clear` from one.
    Times come in and go out aware, in UTC. Raises `StorageError` with a remedy where it cannot answer.
    """

    @property
    def findings(self) -> FindingsStorageProtocol:
        """The tables of what is learned."""

    @property
    def runs(self) -> RunsStorageProtocol:
        """The tables of CI stages and quality gates."""

    @property
    def experiments(self) -> ExperimentsStorageProtocol:
        """The tables of experiments."""

    def open(self) -> None:
        """Open, and migrate to the newest schema version; `MigrationError` if that cannot be done."""

    def close(self) -> None:
        """Checkpoint and close; harmless when closed."""

    @property
    def remote(self) -> bool:
        """Whether it is on a server, which may be away or silent."""

    def end(self, seconds: float) -> None:
        """The process ends: wait for a server no longer than so many seconds from now on."""

    def fold(self, batch: Batch) -> FoldResult:
        """Apply a batch and its offsets in one transaction; a repeated event changes nothing."""

    def fold_lines(self, lines: Lines) -> FoldResult | None:
        """The same for lines that nobody parsed; None, and nothing changed, if they need a closer look.

        That is so for whatever is no plain skill event, for what a request to forget may cover, and for
        garbage. A store may always answer None: then the lines are parsed and come as a batch.
        """

    def journal_offsets(self) -> Mapping[str, int]:
        """Journal file name -> bytes folded."""

    def drop_journal(self, name: str) -> None:
        """Forget the offset of a journal that has been archived."""

    def totals(self, skill_name: str) -> SkillTotals | None:
        """All-time totals of one skill with its duration buckets; None if it was never used."""

    def all_totals(self) -> Sequence[SkillTotals]:
        """All-time totals of every used skill, by invocation count descending, then name."""

    def window_totals(
        self, window: Window, skill_name: str | None = None, only: Dimensions | None = None
    ) -> Sequence[SkillTotals]:
        """Totals over the invocations that began in a window, with exact p50 and p95; ordered as above."""

    def top_skills(self, window: Window, limit: int, only: Dimensions | None = None) -> Sequence[TopSkill]:
        """Skills by invocations begun in the window."""

    def active_anomalies(self) -> Sequence[ActiveAnomaly]:
        """Anomalies that are not resolved, newest first."""

    def active_sessions(self, since: datetime, only: Dimensions | None = None) -> int:
        """Sessions with activity at or after `since` that have not ended."""

    def invocation(self, invocation_id: UUID) -> Invocation | None:
        """One invocation."""

    def known_event(self, event_id: UUID) -> UUID | None:
        """The invocation of an event that was folded before; None for an unknown id."""

    def events_of(self, invocation_ids: Sequence[UUID]) -> Sequence[SkillEvent]:
        """Every folded event of these invocations, in no order."""

    def superseded_since(self, since: datetime) -> Sequence[UUID]:
        """Invocations that turned out at or after `since` to be no use of their own."""

    def invocation_counts(self) -> Mapping[str, int]:
        """How often each used skill was used in all."""

    def skills_of_agent(self, agent: str) -> Collection[str]:
        """The skills that an agent has used."""

    def session_invocations(self, session_id: str) -> Sequence[Invocation]:
        """Invocations of a session in order of `invoked_at`, then id."""

    def session_summary(self, session_id: str) -> SessionSummary | None:
        """What is known of one session."""

    def first_activity(self, session_id: str) -> datetime | None:
        """When a session was first heard of; None if it never was."""

    def sessions(self, limit: int) -> Sequence[SessionSummary]:
        """The sessions that were active last, newest first."""

    def unfinished_sessions(self, since: datetime, limit: int = 20) -> Sequence[str]:
        """Sessions active at or after `since` whose end, or the end of a use, is not known; latest first."""

    def latest_invocation(self, skill_name: str, session_id: str | None) -> Invocation | None:
        """The newest invocation of a skill, in one session if given."""

    def neighbours(
        self, skill_name: str, limit: int
    ) -> tuple[Sequence[tuple[str, int]], Sequence[tuple[str, int]]]:
        """Skills invoked directly before and directly after this one in a session, with counts."""

    def catalogue(self) -> Sequence[CatalogueEntry]:
        """Installed skills by name."""

    def catalogue_events(self) -> Sequence[CatalogueEvent]:
        """What was last said of each skill in each scope and project, removals included."""

    def invocations(self, window: Window, batch_size: int = 10_000) -> Iterator[Sequence[Invocation]]:
        """All invocations that began in a window, in batches, ordered by `invoked_at`, then id."""

    def past_uses(self, limit: int) -> Sequence[PastUse]:
        """The latest `limit` uses, ordered by `invoked_at`, then id."""

    def acceptance(self) -> Sequence[Acceptance]:
        """What became of suggestions, by strategy."""

    def forget(self, request: ForgetRequest, value: str, at: datetime) -> int:
        """Delete the matching events and what derives from them; returns how many invocations went.

        `value` is the keyed hash that `ForgottenEvent.value` holds; later folds refuse what matches.
        """

    def clear(self) -> None:
        """Empty every derived table and all offsets, so that a rebuild can start."""

    def counts(self) -> Mapping[str, int]:
        """Rows of `skill_event`, `skill_invocation`, `skill_metrics`, and sessions."""

    def migrations(self) -> Sequence[MigrationStatus]:
        """Every schema version, applied or not."""

    def connections(self) -> Connections:
        """How many connections to the database are at work now, and how many may be; asks it nothing."""


class Journal(Protocol):
    """The log that acknowledges."""

    def append(self, events: Sequence[JournalEvent]) -> None:
        """Write the events durably; returns after the disk has them.

        Raises:
            JournalError: nothing of this call is acknowledged.
        """

    def close(self) -> None:
        """Let the file go, so that it can be archived; a later append begins a new one."""


class JournalTail(Protocol):
    """Reads what any process has acknowledged and nobody has folded."""

    @property
    def pending(self) -> int:
        """Lines that were read and are not folded."""

    @property
    def rejected(self) -> int:
        """Lines that were no events and went to the quarantine."""

    def poll(self) -> Sequence[JournalEvent]:
        """Events that appeared since the last call, of all journals; bad lines are quarantined."""

    def own(self) -> Sequence[JournalEvent]:
        """Those of them that this process wrote, without a look at the disk."""

    def quiet(self) -> bool:
        """Whether `poll` would find nothing; False too where that cannot be told without waiting."""

    def behind(self) -> int:
        """Bytes that `poll` has not read yet."""

    @property
    def backlogged(self) -> bool:
        """Whether the last `poll` passed over a journal for `take_lines`, because it is far behind."""

    @property
    def cut_short(self) -> bool:
        """Whether the last `poll` left lines for the next one."""

    @property
    def read_lines(self) -> int:
        """Lines that were polled so far."""

    @property
    def folded_lines(self) -> int:
        """How many of them are committed: the oldest ones."""

    def take_lines(self) -> Lines | None:
        """The next lines of a journal that is far behind; None if none is."""

    def lines_done(self, lines: Lines, *, folded: bool) -> None:
        """The lines are committed; or, if not `folded`, `poll` has to read them with care."""

    def take(self, limit: int) -> Batch:
        """Up to `limit` polled events that are not folded yet, with the offsets behind them."""

    def folded(self, batch: Batch) -> None:
        """The batch is committed."""

    def archive_done(self) -> Sequence[str]:
        """Archive the journals that are folded to their end and that nobody writes; their names."""

    def restart(self, offsets: Mapping[str, int]) -> None:
        """Read every journal again from these offsets."""


class Archive(Protocol):
    """The folded journals."""

    def events(self) -> Iterator[JournalEvent]:
        """Every archived event, oldest journal first."""

    def rewrite(self, keep: Callable[[JournalEvent], bool]) -> int:
        """Remove the events that `keep` does not want from archives and closed journals; how many went."""

    def size_bytes(self) -> int:
        """Bytes of all archives."""

    def quarantined(self) -> int:
        """Files in the quarantine."""

    def begin_rebuild(self) -> None:
        """Remember on the disk that the database is being made anew from the archives."""

    def end_rebuild(self) -> None:
        """It is whole again."""

    def rebuild_was_cut_short(self) -> bool:
        """Whether one was begun and has not ended: the database then holds a part only."""


class TranscriptReader(Protocol):
    """Reads agents' transcripts on from where it stopped."""

    def read(self, session_id: str, path: str, hook: str | None = None) -> Sequence[JournalEvent]:
        """Events that the transcript of a session gives beyond those of the last call.

        hook: the agent's event that handed the path over, if one did; some say that a turn is over.
        """

    def begin_again(self, path: str) -> None:
        """Let the next `read` of a transcript start at its beginning: what it gave was not recorded."""

    def find(self, session_id: str) -> str | None:
        """Path of a session's transcript, where the agent keeps them; None if there is none."""


class LiveSpans(Protocol):
    """Follows the tool calls that hooks hand over while a session runs."""

    def feed(self, session_id: str, calls: object, at: datetime) -> tuple[int, Sequence[JournalEvent]]:
        """(skill calls among them, events they give); `InvalidInput` if `calls` is no batch of calls."""


QueryKeeper = Callable[[str], tuple[str | None, str, int]]
"""Decides what is kept of a prompt: (redacted text or None, keyed hash, length in characters)."""
KeyedHash = Callable[[str], str]
"""Hashes, under this home's key, what must be recognised again but not kept; a hex digest."""
Redactor = Callable[[str], str]
"""The text with every secret replaced by a marker that names its kind, before it reaches a disk."""
Clock = Callable[[], datetime]
"""Now, in UTC."""
CatalogueScanner = Callable[[str | None], Sequence[CatalogueEvent]]
"""Installed skills of the user, of plugins, and of one project's folder if given."""


class RecordWatcher(Protocol):
    """Follows everything that happens to a record. Called under the record's locks, so it must be quick."""

    def noted(self, event: SkillEvent | SessionEvent | AnomalyEvent) -> None:
        """An event was acknowledged."""

    def folded(self, batch: Batch, result: FoldResult, seconds: float) -> None:
        """A batch is in the database; it took so long."""

    def caught_up(self, result: FoldResult, seconds: float) -> None:
        """A part of a backlog is in the database, which nobody noted before; it took so long."""

    def restarted(self) -> None:
        """The database was changed by maintenance: what is known of it must be read again."""
