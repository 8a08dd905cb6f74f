"""Findings as they happen: detectors behind every fold, and the report of what they raised."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from session_buddy.analytics.lagged_window import MINIMUM
from session_buddy.analytics.skill_watch import Change, Finding, SkillWatch
from session_buddy.errors import InvalidInput, SessionBuddyError
from session_buddy.live.moments import LIVE_FOR
from session_buddy.models.answers_findings import Anomaly, AnomalyReport
from session_buddy.models.events import AnomalyEvent, SessionEvent, SkillEvent
from session_buddy.models.findings import KeptAnomaly
from session_buddy.models.protocols import Clock, Journal
from session_buddy.models.values import Batch, FoldResult
from session_buddy.services.comparing import Comparer
from session_buddy.services.hourly import deviating_hours
from session_buddy.services.record import Record
from session_buddy.services.watching import Watches, slot_of
from session_buddy.services.wording import number_of

Method = Literal["cusum", "zscore"]
LONGEST_WINDOW_HOURS: Final = 24.0 * 366
ANOMALIES_LISTED: Final = 100
_LOOK_SECONDS = 5.0
_GATHER_SECONDS = 1.0  # uses come in bursts, and looking at ten costs as much as looking at one
_LEARN_SECONDS = 5.0
_TICK_SECONDS = 60.0
_FIRST_SECONDS = 10.0  # a start has better things to do
_SKILLS_AT_ONCE = 5  # each takes 15 ms or so
_USES_AT_ONCE = 2_000
_log = logging.getLogger(__name__)


class Finder:
    """Runs the detectors over what is folded, a `RecordWatcher`. Thread-safe."""

    def __init__(self, record: Record, journal: Journal, comparer: Comparer, clock: Clock) -> None:
        """record must be over an open storage. comparer: whose tables are kept up in the same thread."""
        self._record = record
        self._findings = record.storage.findings
        self._journal = journal
        self._comparer = comparer
        self._clock = clock
        self._watches = Watches(self._findings)
        self._lock = threading.RLock()
        self._queue: deque[UUID] = deque()
        self._historical: set[str] = set()
        self._begin_anew = False
        self._ticked_at = self._learned_at = time.monotonic() - _TICK_SECONDS + _FIRST_SECONDS
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.failures = 0
        self._told = ""
        record.watch(self)

    def start(self) -> None:
        """Begin to look in the background."""
        self._thread = threading.Thread(target=self._run, name="session-buddy-find", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look at what is folded once more, and end the thread."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._attempt()

    def noted(self, event: SkillEvent | SessionEvent | AnomalyEvent) -> None:
        """An event was acknowledged; it is looked at when it is folded."""

    def folded(self, batch: Batch, result: FoldResult, seconds: float) -> None:  # noqa: ARG002 - the protocol
        """A batch is in the database."""
        if not result.new_events:
            return
        told = self._clock() - LIVE_FOR
        for event in batch.events:
            if isinstance(event, SkillEvent):
                if event.source != "import" and event.occurred_at >= told:
                    self._queue.append(event.invocation_id)
                else:
                    self._historical.add(event.skill_name)
        self._wake.set()

    def caught_up(self, result: FoldResult, seconds: float) -> None:  # noqa: ARG002 - the protocol
        """A part of a backlog is in the database: history, which raises nothing."""
        self._historical.update(result.touched_skills)
        self._wake.set()

    def restarted(self) -> None:
        """The database was changed by maintenance."""
        self._begin_anew = True
        self._wake.set()

    def settle(self) -> None:
        """Look at everything that is acknowledged, and fold what that raised."""
        self._record.catch_up()
        if self._look(tick=True):
            self._record.catch_up()

    def anomalies(
        self,
        threshold: float = 2.0,
        time_window_hours: float = 24.0,
        method: Method = "cusum",
        patience: float = math.inf,
    ) -> AnomalyReport:
        """Anomalies that last, or were raised or over in the last hours, newest first.

        patience: seconds after which the history of further skills is left to the background: what was
        raised live is told all the same, and the message says how many were not looked through.

        Raises:
            InvalidInput: a threshold that is not positive, or a window that is no time or over a year.
        """
        if not 0 < threshold < float("inf"):
            raise InvalidInput(f"threshold: {threshold} is not a positive number of standard errors.")
        if not 0 < time_window_hours <= LONGEST_WINDOW_HOURS:
            raise InvalidInput(
                f"time_window_hours: {time_window_hours} is not between 0 and {LONGEST_WINDOW_HOURS:g}."
            )
        since = self._clock() - timedelta(hours=time_window_hours)
        self.settle()
        if method == "zscore":
            return deviating_hours(self._findings, since, threshold, ANOMALIES_LISTED)
        return self._raised_since(since, threshold, patience)

    def _raised_since(self, since: datetime, threshold: float, patience: float) -> AnomalyReport:
        names = self._findings.skills_used_since(since)
        watches = self._histories(names, time.monotonic() + patience)
        with self._lock:
            self._append(self._watches.tick(self._clock()))
        self._record.catch_up()
        kept = self._findings.anomalies(since)
        found = [_kept(anomaly) for anomaly in kept]
        for name, watch in watches.items():
            known = [anomaly for anomaly in kept if anomaly.skill_name == name]
            new = [finding for finding in watch.active if not _among(finding, known)]
            over = [
                _computed(name, change.finding, change)
                for change in watch.past
                if change.at >= since and not _among(change.finding, known)
            ]
            found += [_computed(name, finding, None) for finding in new] + over
        found = sorted(
            (anomaly for anomaly in found if abs(anomaly.deviation_score) >= threshold),
            key=lambda anomaly: (anomaly.detected_at, anomaly.skill_name),
            reverse=True,
        )
        unready = sum(not watch.ready for watch in watches.values())
        return AnomalyReport(
            method="cusum",
            threshold=threshold,
            since=since,
            anomalies=found[:ANOMALIES_LISTED],
            anomalies_total=len(found),
            skills_checked=len(watches),
            skills_without_baseline=unready,
            message=_message(found, len(watches), unready, len(names) - len(watches)),
        )

    def _histories(self, names: Sequence[str], until: float = math.inf) -> Mapping[str, SkillWatch]:
        """The detectors of skills, a few at a time so that nobody waits long for the lock.

        Those that are not loaded by `until` (of the monotonic clock) are left out, but for the first few.
        """
        with self._lock:
            known = dict(self._watches.loaded(names))
        left = [name for name in names if name not in known]
        for start in range(0, len(left), _SKILLS_AT_ONCE):
            if self._stopped.is_set() or (start and time.monotonic() >= until):
                self._wake.set()
                break
            with self._lock:
                known |= self._watches.histories(left[start : start + _SKILLS_AT_ONCE])
            time.sleep(0)
        return known

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(_LOOK_SECONDS)
            self._stopped.wait(_GATHER_SECONDS)
            self._wake.clear()
            if not self._stopped.is_set():
                self._attempt(keep_up=True)

    def _attempt(self, *, keep_up: bool = False) -> None:
        """One round; what fails is told, and tried again with the next fold.

        keep_up: see to what nobody has asked for yet, too.
        """
        try:
            now = time.monotonic()
            tick = now - self._ticked_at >= _TICK_SECONDS
            if tick:
                self._ticked_at = now
            self._look(tick=tick)
            if now - self._learned_at >= _LEARN_SECONDS:
                self._learned_at = now
                self._findings.learn()
            if tick and keep_up:
                self._load_used()
                self._comparer.refresh()
        except SessionBuddyError as error:
            self.failures += 1
            self._begin_anew = True
            if str(error) != self._told and not self._stopped.is_set():  # it may stay so for hours
                self._told = str(error)
                _log.error("looking for anomalies failed, and begins anew: %s", error)

    def _load_used(self) -> None:
        """Have the detectors of what was used today ready, so that the first question need not wait."""
        self._histories(self._findings.skills_used_since(self._clock() - timedelta(days=1)))

    def _look(self, *, tick: bool) -> bool:
        """Show the detectors what is new; whether anything was raised or resolved."""
        with self._lock:
            if self._begin_anew:
                self._begin_anew = False
                self._watches.forget()
            self._watches.drop(self._taken_historical())
            events: list[AnomalyEvent] = []
            while ids := self._taken_ids():
                events += self._watches.take(ids, self._clock())
            if tick:
                events += self._watches.tick(self._clock())
            self._append(events)
            return bool(events)

    def _append(self, events: Sequence[AnomalyEvent]) -> None:
        if events:
            self._journal.append(events)

    def _taken_historical(self) -> set[str]:
        taken, self._historical = self._historical, set()
        return taken

    def _taken_ids(self) -> list[UUID]:
        """The next uses to look at, each once."""
        count = min(len(self._queue), _USES_AT_ONCE)
        return list(dict.fromkeys(self._queue.popleft() for _ in range(count)))


def _among(finding: Finding, known: Sequence[KeptAnomaly]) -> bool:
    """Whether a finding is one that was kept: the same thing, within two days."""
    return any(
        slot_of(anomaly) == slot_of(finding)
        and anomaly.detected_at - timedelta(days=2) <= finding.detected_at
        and (anomaly.resolved_at is None or finding.detected_at <= anomaly.resolved_at + timedelta(days=2))
        for anomaly in known
    )


def _kept(kept: KeptAnomaly) -> Anomaly:
    return Anomaly(
        skill_name=kept.skill_name,
        anomaly_type=kept.anomaly_type,
        measure=kept.measure,
        method=kept.method,
        baseline_value=kept.baseline_value,
        observed_value=kept.observed_value,
        deviation_score=kept.deviation_score,
        sample_count=kept.sample_count,
        detected_at=kept.detected_at,
        resolved_at=kept.resolved_at,
        resolution=kept.resolution,
        status="active" if kept.resolved_at is None else "resolved",
    )


def _computed(skill_name: str, finding: Finding, over: Change | None) -> Anomaly:
    return Anomaly(
        skill_name=skill_name,
        anomaly_type=finding.anomaly_type,
        measure=finding.measure,
        method=finding.method,
        baseline_value=finding.signal.baseline_value,
        observed_value=finding.signal.observed_value,
        deviation_score=finding.signal.deviation_score,
        sample_count=finding.signal.sample_count,
        detected_at=finding.detected_at,
        resolved_at=over.at if over else None,
        resolution=over.resolution if over else None,
        status="computed",
    )


def _message(found: Sequence[Anomaly], checked: int, unready: int, left: int) -> str:
    if not checked and not found:
        return "No skill was used in that window, so there is nothing to compare."
    lasting = sum(anomaly.resolved_at is None for anomaly in found)
    parts = []
    if found:
        kinds = "1 anomaly" if len(found) == 1 else f"{len(found)} anomalies"
        parts.append(f"{kinds}, lasting: {lasting}.")
    elif unready < checked:
        parts.append("Nothing left its baseline.")
    parts.append(f"Looked at {number_of(checked, 'skill')}.")
    if left:
        parts.append(f"The history of {left} more is being looked through; ask again in a few seconds.")
    if unready:
        parts.append(
            f"With fewer than {MINIMUM} earlier decided uses, {number_of(unready, 'skill')} had "
            "insufficient_data for a baseline."
        )
    return " ".join(parts)
