"""Keeping the record: its state, export, forgetting, rebuilding."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from session_buddy.errors import InvalidInput, StorageError
from session_buddy.models.answers import AgentWindow, Invocation, Status
from session_buddy.models.events import (
    AnomalyEvent,
    CatalogueEvent,
    CategorisedEvent,
    ExperimentCreated,
    ExperimentEnded,
    ForgottenEvent,
    GateEvent,
    JournalEvent,
    OutcomeTold,
    SessionEvent,
    SkillEvent,
    StageEvent,
    StrategyEvent,
    SuggestedEvent,
    TranscriptReady,
)
from session_buddy.models.ids import time_ordered_id
from session_buddy.models.protocols import Archive, Clock, Journal, KeyedHash
from session_buddy.models.values import Batch, ForgetRequest, MigrationStatus, Window
from session_buddy.services.folding import Folder
from session_buddy.services.record import Record

REBUILD_EVENTS = 5_000
Progress = Callable[[Mapping[str, int]], None]


class Keeper:
    """Maintenance of one home, by the process that leads it. Thread-safe."""

    def __init__(
        self,
        record: Record,
        folder: Folder,
        journal: Journal,
        archive: Archive,
        keyed_hash: KeyedHash,
        clock: Clock,
        identity: "Identity",
        forget_more: Callable[[ForgetRequest], None] = lambda _: None,
    ) -> None:
        """record must be over an open storage; identity tells who leads.

        forget_more: forgets what lies beside journals and database.
        """
        self._forget_more = forget_more
        self._record = record
        self._folder = folder
        self._journal = journal
        self._archive = archive
        self._hash = keyed_hash
        self._clock = clock
        self._identity = identity
        self._windows: Callable[[], Sequence[AgentWindow]] = tuple
        self._feed_notices: Callable[[], Sequence[str]] = tuple

    def watch_windows(self, connected: Callable[[], Sequence[AgentWindow]]) -> None:
        """Say where `status` learns which agent windows are connected."""
        self._windows = connected

    def watch_feed(self, notices: Callable[[], Sequence[str]]) -> None:
        """Say where `status` learns what is to be said of the live feed."""
        self._feed_notices = notices

    def status(self) -> Status:
        """The state of the leader and its data."""
        self._record.refresh()
        version, counts, unanswered = self._asked()
        windows = self._windows()
        return Status(
            version=self._identity.version,
            pid=self._identity.pid,
            home=self._identity.home,
            leading_since=self._identity.since,
            relays_connected=len(windows),
            windows=list(windows),
            pending_events=self._record.tail.pending,
            unread_bytes=self._record.tail.behind(),
            rejected_lines=self._record.tail.rejected,
            quarantined_lines=self._archive.quarantined(),
            last_fold=self._record.last_fold,
            schema_version=version,
            unanswered=unanswered,
            counts=counts,
            archive_bytes=self._archive.size_bytes(),
            notices=[*self._identity.notices, *self._problems(unanswered), *self._feed_notices()],
        )

    def _problems(self, unanswered: str | None) -> Sequence[str]:
        """Why the database does not answer, or does not take what it is given."""
        record = self._record
        if unanswered is None and record.storage.remote and record.last_fold.finished_at is None:
            with suppress(StorageError):  # a command that leads for itself asks before anything was folded
                record.catch_up()
        found = unanswered or record.database.problem
        return [found] if found else []

    def _asked(self) -> tuple[int | None, dict[str, int], str | None]:
        """(schema version, rows, why there are none): a team's server may be away, and the leader is not."""
        storage = self._record.storage
        try:
            return _version(storage.migrations()), dict(storage.counts()), None
        except StorageError as error:
            return None, {}, str(error)

    def migrations(self) -> Sequence[MigrationStatus]:
        """Every schema version, applied or not."""
        return self._record.storage.migrations()

    def fold_now(self, seconds: float = math.inf) -> bool:
        """Fold what is acknowledged, for so long at most, and archive what is done; whether all is folded."""
        done = self._folder.fold_all(seconds)
        self._record.archive_done()
        return done

    def export(self, window: Window) -> Iterator[Sequence[Invocation]]:
        """All invocations that began in a window, in batches, oldest first."""
        self._folder.fold_all()
        return self._record.storage.invocations(window)

    def forget(self, request: ForgetRequest) -> int:
        """Remove what matches from the database, the journals and the archives; how many invocations went.

        What is read or imported again later stays forgotten, except for uses of a skill or a session
        that happen after this call.

        Raises:
            InvalidInput: not exactly one of session, skill and time is given.
        """
        given = [request.session_id, request.skill_name, request.before]
        if sum(value is not None for value in given) != 1:
            raise InvalidInput("Give exactly one of a session, a skill and a time before which to forget.")
        now = self._clock()
        value = self._hash(request.session_id or request.skill_name or "") if request.before is None else ""
        with self._record.exclusively():
            self._folder.fold_all()
            uses = self._uses_before(request.before)
            self._journal.append([_forgotten(request, value, now)])
            forgotten = self._record.storage.forget(request, value, now)
            self._folder.fold_all()
            self._journal.close()
            self._record.archive_done()
            self._archive.rewrite(lambda event: not matches(event, request, now, uses))
            self._forget_more(request)
            self._restart_after_rewrite()
        return forgotten

    def _uses_before(self, before: datetime | None) -> frozenset[UUID]:
        """The uses that began before an instant: all that is said of them goes, later ratings too."""
        if before is None:
            return frozenset()
        batches = self._record.storage.invocations(Window(until=before))
        return frozenset(use.invocation_id for batch in batches for use in batch)

    def rebuild(self, progress: Progress) -> Mapping[str, int]:
        """Make the database again from the archives and the journals.

        progress: called after each batch with the events read so far. Returns the rows of each table.
        """
        with self._record.exclusively():
            self._folder.fold_all()
            self._journal.close()
            self._record.archive_done()
            self._archive.begin_rebuild()
            self._record.storage.clear()
            read = 0
            batch: list[JournalEvent] = []
            for event in self._archive.events():
                if isinstance(event, TranscriptReady):
                    continue  # what was read at that signal was journaled too
                batch.append(event)
                if len(batch) == REBUILD_EVENTS:
                    read += self._fold(batch)
                    progress({"events": read})
            read += self._fold(batch)
            progress({"events": read})
            self._record.restart()
            self._folder.fold_all()
            self._archive.end_rebuild()
        return self._record.storage.counts()

    def _fold(self, events: list[JournalEvent]) -> int:
        count = len(events)
        if events:
            self._record.storage.fold(Batch(tuple(events)))
        events.clear()
        return count

    def _restart_after_rewrite(self) -> None:
        """A journal that was rewritten is read anew: its offset was one in the old text."""
        storage = self._record.storage
        for name in storage.journal_offsets():
            storage.drop_journal(name)
        self._record.restart()
        self._folder.fold_all()


