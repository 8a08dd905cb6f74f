"""Keeping what was learned current: from the database at the start, then from every acknowledged event.

A thread of its own does it, so that neither a recording call nor a start waits. Learning one use after the
other gives the same as learning all of them anew, unless something older changed or arrived late; then
everything is learned anew, a little later.
"""

import logging
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from session_buddy.analytics.success.scoring import Score
from session_buddy.errors import SessionBuddyError, StorageError
from session_buddy.live.merge import merge
from session_buddy.models.answers import Invocation
from session_buddy.models.events import AnomalyEvent, CatalogueEvent, SessionEvent, SkillEvent
from session_buddy.models.protocols import Clock
from session_buddy.models.values import Batch, FoldResult, PastUse
from session_buddy.models.weights import KeptWeights, WeightsKeeper
from session_buddy.services.learned import USES_LEARNED, Learned
from session_buddy.services.record import Record

WEIGHED: Final = 500
"""Latest uses on which a leader learns how to weigh the views of the blend, where that was not kept."""
HISTORY: Final = timedelta(hours=1)
"""What began longer ago than this when it is told of is not what a session does now."""
_WEIGHED_AT_ONCE = 100
_LOOK_SECONDS = 5.0
_ANEW_SECONDS = 60.0
_KEEP_SECONDS = 60.0
_WORK_SECONDS = 0.005
_REST_SECONDS = 0.005
_HURRIED_REST_SECONDS = 0.0005
_EVENTS_KEPT = 5_000
_QUIET_SECONDS = 0.01
"""What is recorded is learned once calls pause for so long: learning takes the interpreter from them."""
_QUEUED = 40
"""So many wait for a pause and no more: who asks for a suggestion before it comes learns them first."""
_log = logging.getLogger(__name__)


