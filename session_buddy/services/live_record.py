"""The live state kept current: loaded from the database, then moved by every acknowledged event.

Events arrive from whoever acknowledged them and are queued; a thread of its own merges them, so neither a
recording call nor the feed ever waits for it. The database is asked in two cases only: at the start, and
about a use of which an event came but whose earlier events are not in memory any more.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from session_buddy.errors import SessionBuddyError
from session_buddy.live.counters import Histogram
from session_buddy.live.frames import MetricsData
from session_buddy.live.moments import microseconds
from session_buddy.live.selections import EVERYTHING, Selection, Subscribed
from session_buddy.live.state import LiveSnapshot, LiveState
from session_buddy.models.answers import Invocation
from session_buddy.models.events import AnomalyEvent, SessionEvent, SkillEvent
from session_buddy.models.protocols import Clock, SkillsStorageProtocol
from session_buddy.models.values import Batch, FoldResult, Window
from session_buddy.services.live_anomalies import LiveAnomalies
from session_buddy.services.live_uses import KEPT_FOR, LiveUses, is_live
from session_buddy.services.record import Record
from session_buddy.services.record_measures import RecordMeasures

TAKEN_OVER: Final = timedelta(seconds=10)
"""What happened so shortly before this leader began counts as its own: the last may not have seen it."""
FOLD_BOUNDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SESSIONS_LOADED = 1_000
_BATCH = 1_000
_SET_BACK = 60_000_000  # microseconds; less is a clock that is being set right
_CHUNK = 50  # changes applied before the feed may have the state in between
_LOOK_SECONDS = 5.0
_GATHER_SECONDS = 0.02  # events come in bursts; merging each alone would take the interpreter from calls
_COUNT_SECONDS = 30.0
_RANK_SECONDS = 3_600.0

_END: Final = object()

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

Noted = SkillEvent | SessionEvent
ChangeListener = Callable[[Sequence[Invocation]], None]


class LiveRecord:
    """The live state of one home, a `RecordWatcher`. Thread-safe."""

    def __init__(self, record: Record, clock: Clock, label_limit: int = 200) -> None:
        """record must be over an open storage. label_limit: skills with a label of their own in metrics."""
        self._record = record
        self._storage: SkillsStorageProtocol = record.storage
        self._clock = clock
        self._state = LiveState(label_limit)
        self._lock = threading.Lock()
        self._queue: deque[Noted] = deque()
        self._uses = LiveUses(self._storage)
        self._anomalies = LiveAnomalies(self._state)
        self._listeners: list[ChangeListener] = []
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._loaded = threading.Event()
        self._reload = True
        self._busy = False
        self._old = clock() - KEPT_FOR
        self._followed_at = clock()
        self._delay = 0.0
        self._thread: threading.Thread | None = None
        self._counted_at = self._ranked_at = datetime.min.replace(tzinfo=self._old.tzinfo)
        self._stale_counts = False
        self._fold_seconds = Histogram(FOLD_BOUNDS)
        self._imported = self._forgotten = 0
        self._pending_since: datetime | None = None

    def follow(self) -> None:
        """Take note of what happens from now on; it is merged once the state was loaded by `start`."""
        self._followed_at = self._clock()
        self._record.watch(self)

    def start(self, delay: float = 0.0) -> None:
        """Load in the background after so many seconds, and keep the state current from then on."""
        self._delay = delay
        self._thread = threading.Thread(target=self._run, name="session-buddy-live", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def loaded(self, timeout: float | None = None) -> bool:
        """Wait until the state was loaded; False if that takes longer than `timeout` seconds."""
        return self._loaded.wait(timeout)

    @property
    def settled(self) -> bool:
        """Whether everything that was acknowledged is in the state."""
        idle = not (self._queue or self._busy or self._reload)
        return self._loaded.is_set() and self._anomalies.settled and idle

    def on_change(self, listener: ChangeListener) -> None:
        """Tell `listener`, in this object's thread, of the uses that happen now as more is known of them."""
        self._listeners.append(listener)

    def noted(self, event: Noted | AnomalyEvent) -> None:
        """An event was acknowledged."""
        if self._stopped.is_set():
            return
        if self._pending_since is None:
            self._pending_since = self._clock()
        if isinstance(event, AnomalyEvent):
            self._anomalies.noted(event)
        elif event.occurred_at >= self._old or self._is_known(event):
            self._queue.append(event)
        else:
            return
        if not self._wake.is_set():
            self._wake.set()

    def folded(self, batch: Batch, result: FoldResult, seconds: float) -> None:
        """A batch is in the database."""
        self._fold_seconds.observe(seconds)
        self._forgotten += result.forgotten_events
        self._pending_since = self._clock() if self._record.tail.pending else None
        if result.new_invocations:
            self._stale_counts = True
            now = self._clock()
            skill_events = (event for event in batch.events if isinstance(event, SkillEvent))
            imported = {event.invocation_id for event in skill_events if not is_live(event, now)}
            self._imported += min(len(imported), result.new_invocations)

    def caught_up(self, result: FoldResult, seconds: float) -> None:
        """A part of a backlog is in the database: with its end all is read again."""
        self._fold_seconds.observe(seconds)
        self._imported += result.new_invocations
        if not self._record.tail.backlogged:
            self._reload = True
            self._wake.set()

    def restarted(self) -> None:
        """Something was forgotten, or the database was made anew: what is in memory no longer holds."""
        self._queue.clear()
        self._anomalies.clear()
        self._reload = True
        self._wake.set()

    def updates(self, wanted: Sequence[Subscribed], limit: int) -> list[str]:
        """One encoded `metrics_update` for each of `wanted`; runs no SQL."""
        with self._lock:
            self._advance()
            selections = {one.selection for one in wanted}
            active = {selection: self._state.active_sessions(selection) for selection in selections}
            return [self._state.update(one, limit, active[one.selection]) for one in wanted]

    def show_experiments(self, encoded: str) -> None:
        """Show these, encoded already, in updates from now on."""
        self._state.experiments = encoded

    def metrics(self, skill_name: str | None, selection: Selection = EVERYTHING) -> MetricsData:
        """The figures of one skill, or of all together; runs no SQL."""
        with self._lock:
            self._advance()
            return self._state.metrics(skill_name, selection)

    def prepare(self, selection: Selection) -> None:
        """Make the figures of a selection, for a thread of its own; the feed gets in every now and then."""
        steps = self._state.selections.fill(selection)
        more = True
        while more:
            with self._lock:
                more = next(steps, _END) is not _END

    def snapshot(self) -> LiveSnapshot:
        """What `/metrics` shows of the live state; runs no SQL."""
        with self._lock:
            self._advance()
            return self._state.snapshot()

    def measures(self) -> RecordMeasures:
        """What is measured of the record itself."""
        tail = self._record.tail
        return RecordMeasures(
            fold_seconds=self._fold_seconds.copy(),
            imported_invocations=self._imported,
            forgotten_events=self._forgotten,
            unreadable_lines=tail.rejected,
            pending_events=tail.pending,
            pending_since=self._pending_since,
            connections=self._storage.connections(),
            unavailable=self._record.database.reason,
        )

    def _advance(self) -> None:
        """Come to now, under the lock; where the clock was set back, the windows are made anew."""
        at = self._clock()
        self._anomalies.take(at)
        now = microseconds(at)
        if now < self._state.windows.now - _SET_BACK and not (self._reload or self._busy):
            _log.warning("the clock was set back; the live figures are read again for the time that it tells")
            self._reload = True
            self._wake.set()
        self._state.advance(now)

    def _run(self) -> None:
        self._stopped.wait(self._delay)
        while not self._stopped.is_set():
            try:
                self._work()
            except SessionBuddyError as error:
                _log.error("the live figures could not be kept up, and are read again: %s", error)
                self._record.database.failed(error)
                self._reload = True
            self._wake.wait(_LOOK_SECONDS)
            self._stopped.wait(_GATHER_SECONDS)

    def _work(self) -> None:
        self._busy = True
        self._wake.clear()
        if self._reload:
            self._load()
        while self._queue and not self._reload and not self._stopped.is_set():
            count = min(len(self._queue), _BATCH)
            self._take([self._queue.popleft() for _ in range(count)])
        with self._lock:
            self._advance()
        self._count_skills()
        self._busy = False

    def _load(self) -> None:
        """Read the last day from the database; what is queued meanwhile is merged into it afterwards."""
        self._reload = False
        with self._lock:
            self._anomalies.load()
        self._record.catch_up()
        now = self._clock()
        self._old = now - KEPT_FOR
        with self._lock:
            self._state.clear(microseconds(now))
        new = self._new_uses()
        self._uses.forget(new.union(self._storage.superseded_since(self._old - KEPT_FOR)))
        for rows in self._storage.invocations(Window(self._old, None)):
            self._each([use for use in rows if use.invocation_id not in new], self._state.load)
        self._each(self._storage.sessions(_SESSIONS_LOADED), self._state.sessions.load)
        anomalies = self._storage.active_anomalies()
        uses = self._storage.invocation_counts()
        with self._lock:
            self._anomalies.loaded(anomalies)
            self._state.counters.rank(uses)
        self._ranked_at = self._counted_at = now
        self._record.database.answered()
        self._loaded.set()

    def _new_uses(self) -> set[UUID]:
        """Uses that began to be told of under this leader, and are in the database already.

        They are merged from their events, so that the counters count them; but what an earlier leader
        counted, and a transcript repeats now, is loaded as it stands.
        """
        since = self._followed_at - TAKEN_OVER
        return {
            event.invocation_id
            for event in tuple(self._queue)
            if isinstance(event, SkillEvent) and event.occurred_at >= since
        }

    def _count_skills(self) -> None:
        """Take the all-time counts anew now and then: imports move them too."""
        now = self._clock()
        self._old = now - KEPT_FOR
        if not self._stale_counts or (now - self._counted_at).total_seconds() < _COUNT_SECONDS:
            return
        self._stale_counts = False
        self._counted_at = now
        uses = self._storage.invocation_counts()
        keep = (now - self._ranked_at).total_seconds() < _RANK_SECONDS
        if not keep:
            self._ranked_at = now
        with self._lock:
            self._state.counters.rank(uses, keep=keep)

    def _take(self, events: Sequence[Noted]) -> None:
        now = self._clock()
        self._each(events, self._state.note_session)
        skill_events = [event for event in events if isinstance(event, SkillEvent)]
        changes = self._uses.changes(skill_events, self._state.windows, now)
        with self._lock:
            self._advance()
        self._each(changes, self._state.apply)
        told = [change.after for change in changes if change.live and change.after is not None]
        if told:
            for listener in self._listeners:
                listener(told)

    def _each(self, values: Sequence[_T], take: Callable[[_T], None]) -> None:
        """Hand values to the state, letting the feed in every now and then."""
        for start in range(0, len(values), _CHUNK):
            with self._lock:
                for value in values[start : start + _CHUNK]:
                    take(value)

    def _is_known(self, event: Noted) -> bool:
        if not isinstance(event, SkillEvent):
            return False
        return event.invocation_id in self._uses or event.invocation_id in self._state.windows