def _version(migrations: Sequence[MigrationStatus]) -> int:
    return max((known.version for known in migrations if known.applied_at), default=0)


class Identity:
    """Who leads: fixed at the start of a leader."""

    def __init__(
        self, version: str, pid: int, home: str, since: datetime, notices: Sequence[str] = ()
    ) -> None:
        """since: when this process began to lead. notices: what a person should know, with its remedy."""
        self.version = version
        self.pid = pid
        self.home = home
        self.since = since
        self.notices = tuple(notices)


def matches(
    event: JournalEvent, request: ForgetRequest, at: datetime, uses: frozenset[UUID] = frozenset()
) -> bool:
    """Whether a request made at `at` covers an event. uses: those that a request by time covers."""
    if isinstance(event, ForgottenEvent | ExperimentCreated | ExperimentEnded | StrategyEvent):
        return False  # what is asked for and set up here tells of no use
    if request.before is not None:
        return event.began < request.before or (isinstance(event, SkillEvent) and event.invocation_id in uses)
    if event.occurred_at >= at:
        return False
    if request.session_id is not None:
        observed = SkillEvent | SessionEvent | TranscriptReady
        of_session = observed | SuggestedEvent | OutcomeTold | StageEvent | GateEvent
        return isinstance(event, of_session) and event.session_id == request.session_id
    if isinstance(event, SuggestedEvent):
        return any(skill.skill_name == request.skill_name for skill in event.skills)
    named = SkillEvent | CatalogueEvent | AnomalyEvent | CategorisedEvent | OutcomeTold
    return isinstance(event, named) and event.skill_name == request.skill_name


def _forgotten(request: ForgetRequest, value: str, at: datetime) -> ForgottenEvent:
    if request.before is not None:
        return ForgottenEvent(
            id=time_ordered_id(),
            occurred_at=at,
            kind="forgotten",
            scope="before",
            value="",
            before=request.before,
        )
    scope = "session" if request.session_id is not None else "skill"
    return ForgottenEvent(
        id=time_ordered_id(),
        occurred_at=at,
        kind="forgotten",
        scope="session" if scope == "session" else "skill",
        value=value,
        before=at,
    )
