"""The record as it stands now: what the database holds, plus what is acknowledged and not folded yet.

An answer must include every acknowledged event, and must not wait for a fold. So the totals that the
database gave are kept, with the pending uses added; each event that is noted moves them, and folding it
later changes nothing. That is exact only for uses of which the database knows nothing; if a pending event
speaks of an older use, what is kept is let go and the answer folds first. One lock guards both sides.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from uuid import UUID

from session_buddy.errors import MayNotWrite, SessionBuddyError
from session_buddy.live.totals import add_use
from session_buddy.models.answers import FoldSummary
from session_buddy.models.events import AnomalyEvent, JournalEvent, SessionEvent, SkillEvent, TranscriptReady
from session_buddy.models.protocols import Clock, JournalTail, RecordWatcher, SkillsStorageProtocol
from session_buddy.models.runs import GateEvent, StageEvent
from session_buddy.models.values import Batch, SkillTotals
from session_buddy.services.availability import Availability

EventListener = Callable[[SkillEvent], None]
RunListener = Callable[[StageEvent | GateEvent], None]
FOLD_EVENTS = 10_000
"""Events in one transaction. Planning its statements costs as much as some thousand events, so more is
faster; but each is an object in memory, and a reader waits for at most one batch."""
PENDING_EVENTS = FOLD_EVENTS
"""Above this nothing more is read before a fold: an import of a million events must not fill the memory."""
CATCH_UP_SECONDS = 2.0
"""How long an answer waits for a backlog (an import of a million events) before it is given without."""


class Record:
    """Storage and journals, read as one. Thread-safe."""

    def __init__(self, storage: SkillsStorageProtocol, tail: JournalTail, clock: Clock) -> None:
        """storage must be open."""
        self.storage = storage
        self.tail = tail
        self._clock = clock
        self._state = threading.RLock()
        self._fold_lock = threading.RLock()
        self._maintained = False
        self._current: dict[str, SkillTotals | None] = {}
        self._pending: dict[UUID, list[SkillEvent]] = {}
        self._pending_of_skill: dict[str, set[UUID]] = defaultdict(set)
        self._fresh: set[UUID] = set()
        self._older: set[UUID] = set()
        self._event_ids: dict[UUID, UUID] = {}
        self._listeners: list[EventListener] = []
        self._run_listeners: list[RunListener] = []
        self._watchers: list[RecordWatcher] = []
        self._announced = 0
        self._prepare: Callable[[Sequence[JournalEvent]], None] = lambda _events: None
        self.database = Availability()
        self.last_fold = FoldSummary(finished_at=None, event_count=0, seconds=0.0, events_per_second=None)

    def listen(self, listener: EventListener) -> None:
        """Tell `listener` of every skill event as soon as it is acknowledged."""
        self._listeners.append(listener)

    def listen_to_runs(self, listener: RunListener) -> None:
        """Tell `listener` of every run of a stage or gate as soon as it is acknowledged."""
        self._run_listeners.append(listener)

    def watch(self, watcher: RecordWatcher) -> None:
        """Tell `watcher` of all that is pending, and of all that happens from now on."""
        with self._state:
            self._watchers.append(watcher)
            for events in self._pending.values():
                for event in events:
                    watcher.noted(event)

    def expect(self, invocation_id: UUID) -> None:
        """Say that an invocation is new: no event of it can be in the database or in older journals."""
        with self._state:
            self._fresh.add(invocation_id)

    def refresh(self) -> bool:
        """Take note of what any process has acknowledged since the last call; False if there is more."""
        with self._state:
            if self.tail.pending > PENDING_EVENTS:
                return False
            for event in self.tail.poll():
                self._tell(event)
            return not self.tail.cut_short

    def refresh_own(self) -> None:
        """Take note of what this process has acknowledged, without a look at the disk."""
        with self._state:
            for event in self.tail.own():
                self._tell(event)

    def _tell(self, event: JournalEvent) -> None:
        if isinstance(event, SkillEvent):
            self._note(event)
        if isinstance(event, SkillEvent | SessionEvent | AnomalyEvent):
            for watcher in self._watchers:
                watcher.noted(event)
        elif isinstance(event, StageEvent | GateEvent):
            for listener in self._run_listeners:
                listener(event)

    def known_event(self, event_id: UUID) -> UUID | None:
        """The invocation that an acknowledged event speaks of; None if there is no such event."""
        self.refresh()
        return self._event_ids.get(event_id) or self.storage.known_event(event_id)

    def totals(self, skill_name: str) -> SkillTotals | None:
        """All-time totals of a skill, every acknowledged event included."""
        self.refresh()
        with self._state:
            if self._is_exact() and skill_name in self._current:
                return self._current[skill_name]
        return self._totals_after_load(skill_name)

    def totals_at_hand(self, skill_name: str) -> SkillTotals | None:
        """The same if that waits for no lock, no database and no line to read; else None."""
        found = None
        if self._state.acquire(blocking=False):
            if self._is_exact() and self.tail.quiet():
                found = self._current.get(skill_name)
            self._state.release()
        return found

    def catch_up(self) -> bool:
        """Fold all that is acknowledged, so that SQL sees it; False if a backlog outlasts two seconds."""
        deadline = time.monotonic() + CATCH_UP_SECONDS
        with suppress(MayNotWrite):  # who may read is answered, without what waits here
            return self.fold_acknowledged(lambda: time.monotonic() > deadline)
        return False

    def fold_acknowledged(self, out_of_time: Callable[[], bool]) -> bool:
        """Fold what is acknowledged by now and what transcripts give; False if there was no time for it all.

        What comes meanwhile is left for later: who records without a pause would keep this going for ever,
        and a batch of few events costs almost as much as one of many.
        """
        goal = self._goal()
        while goal is None or self.tail.folded_lines < goal:
            if out_of_time():
                return False
            announced = self._announced
            self.fold()
            if goal is None or announced != self._announced:
                goal = self._goal()
        return True

    def _goal(self) -> int | None:
        """Up to which line to fold; None while that is not known, because there is more to read first."""
        return self.tail.read_lines if self.refresh() and not self.tail.backlogged else None

    def pending_of(self, session_id: str) -> list[SkillEvent]:
        """What is acknowledged of a session, and not folded yet."""
        with self._state:
            return [one for known in self._pending.values() for one in known if one.session_id == session_id]

    def catch_up_for_writing(self) -> None:
        """The same for who records; waits no longer where the database is made anew or does not answer."""
        if self._maintained or not self._fold_lock.acquire(timeout=CATCH_UP_SECONDS):
            self.refresh()
            return
        try:
            self.catch_up()
        finally:
            self._fold_lock.release()

    def prepare_folds(self, prepare: Callable[[Sequence[JournalEvent]], None]) -> None:
        """Call `prepare` with the events of a batch before it is folded.

        What it does because of them happens at least once, whenever this process may be killed, since
        their offset is not committed yet.
        """
        self._prepare = prepare

    def fold(self) -> int:
        """Fold one batch of what is pending, or else of a backlog; returns how many events that were."""
        with self._fold_lock:
            batch = self.tail.take(FOLD_EVENTS)
            if not batch.offsets:
                return self._fold_backlog()
            self._announced += any(isinstance(event, TranscriptReady) for event in batch.events)
            self._prepare(batch.events)
            started = time.monotonic()
            with self._noting_failure():
                result = self.storage.fold(batch)
            with self._state:
                self.tail.folded(batch)
                self._forget_pending(batch)
                if result.forgotten_events:
                    self._current.clear()
            seconds = time.monotonic() - started
            self._measure(len(batch.events), seconds)
            for watcher in self._watchers:
                watcher.folded(batch, result, seconds)
            return len(batch.events)

    def _fold_backlog(self) -> int:
        """Fold the next lines of a journal that is far behind; what is not plain is read as others are."""
        lines = self.tail.take_lines()
        if lines is None:
            return 0
        started = time.monotonic()
        with self._noting_failure():
            result = self.storage.fold_lines(lines)
        with self._state:
            self.tail.lines_done(lines, folded=result is not None)
            self._current.clear()
        if result is None:
            return 0
        seconds = time.monotonic() - started
        self._measure(result.new_events, seconds)
        for watcher in self._watchers:
            watcher.caught_up(result, seconds)
        return result.new_events

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        """Keep whether the database took what it was given, for who watches."""
        try:
            yield
        except SessionBuddyError as error:
            self.database.failed(error)
            raise
        self.database.answered()

    def archive_done(self) -> None:
        """Move the journals that are done into the archive."""
        with self._fold_lock:
            for name in self.tail.archive_done():
                self.storage.drop_journal(name)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Hold the lock under which nothing is folded, for maintenance that rewrites what folds read."""
        with self._fold_lock:
            self._maintained = True
            try:
                yield
            finally:
                self._maintained = False

    def restart(self) -> None:
        """Begin anew from the database's offsets, after maintenance; call it under `exclusively`."""
        with self._state:
            self.tail.restart(self.storage.journal_offsets())
            self._current.clear()
            self._older.clear()
            self._pending.clear()
            self._pending_of_skill.clear()
            self._event_ids.clear()
            self._fresh.clear()
        for watcher in self._watchers:
            watcher.restarted()

    def _totals_after_load(self, skill_name: str) -> SkillTotals | None:
        with self._fold_lock:
            if not self._is_exact():
                self.catch_up()
            loaded = self.storage.totals(skill_name)
            with self._state:
                current = self._with_pending(skill_name, loaded)
                if self._is_exact():
                    self._current[skill_name] = current
                return current

    def _is_exact(self) -> bool:
        """Whether every pending use is new to the database; an older one may change even its skill's name."""
        return not self._older and not self.tail.backlogged and self.tail.pending <= PENDING_EVENTS

    def _with_pending(self, skill_name: str, totals: SkillTotals | None) -> SkillTotals | None:
        for invocation_id in self._pending_of_skill.get(skill_name, ()):
            totals = add_use(skill_name, totals, self._pending[invocation_id])
        return totals

    def _note(self, event: SkillEvent) -> None:
        use = event.invocation_id
        known = self._pending.setdefault(use, [])
        known.append(event)
        self._pending_of_skill[event.skill_name].add(use)
        self._event_ids[event.id] = use
        self._keep_current(event, known)
        for listener in self._listeners:
            listener(event)

    def _keep_current(self, event: SkillEvent, known: list[SkillEvent]) -> None:
        """Move the totals that are kept by an event that was noted; let them go where that is not simple."""
        if event.invocation_id not in self._fresh:
            self._older.add(event.invocation_id)
            self._current.clear()
        elif len(known) > 1:
            for other in known:
                self._current.pop(other.skill_name, None)
        elif event.skill_name in self._current:
            totals = self._current[event.skill_name]
            self._current[event.skill_name] = add_use(event.skill_name, totals, known)

    def _forget_pending(self, batch: Batch) -> None:
        """Take a folded batch out of what is pending; the totals that are kept do not change by it."""
        for event in batch.events:
            if not isinstance(event, SkillEvent):
                continue
            use = event.invocation_id
            self._event_ids.pop(event.id, None)
            left = [other for other in self._pending.get(use, ()) if other.id != event.id]
            if all(other.skill_name != event.skill_name for other in left):
                self._pending_of_skill[event.skill_name].discard(use)
            self._fresh.discard(use)
            if left:
                self._pending[use] = left
                self._older.add(use)
            else:
                self._pending.pop(use, None)
                self._older.discard(use)

    def _measure(self, events: int, seconds: float) -> None:
        self.last_fold = FoldSummary.of(self._clock(), events, seconds)
