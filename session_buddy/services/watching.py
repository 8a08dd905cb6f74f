"""Which skills left their baselines: every decided use is shown to the detectors, once, in order of time.

The detectors of a skill begin with its latest uses from the database, when it is used or asked about for the
first time; what they find in those is history and raises nothing. A use counts as live by the same rule as
in the live figures. What is raised or resolved by live uses is given back as journal events.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from session_buddy.analytics.skill_watch import Change, Finding, SkillWatch, Use
from session_buddy.models.events import AnomalyEvent
from session_buddy.models.findings import DecidedUse, FindingsStorageProtocol, KeptAnomaly
from session_buddy.models.ids import hashed_id

HISTORY: Final = 600
"""Uses that the detectors of a skill begin with: a full baseline, its lag, and time to settle."""
JUDGED: Final = 300
"""Of these, the latest that are judged: anomalies before them are too old to matter."""
LATE: Final = timedelta(hours=1)
"""What ended so long before the newest use of its skill is not shown to the detectors any more."""
_SKILLS_AT_ONCE = 100
_SEEN_KEPT = 50_000


class Watches:
    """The detectors of all skills. Not thread-safe: for whoever holds the finder's lock."""

    def __init__(self, storage: FindingsStorageProtocol) -> None:
        self._storage = storage
        self._watches: dict[str, SkillWatch] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._raised: dict[tuple[str, str], KeptAnomaly] = {}
        self._raised_known = False

    def forget(self) -> None:
        """Begin anew from the database."""
        self._watches.clear()
        self._seen.clear()
        self._raised.clear()
        self._raised_known = False

    def drop(self, skill_names: Iterable[str]) -> None:
        """Begin anew with some skills: history was added to them."""
        for name in skill_names:
            self._watches.pop(name, None)

    def take(self, invocation_ids: Sequence[UUID], now: datetime) -> list[AnomalyEvent]:
        """Show uses that were folded and are live to the detectors; what is raised and resolved by them."""
        self._know_raised(now)
        new = [use for use in self._storage.uses(invocation_ids) if use.key not in self._seen]
        self._load({use.skill_name for use in new} - self._watches.keys(), without=new)
        events: list[AnomalyEvent] = []
        for use in new:
            watch = self._watches[use.skill_name]
            if watch.latest is None or use.at >= watch.latest - LATE:
                self._see(use)
                for change in watch.update(_shown(use)):
                    events += self._event(use.skill_name, change, now)
        return events

    def tick(self, now: datetime) -> list[AnomalyEvent]:
        """What is over because nothing confirmed it for long."""
        self._know_raised(now)
        self._load({name for name, _ in self._raised} - self._watches.keys())
        events: list[AnomalyEvent] = []
        for name, watch in self._watches.items():
            for change in watch.tick(now):
                events += self._event(name, change, now)
        return events + self._settle_lost(now)

    def loaded(self, skill_names: Iterable[str]) -> Mapping[str, SkillWatch]:
        """The detectors of some skills, where they are loaded."""
        return {name: self._watches[name] for name in skill_names if name in self._watches}

    def histories(self, skill_names: Sequence[str]) -> Mapping[str, SkillWatch]:
        """The detectors of some skills, loaded where they were not."""
        self._load([name for name in skill_names if name not in self._watches])
        return {name: self._watches[name] for name in skill_names}

    def _load(self, skill_names: Iterable[str], without: Iterable[DecidedUse] = ()) -> None:
        names = sorted(skill_names)
        left_out = {use.key for use in without}
        for start in range(0, len(names), _SKILLS_AT_ONCE):
            part = names[start : start + _SKILLS_AT_ONCE]
            self._watches |= {name: SkillWatch() for name in part}
            uses = [use for use in self._storage.latest_uses(part, HISTORY) if use.key not in left_out]
            left = Counter(use.skill_name for use in uses)
            for use in uses:
                watch = self._watches[use.skill_name]
                if left[use.skill_name] > JUDGED and not watch.active:
                    watch.prefill(_shown(use))
                else:
                    watch.update(_shown(use))
                left[use.skill_name] -= 1
            for use in uses:
                latest = self._watches[use.skill_name].latest
                if latest is not None and use.at >= latest - LATE:
                    self._see(use)

    def _see(self, use: DecidedUse) -> None:
        self._seen[use.key] = None
        if len(self._seen) > _SEEN_KEPT:
            self._seen.popitem(last=False)

    def _know_raised(self, now: datetime) -> None:
        if not self._raised_known:
            kept = [kept for kept in self._storage.anomalies(now) if kept.resolved_at is None]
            self._raised = {(known.skill_name, slot_of(known)): known for known in kept}
            self._raised_known = True

    def _event(self, skill_name: str, change: Change, now: datetime) -> Iterator[AnomalyEvent]:
        """The event of a change by a live use, if it is news."""
        key = (skill_name, slot_of(change.finding))
        known = self._raised.get(key)
        if change.kind == "resolved":
            if known is not None:
                resolution = change.resolution or "recovered"
                yield _resolved(self._raised.pop(key), min(change.at, now), resolution, now)
        elif known is None:
            kept = _kept(skill_name, change.finding)
            self._raised[key] = kept
            yield _raised(kept, now)

    def _settle_lost(self, now: datetime) -> list[AnomalyEvent]:
        """Resolve what was raised by a leader that ended, and is over by what was recorded since."""
        events = []
        for name, slot in list(self._raised):
            if slot not in {slot_of(finding) for finding in self._watches[name].active}:
                events.append(_resolved(self._raised.pop((name, slot)), now, "recovered", now))
        return events


def _shown(use: DecidedUse) -> Use:
    return Use(use.at, use.completed, use.duration_seconds, use.key, use.session_id)


def slot_of(finding: Finding | KeptAnomaly) -> str:
    """What can last once at a time for a skill."""
    return f"{finding.measure} {finding.anomaly_type}"


def _kept(skill_name: str, finding: Finding) -> KeptAnomaly:
    return KeptAnomaly(
        anomaly_id=hashed_id("anomaly", skill_name, slot_of(finding), finding.key),
        skill_name=skill_name,
        anomaly_type=finding.anomaly_type,
        measure=finding.measure,
        method=finding.method,
        baseline_value=finding.signal.baseline_value,
        observed_value=finding.signal.observed_value,
        deviation_score=finding.signal.deviation_score,
        sample_count=finding.signal.sample_count,
        detected_at=finding.detected_at,
        resolved_at=None,
        resolution=None,
    )


def _raised(kept: KeptAnomaly, now: datetime) -> AnomalyEvent:
    return AnomalyEvent(
        id=hashed_id("anomaly", str(kept.anomaly_id), "raised"),
        occurred_at=now,
        kind="anomaly_raised",
        **_fields(kept),
    )


def _resolved(kept: KeptAnomaly, at: datetime, resolution: str, now: datetime) -> AnomalyEvent:
    return AnomalyEvent(
        id=hashed_id("anomaly", str(kept.anomaly_id), "resolved"),
        occurred_at=now,
        kind="anomaly_resolved",
        **_fields(kept) | {"resolved_at": max(at, kept.detected_at), "resolution": resolution},
    )


def _fields(kept: KeptAnomaly) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in KeptAnomaly.__slots__}
