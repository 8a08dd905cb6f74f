"""Folding in the background: journals into the database, and transcripts into journals."""

import logging
import math
import threading
import time
from collections.abc import Sequence
from datetime import timedelta

from session_buddy.errors import JournalError, SessionBuddyError
from session_buddy.models.events import JournalEvent, SkillEvent, TranscriptReady
from session_buddy.models.protocols import Clock, Journal, TranscriptReader
from session_buddy.services.record import Record

_log = logging.getLogger(__name__)

READ_AGAIN_SECONDS = (0.25, 0.75, 2.0, 5.0)
"""When to look again after a hook: at `Stop` the agent's last record is often not in its file yet."""
ARCHIVE_EVERY_SECONDS = 30.0
LAST_FOLD_SECONDS = 0.3
"""How long a leader that ends goes on folding; the journals keep the rest for the next one."""
UNFINISHED_WITHIN = timedelta(days=7)
"""How old a session may be whose transcript a new leader looks at again."""
LATELY = timedelta(hours=1)
"""How old one may be at which a command that leads looks again before it answers."""
LOOK_BACK_SECONDS = 0.5
"""How long that may take, but for the transcript that is being read."""


class Folder:
    """Folds what is acknowledged, at the latest one interval after it was. Has a thread of its own."""

    def __init__(
        self,
        record: Record,
        journal: Journal,
        transcripts: TranscriptReader,
        interval_seconds: float,
        clock: Clock,
        gather_seconds: float = 0.0,
    ) -> None:
        """interval_seconds: the longest time between two looks at the journals.

        gather_seconds: how long what was acknowledged waits for more before it is folded. Machines that share
        a store take turns, and one large fold costs hardly more than a small one; who asks waits for neither.
        """
        self._gather = gather_seconds
        self._record = record
        self._clock = clock
        self._paths: dict[str, str] = {}
        self._journal = journal
        self._transcripts = transcripts
        self._interval = interval_seconds
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._again: list[tuple[float, tuple[str, str]]] = []
        self._left: list[str] = []
        self._reading = threading.Lock()
        self._archived_at = time.monotonic()
        self.failures = 0
        self._told = ""
        self._told_fold = record.last_fold
        record.prepare_folds(self._read_transcripts)

    def start(self) -> None:
        """Begin to fold in the background."""
        self._thread = threading.Thread(target=self._run, name="session-buddy-fold", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Something was acknowledged: do not wait for the interval to end."""
        self._wake.set()

    def stop(self) -> None:
        """Fold what is pending once more, as far as there is time, and end the thread."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._attempt()

    def session_left(self, session_id: str) -> None:
        """An agent's window has gone, perhaps without a last hook: see what its transcript has more."""
        self._left.append(session_id)
        self.wake()

    def look_at(self, session_id: str) -> None:
        """Read on in a session's transcript now, if it is known where that is."""
        path = self._paths.get(session_id) or self._transcripts.find(session_id)
        if path is not None:
            self._read(session_id, path, None)

    def resume_unfinished(self) -> None:
        """See to the sessions that were at work when the last leader ended."""
        since = self._clock() - UNFINISHED_WITHIN
        self._left.extend(self._record.storage.unfinished_sessions(since))
        self.wake()

    def look_back(self) -> None:
        """See what those sessions say by now that were at work lately, for who leads to answer one question.

        A client that is interrupted and ends says so in its transcript a moment after its window, which was
        the leader perhaps, has gone: that leader saw only that the session ended. Nothing is taken to be over
        that the transcript does not say is over, and what is known already is not journaled again. Nothing is
        folded yet: what the question is put to may have to see it come.
        """
        until = time.monotonic() + LOOK_BACK_SECONDS
        for session_id in self._record.storage.unfinished_sessions(self._clock() - LATELY):
            path = self._transcripts.find(session_id)
            if path is not None:
                self._read(session_id, path, None, only_new=True)
            if time.monotonic() > until:
                break

    def fold_all(self, seconds: float = math.inf) -> bool:
        """Fold everything that is acknowledged now, what transcripts give included.

        seconds: how long it may take, but for the batch that is under way. Returns whether all is folded.
        """
        deadline = time.monotonic() + seconds
        return self._record.fold_acknowledged(
            lambda: time.monotonic() > deadline or (self._is_folding_thread() and self._stopped.is_set())
        )

    def _is_folding_thread(self) -> bool:
        return threading.current_thread() is self._thread

    def _run(self) -> None:
        while not self._stopped.is_set():
            if self._wake.wait(self._interval):
                self._stopped.wait(self._gather)
            self._wake.clear()
            if not self._stopped.is_set():
                self._attempt()

    def _attempt(self) -> None:
        """One round; what fails is told once a round, kept in the journals, and tried again."""
        try:
            self._look_again()
            self._see_to_those_who_left()
            self.fold_all(LAST_FOLD_SECONDS if self._stopped.is_set() else math.inf)
            if (last := self._record.last_fold) is not self._told_fold:
                self._told_fold = last
                _log.info("folded; the last batch was %d events in %.3f s", last.event_count, last.seconds)
            self._archive()
            self._told = ""
        except SessionBuddyError as error:
            self.failures += 1
            if str(error) != self._told:  # a team's server may be away for hours
                self._told = str(error)
                _log.error("folding failed, and will be tried again: %s", error)

    def _read_transcripts(self, events: Sequence[JournalEvent]) -> None:
        """Read what hooks announced before the announcement is folded, so that a kill loses none of it."""
        signals = [event for event in events if isinstance(event, TranscriptReady)]
        newest = {(signal.session_id, signal.transcript_path): signal for signal in signals}
        for signal in newest.values():
            self._paths[signal.session_id] = signal.transcript_path
            self._read(signal.session_id, signal.transcript_path, signal.hook)
            self._will_look_again(signal.session_id, signal.transcript_path)

    def _will_look_again(self, session_id: str, path: str) -> None:
        now = time.monotonic()
        self._again.extend((now + seconds, (session_id, path)) for seconds in READ_AGAIN_SECONDS)

    def _look_again(self) -> None:
        """Read once more what was read a little while ago; all of it when this process ends."""
        now = math.inf if self._stopped.is_set() else time.monotonic()
        due = dict.fromkeys(where for moment, where in self._again if moment <= now)
        self._again = [(moment, where) for moment, where in self._again if moment > now]
        for session_id, path in due:
            self._read(session_id, path, None)

    def _see_to_those_who_left(self) -> None:
        while self._left:
            session_id = self._left.pop()
            path = self._paths.get(session_id) or self._transcripts.find(session_id)
            if path is not None:
                self._read(session_id, path, "SessionEnd")
                self._will_look_again(session_id, path)

    def _read(self, session_id: str, path: str, hook: str | None, *, only_new: bool = False) -> None:
        with self._reading:
            events = self._transcripts.read(session_id, path, hook)
            if only_new:
                events = self._unknown(session_id, events)
            try:
                self._journal.append(events)
            except JournalError:
                self._transcripts.begin_again(path)
                raise

    def _unknown(self, session_id: str, events: Sequence[JournalEvent]) -> Sequence[JournalEvent]:
        """Those events of uses that are neither in the database nor on their way there."""
        told = [event for event in events if isinstance(event, SkillEvent)]
        uses = list(dict.fromkeys(event.invocation_id for event in told))
        known = {event.id for event in self._record.storage.events_of(uses)}
        self._record.refresh()
        known |= {event.id for event in self._record.pending_of(session_id)}
        return [event for event in told if event.id not in known]

    def _archive(self) -> None:
        now = time.monotonic()
        if now - self._archived_at >= ARCHIVE_EVERY_SECONDS:
            self._archived_at = now
            self._record.archive_done()
