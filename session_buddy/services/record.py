"""The record as it stands now: what the database holds, plus what is acknowledged and not folded yet.

An answer must include every acknowledged event, and must not wait for a fold. So the totals that the
database gave are kept, and the pending events of a skill are merged on top of them. That is exact only
for uses of which the database knows nothing; if a pending event speaks of an older use, the answer folds
first. Folding swaps both sides at once, under one lock, so that nothing is counted twice or missed.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from session_buddy.live.merge import merge
from session_buddy.live.totals import add_invocation
from session_buddy.models.answers import FoldSummary
from session_buddy.models.events import AnomalyEvent, JournalEvent, SessionEvent, SkillEvent
from session_buddy.models.protocols import Clock, JournalTail, SkillsStorageProtocol
from session_buddy.models.values import Batch, FoldResult, SkillTotals

EventListener = Callable[[SkillEvent], None]
FOLD_EVENTS = 20_000
"""Events in one transaction: the rate hardly rises above it, and a reader waits for at most one."""
CATCH_UP_SECONDS = 2.0
"""How long an answer waits for a backlog (an import of a million events) before it is given without."""


class RecordWatcher(Protocol):
    """Follows everything that happens to a record. Called under the record's locks, so it must be quick."""

    def noted(self, event: SkillEvent | SessionEvent | AnomalyEvent) -> None:
        """An event was acknowledged."""

    def folded(self, batch: Batch, result: FoldResult, seconds: float) -> None:
        """A batch is in the database; it took so long."""

    def restarted(self) -> None:
        """The database was changed by maintenance: what is known of it must be read again."""


class Record:
    """Storage and journals, read as one. Thread-safe."""

    def __init__(self, storage: SkillsStorageProtocol, tail: JournalTail, clock: Clock) -> None:
        """storage must be open."""
        self.storage = storage
        self.tail = tail
        self._clock = clock
        self._state = threading.RLock()
        self._fold_lock = threading.RLock()
        self._cached: dict[str, SkillTotals | None] = {}
        self._pending: dict[UUID, list[SkillEvent]] = {}
        self._pending_of_skill: dict[str, set[UUID]] = defaultdict(set)
        self._fresh: set[UUID] = set()
        self._event_ids: dict[UUID, UUID] = {}
        self._listeners: list[EventListener] = []
        self._watchers: list[RecordWatcher] = []
        self._prepare: Callable[[Sequence[JournalEvent]], None] = lambda _events: None
        self.last_fold = FoldSummary(finished_at=None, event_count=0, seconds=0.0, events_per_second=None)

    def listen(self, listener: EventListener) -> None:
        """Tell `listener` of every skill event as soon as it is acknowledged."""
        self._listeners.append(listener)

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

    def refresh(self) -> None:
        """Take note of what any process has acknowledged since the last call."""
        with self._state:
            for event in self.tail.poll():
                if isinstance(event, SkillEvent):
                    self._note(event)
                if isinstance(event, SkillEvent | SessionEvent | AnomalyEvent):
                    for watcher in self._watchers:
                        watcher.noted(event)

    def known_event(self, event_id: UUID) -> UUID | None:
        """The invocation that an acknowledged event speaks of; None if there is no such event."""
        self.refresh()
        with self._state:
            pending = self._event_ids.get(event_id)
        return pending if pending is not None else self.storage.known_event(event_id)

    def totals(self, skill_name: str) -> SkillTotals | None:
        """All-time totals of a skill, every acknowledged event included."""
        self.refresh()
        with self._state:
            if self._is_exact() and skill_name in self._cached:
                return self._overlaid(skill_name)
        return self._totals_after_load(skill_name)

    def catch_up(self) -> bool:
        """Fold all that is acknowledged, so that SQL sees it; False if a backlog outlasts two seconds."""
        deadline = time.monotonic() + CATCH_UP_SECONDS
        self.refresh()
        while self.tail.pending:
            self.fold()
            if time.monotonic() > deadline:
                return False
            self.refresh()
        return True

    def prepare_folds(self, prepare: Callable[[Sequence[JournalEvent]], None]) -> None:
        """Call `prepare` with the events of a batch before it is folded.

        What it does because of them happens at least once, whenever this process may be killed, since
        their offset is not committed yet.
        """
        self._prepare = prepare

    def fold(self) -> int:
        """Fold one batch of what is pending; returns how many events that were."""
        with self._fold_lock:
            batch = self.tail.take(FOLD_EVENTS)
            if not batch.offsets:
                return 0
            self._prepare(batch.events)
            started = time.monotonic()
            result = self.storage.fold(batch)
            with self._state:
                self.tail.folded(batch)
                self._forget_pending(batch)
                for skill_name in result.touched_skills:
                    self._cached.pop(skill_name, None)
            seconds = time.monotonic() - started
            self._measure(len(batch.events), seconds)
            for watcher in self._watchers:
                watcher.folded(batch, result, seconds)
            return len(batch.events)

    def archive_done(self) -> None:
        """Move the journals that are done into the archive."""
        with self._fold_lock:
            for name in self.tail.archive_done():
                self.storage.drop_journal(name)

    def exclusively(self) -> threading.RLock:
        """The lock under which nothing is folded, for maintenance that rewrites what folds read."""
        return self._fold_lock

    def restart(self) -> None:
        """Begin anew from the database's offsets, after maintenance; call it under `exclusively`."""
        with self._state:
            self.tail.restart(self.storage.journal_offsets())
            self._cached.clear()
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
                self._cached[skill_name] = loaded
                return self._overlaid(skill_name)

    def _is_exact(self) -> bool:
        """Whether every pending use is new to the database; an older one may change even its skill's name."""
        return self._pending.keys() <= self._fresh

    def _overlaid(self, skill_name: str) -> SkillTotals | None:
        totals = self._cached[skill_name]
        for invocation_id in self._pending_of_skill.get(skill_name, ()):
            invocation = merge(self._pending[invocation_id])
            if invocation is not None and invocation.skill_name == skill_name:
                totals = add_invocation(totals or SkillTotals(skill_name), invocation)
        return totals

    def _note(self, event: SkillEvent) -> None:
        self._pending.setdefault(event.invocation_id, []).append(event)
        self._pending_of_skill[event.skill_name].add(event.invocation_id)
        self._event_ids[event.id] = event.invocation_id
        for listener in self._listeners:
            listener(event)

    def _forget_pending(self, batch: Batch) -> None:
        for event in batch.events:
            if not isinstance(event, SkillEvent):
                continue
            self._event_ids.pop(event.id, None)
            left = [other for other in self._pending.get(event.invocation_id, ()) if other.id != event.id]
            if left:
                self._pending[event.invocation_id] = left
            else:
                self._pending.pop(event.invocation_id, None)
            if all(other.skill_name != event.skill_name for other in left):
                self._pending_of_skill[event.skill_name].discard(event.invocation_id)
            self._fresh.discard(event.invocation_id)

    def _measure(self, events: int, seconds: float) -> None:
        rate = events / seconds if seconds > 0 else None
        self.last_fold = FoldSummary(
            finished_at=self._clock(), event_count=events, seconds=seconds, events_per_second=rate
        )
