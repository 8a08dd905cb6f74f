"""What happens now, in memory: behind the feed, the metrics and the page. A tick of the feed runs no SQL.

The caller says what is known of an invocation before and after an event (`session_buddy.live.merge`),
and what time it is. Not thread-safe.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from session_buddy.live.counters import LABEL_LIMIT, Counted, Counters
from session_buddy.live.frames import (
    InvocationData,
    MetricsData,
    SeriesStep,
    encode_update,
)
from session_buddy.live.moments import moment_of
from session_buddy.live.selections import EVERYTHING, Selected, Selection, Selections, Subscribed, hours_of
from session_buddy.live.sessions import Sessions
from session_buddy.live.tallies import Use
from session_buddy.live.windows import WINDOW_HOURS, Windows
from session_buddy.models.answers import ActiveAnomaly, Invocation
from session_buddy.models.events import SessionEvent, SkillEvent

RECENT_KEPT: Final = 500
RECENT_SHOWN: Final = 20
NAMES_SHOWN: Final = 50
_HOUR_LENGTH: Final = 3_600_000_000
_ANOMALIES: Final = TypeAdapter(list[ActiveAnomaly])


class Change(NamedTuple):
    """What an event changed. live: it tells of what happens now, so the counters count it."""

    invocation_id: UUID
    before: Invocation | None
    after: Invocation | None
    live: bool


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """What `/metrics` shows of the live state, at one moment."""

    counted: Counted
    completion_ratios: Mapping[str, float]
    p95_durations: Mapping[str, float]
    active_anomalies: Sequence[ActiveAnomaly]
    active_sessions: int
    skills_tracked: int
    updated_at: float
    """Seconds since 1970 of the latest change."""


class LiveState:
    """Counters, windows, sessions, anomalies and the latest uses."""

    def __init__(self, label_limit: int = LABEL_LIMIT) -> None:
        """label_limit: how many skills have a label of their own in the metrics."""
        self.selections = Selections()
        self.counters = Counters(label_limit)
        self.sessions = Sessions()
        self._anomalies: dict[tuple[str, str, datetime, float], ActiveAnomaly] = {}
        self._encoded_anomalies: str | None = None
        self.experiments = "[]"
        """The list that goes out with the updates of the most used skills, encoded."""
        self._recent: OrderedDict[UUID, Invocation] = OrderedDict()
        self._updated_at = 0

    @property
    def windows(self) -> Windows:
        """The windows over all uses."""
        return self.selections.whole.windows

    def advance(self, now: int) -> None:
        """Move the windows on to `now`, in microseconds since 1970, UTC."""
        self.selections.advance(now)

    def load(self, use: Invocation) -> None:
        """Take an invocation that was known before this leader began: it is in the windows, not counted."""
        self.selections.put(use.invocation_id, Use.of(use))
        self.sessions.belongs(use.session_id, use.user_id)
        self._remember(use)

    def apply(self, change: Change) -> None:
        """Take what an event changed."""
        use = change.after
        known = self.windows.known(change.invocation_id)
        if known is None and change.before is not None:
            known = Use.of(change.before)
        if known is None and use is not None:
            self.counters.ranks.used(use.skill_name)
        self.selections.put(change.invocation_id, None if use is None else Use.of(use))
        self._updated_at = max(self._updated_at, self.windows.now)
        if use is None:
            self._recent.pop(change.invocation_id, None)
            return
        if change.live:
            self._count(use, known)
        self._remember(use)

    def note_session(self, event: SkillEvent | SessionEvent) -> None:
        """Take what an event says of its session."""
        self.sessions.note(event)

    def clear(self, now: int) -> None:
        """Forget windows, sessions and latest uses, to be loaded again at `now`; counters stay."""
        self.selections.clear(now)
        self.sessions.clear()
        self._recent.clear()

    def set_anomalies(self, anomalies: Iterable[ActiveAnomaly]) -> None:
        """The anomalies that last, as the database has them; none of them counts as detected now."""
        self._anomalies = {_key(found): found for found in anomalies}
        self._encoded_anomalies = None

    def raise_anomaly(self, anomaly: ActiveAnomaly, *, live: bool) -> None:
        """An anomaly was detected, or goes on with new figures. live: it was detected now, so it counts."""
        key = _key(anomaly)
        if live and key not in self._anomalies:
            self.counters.anomaly(anomaly.skill_name, anomaly.anomaly_type)
        self._anomalies[key] = anomaly
        self._encoded_anomalies = None

    def resolve_anomaly(self, anomaly: ActiveAnomaly) -> None:
        """An anomaly is over; harmless if there is none."""
        self._anomalies.pop(_key(anomaly), None)
        self._encoded_anomalies = None

    def anomalies(self, skill_names: Iterable[str] | None = None) -> list[ActiveAnomaly]:
        """The anomalies that last, newest first: of some skills, or all."""
        names = None if skill_names is None else set(skill_names)
        found = [known for known in self._anomalies.values() if names is None or known.skill_name in names]
        return sorted(found, key=lambda known: (known.detected_at, known.skill_name), reverse=True)

    def active_sessions(self, selection: Selection = EVERYTHING) -> int:
        """Sessions with activity in the last hour that have not ended."""
        return self.sessions.active(self.windows.now - _HOUR_LENGTH, selection)

    def update(self, wanted: Subscribed, limit: int, active_sessions: int) -> str:
        """An encoded `metrics_update` of some skills, or of the `limit` most used ones of a window."""
        part = self.selections.of(wanted.selection)
        names = part.windows.top(wanted.window, limit) if wanted.skills is None else wanted.skills
        rows = (row for name in names if (row := part.row(wanted.window, name)) is not None)
        return encode_update(
            text_of(self.windows.now),
            rows,
            self._anomalies_of(wanted, part),
            active_sessions,
            hours_of(wanted.window),
            wanted.selection.named.model_dump_json(),
            self.experiments if wanted.skills is None else "[]",
        )

    def _anomalies_of(self, wanted: Subscribed, part: Selected) -> str:
        """Those of the skills that are named, or that were used by whom the figures are of; encoded."""
        if not self._anomalies:
            return "[]"
        if wanted.skills is not None:
            return _encoded(self.anomalies(wanted.skills))
        if wanted.selection != EVERYTHING:
            return _encoded(self.anomalies(part.windows.names()))
        if self._encoded_anomalies is None:
            self._encoded_anomalies = _encoded(self.anomalies())
        return self._encoded_anomalies

    def metrics(self, skill_name: str | None, selection: Selection = EVERYTHING) -> MetricsData:
        """The figures of one skill, or of all together, for `get_metrics`."""
        part = self.selections.of(selection)
        names = None if skill_name is None else [skill_name]
        shown = [
            use
            for use in self._recent.values()
            if skill_name in (None, use.skill_name) and selection.holds(use)
        ]
        recent = sorted(shown, key=lambda use: (use.invoked_at, use.invocation_id), reverse=True)
        used = None if selection == EVERYTHING else part.windows.names()
        return MetricsData(
            skill_name=skill_name,
            **selection.named.model_dump(),
            windows=[part.figures(window, skill_name) for window in range(len(WINDOW_HOURS))],
            series=[
                SeriesStep(
                    began_at=moment_of(step.began_at),
                    invocation_count=step.invocation_count,
                    completed_count=step.completed_count,
                    failed_count=step.failed_count,
                )
                for step in part.windows.series(names)
            ],
            anomalies=self.anomalies(used if names is None else names),
            recent=[invocation_data(use) for use in recent[:RECENT_SHOWN]],
            projects=self.windows.projects(NAMES_SHOWN),
            agents=self.windows.agents(NAMES_SHOWN),
            users=self.windows.users(NAMES_SHOWN),
        )

    def snapshot(self) -> LiveSnapshot:
        """What the metrics show."""
        labelled = sorted(self.counters.ranks.labelled)
        return LiveSnapshot(
            counted=self.counters.counted(),
            completion_ratios=self.windows.ratios(labelled),
            p95_durations=self.windows.p95_durations(labelled),
            active_anomalies=self.anomalies(),
            active_sessions=self.active_sessions(),
            skills_tracked=len(self.counters.ranks),
            updated_at=self._updated_at / 1e6,
        )

    def _count(self, use: Invocation, known: Use | None) -> None:
        """Count what became known, given what was known of the invocation before."""
        if use.outcome is not None and (known is None or known.outcome is None):
            self.counters.decided(use.skill_name, use.workflow_phase, use.outcome)
        if use.duration_seconds is not None and (known is None or known.duration is None):
            self.counters.measured(use.skill_name, use.duration_seconds)

    def _remember(self, use: Invocation) -> None:
        if use.invocation_id in self.windows:
            self._recent[use.invocation_id] = use
        if len(self._recent) > RECENT_KEPT:
            self._recent.popitem(last=False)


def invocation_data(use: Invocation) -> InvocationData:
    """What the feed says of a use."""
    return InvocationData(
        invocation_id=str(use.invocation_id),
        skill_name=use.skill_name,
        session_id=use.session_id,
        project=use.project,
        agent=use.agent,
        user_id=use.user_id,
        origin=use.origin,
        workflow_phase=use.workflow_phase,
        invoked_at=use.invoked_at,
        ended_at=use.ended_at,
        duration_seconds=use.duration_seconds,
        outcome=use.outcome,
        outcome_source=use.outcome_source,
        error_type=use.error_type,
        rating=use.rating,
    )


def text_of(now: int) -> str:
    """A time in microseconds since 1970 as RFC 3339 with `Z`."""
    return moment_of(now).isoformat().replace("+00:00", "Z")


def _key(anomaly: ActiveAnomaly) -> tuple[str, str, datetime, float]:
    """What one anomaly keeps; one use may be both the failure and the slow one that raise two drops."""
    return (anomaly.skill_name, anomaly.anomaly_type, anomaly.detected_at, anomaly.baseline_value)


def _encoded(anomalies: list[ActiveAnomaly]) -> str:
    return _ANOMALIES.dump_json(anomalies).decode()