class Learning:
    """What was learned from one home's record, a `RecordWatcher`. Thread-safe."""

    def __init__(self, record: Record, clock: Clock, user_id: str, keeper: WeightsKeeper) -> None:
        """record must be over an open storage. user_id: keyed hash of this home's user.

        keeper: of how the views of the blend are weighed, from one leader to the next.
        """
        self._keeper = keeper
        self._kept_uses = 0
        self._kept_at = 0.0
        self._user_id = user_id
        self._record = record
        self._clock = clock
        self._lock = threading.RLock()
        self._learned = Learned({}, self._user_id)
        self._queue: deque[SkillEvent] = deque()
        self._noted = 0
        self._events: OrderedDict[UUID, dict[UUID, SkillEvent]] = OrderedDict()
        self._wake = threading.Event()
        self._asked = threading.Event()
        self._stopped = threading.Event()
        self._loaded = threading.Event()
        self._tried = threading.Event()
        self._problem: StorageError | None = None
        self._anew = True
        self._catalogue_changed = False
        self._anew_at = 0.0
        self._restarts = 0
        self._delay = 0.0
        self._thread: threading.Thread | None = None

    def start(self, delay: float = 0.0) -> None:
        """Learn in the background after so many seconds, and keep up from then on."""
        self._delay = delay
        self._record.watch(self)
        self._thread = threading.Thread(target=self._run, name="session-buddy-learn", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._asked.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._keep()

    def loaded(self, timeout: float) -> bool:
        """Wait until the record was learned; False if that takes longer than `timeout` seconds.

        Raises:
            StorageError: nothing is learned yet, and the record cannot be read.
        """
        self._asked.set()
        if self._problem is not None and not self._loaded.is_set():
            self._tried.clear()  # what failed may be put right by now
            self._wake.set()
            if self._loaded.is_set():
                self._tried.set()
        self._tried.wait(timeout)
        problem = self._problem
        if problem is not None and not self._loaded.is_set():
            raise problem
        return self._loaded.is_set()

    @contextmanager
    def current(self) -> Iterator[Learned]:
        """What is learned, every acknowledged event included; it holds still until the block ends."""
        self._record.refresh()
        with self._lock:
            yield self._drained()

    def score(self) -> tuple[Score | None, datetime | None]:
        """How good predictions were so far, and when the latest learned use began; None for neither."""
        with self._lock:
            latest = self._learned.latest
            return self._learned.score.summary(), datetime.fromtimestamp(latest, UTC) if latest else None

    def noted(self, event: SkillEvent | SessionEvent | AnomalyEvent) -> None:
        """An event was acknowledged."""
        if not isinstance(event, SkillEvent) or self._stopped.is_set():
            return
        if event.began < self._clock() - HISTORY and not self._learned.knows(event.invocation_id):
            self._learned.stale = True  # an import: learned in one go, in its place among the others
        else:
            self._queue.append(event)
            self._noted += 1
        if self._loaded.is_set() and not self._wake.is_set():
            self._wake.set()

    def folded(self, batch: Batch, result: FoldResult, seconds: float) -> None:  # noqa: ARG002
        """A batch is in the database."""
        if any(isinstance(event, CatalogueEvent) for event in batch.events):
            self._catalogue_changed = True
            self._wake.set()

    def caught_up(self, result: FoldResult, seconds: float) -> None:  # noqa: ARG002 - the protocol
        """A part of a backlog is in the database: learned in one go, in its place among the others."""
        self._learned.stale = True
        self._wake.set()

    def restarted(self) -> None:
        """Something was forgotten, or the database was made anew."""
        with self._lock:
            self._restarts += 1
            self._loaded.clear()
            self._tried.clear()
            self._queue.clear()
            self._events.clear()
            self._learned = Learned({}, self._user_id)
            self._anew = True
            self._anew_at = 0.0
        self._wake.set()

    def _run(self) -> None:
        self._asked.wait(self._delay)
        while not self._stopped.is_set():
            try:
                self._work()
            except SessionBuddyError as error:
                _log.error("the record could not be learned, and is read again: %s", error)
                self._anew = True
                self._anew_at = time.monotonic() + _LOOK_SECONDS if self._loaded.is_set() else 0.0
                if isinstance(error, StorageError):
                    self._problem = error
                    self._tried.set()
            if self._wake.wait(_LOOK_SECONDS):
                self._let_calls_go_first()

    def _let_calls_go_first(self) -> None:
        noted = -1
        while noted != self._noted and len(self._queue) < _QUEUED and not self._stopped.is_set():
            noted = self._noted
            self._stopped.wait(_QUIET_SECONDS)

    def _work(self) -> None:
        self._wake.clear()
        if self._anew and time.monotonic() >= self._anew_at:
            self._learn_anew()
        with self._lock:
            self._drained()
        if time.monotonic() - self._kept_at > _KEEP_SECONDS:
            self._keep()

    def _keep(self) -> None:
        """Let the next leader weigh the views as this one does, if they were weighed since that was kept."""
        with self._lock:
            weights = self._learned.weights if self._loaded.is_set() else None
        if weights is not None and weights.uses != self._kept_uses:
            self._keeper.write(weights)
            self._kept_uses, self._kept_at = weights.uses, time.monotonic()

    def _learn_anew(self) -> None:
        """Learn the latest uses; what is queued meanwhile is taken afterwards, and known by then in part."""
        with self._lock:
            restarts = self._restarts
            weights = self._learned.weights if self._loaded.is_set() else None
            self._anew = self._catalogue_changed = self._learned.stale = False
        self._record.catch_up()
        uses = self._record.storage.past_uses(USES_LEARNED)
        learned, rested_at = Learned(self._described(), self._user_id), time.monotonic()
        weighed = self._go_on(learned, weights)
        if len(uses) == USES_LEARNED:
            learned.sessions_since = uses[0].invoked_at.timestamp()
        for place, use in enumerate(uses):
            weigh = place >= len(uses) - WEIGHED and use.invoked_at.timestamp() > weighed
            learned.take(use, weigh=weigh)
            if self._stopped.is_set() or self._restarts != restarts:
                return
            if time.monotonic() - rested_at > _WORK_SECONDS:
                awaited = self._asked.is_set() and not self._loaded.is_set()
                self._stopped.wait(_HURRIED_REST_SECONDS if awaited else _REST_SECONDS)
                rested_at = time.monotonic()
        with self._lock:
            if self._restarts == restarts:
                learned.stale = False
                self._learned = learned
                self._problem = None
                self._loaded.set()
                self._tried.set()

    def _go_on(self, learned: Learned, weights: KeptWeights | None) -> float:
        """Weigh the views as before; until when uses taught that, in seconds since 1970.

        weights: as they are now; None if nothing is learned yet, and then what was kept is read.
        """
        if weights is None:
            weights = self._keeper.read()
            self._kept_uses = weights.uses if weights is not None else 0
        return weights.until if weights is not None and learned.go_on_from(weights) else -math.inf

    def _described(self) -> dict[str, str]:
        return {entry.skill_name: entry.description for entry in self._record.storage.catalogue()}

    def _drained(self) -> Learned:
        """Take what is queued; what changes older uses is learned anew in a while."""
        if self._loaded.is_set():
            if self._catalogue_changed:
                self._catalogue_changed = False
                self._learned.describe(self._described())
            while self._queue:
                self._take(self._queue.popleft(), weigh=len(self._queue) < _WEIGHED_AT_ONCE)
            if self._learned.stale and not self._anew:
                self._anew = True
                self._anew_at = time.monotonic() + _ANEW_SECONDS
        return self._learned

    def _take(self, event: SkillEvent, *, weigh: bool) -> None:
        events = self._events.setdefault(event.invocation_id, {})
        events[event.id] = event
        if len(self._events) > _EVENTS_KEPT:
            self._events.popitem(last=False)
        use = merge(events.values())
        if use is None:
            self._learned.withdraw(event.invocation_id)
        elif self._learned.knows(event.invocation_id) or event.invoked_at is not None:
            # Only what says when the use began can begin one: a rating may be of a use long ago.
            self._learned.take(_past(use), weigh=weigh)


def _past(use: Invocation) -> PastUse:
    return PastUse(
        invocation_id=use.invocation_id,
        skill_name=use.skill_name,
        session_id=use.session_id,
        project=use.project,
        user_id=use.user_id,
        invoked_at=use.invoked_at,
        workflow_phase=use.workflow_phase,
        completed=use.completed,
        duration_seconds=use.duration_seconds,
    )
