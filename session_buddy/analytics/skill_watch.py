"""All that is watched of one skill: completion, duration and volume, use by use.

Raises what the detectors see, and says when it is over. An anomaly is over when its measure is again as it
was before (`recovered`), when the lagged baseline has come to the new level, so that this is how the skill is
now (`new_level`), or 46 hours after it was raised and 24 after it was confirmed last (`not_seen_again`): a
false alarm, or a skill that nobody uses.

>>> from datetime import UTC, datetime
>>> watch, begin = SkillWatch(), datetime(2026, 3, 2, tzinfo=UTC)
>>> def use(number, completed):
...     return Use(begin + timedelta(hours=number), completed, None, str(number))
>>> any([watch.update(use(number, number % 10 != 0)) for number in range(100)])
False
>>> [change.kind for number in range(100, 130) for change in watch.update(use(number, number % 3 == 0))]
['raised', 'confirmed']
>>> [change.resolution for number in range(130, 150) for change in watch.update(use(number, True))]
['recovered']
"""

from collections import deque
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, Protocol

from session_buddy.analytics.completion_cusum import CompletionCusum, CompletionRecovery
from session_buddy.analytics.duration_cusum import DurationBaseline, DurationCusum, DurationRecovery
from session_buddy.analytics.duration_spikes import is_usual, spike_of
from session_buddy.analytics.signals import Signal
from session_buddy.analytics.volume_shift import DAYS, LEAST_MORE, shift_of
from session_buddy.models.vocabulary import AnomalyType, Measure

Resolution = Literal["recovered", "new_level", "not_seen_again"]
UNCONFIRMED: Final = timedelta(hours=46)
CONFIRMED: Final = timedelta(hours=24)
_PAST_KEPT = 50


@dataclass(frozen=True, slots=True)
class Use:
    """One decided invocation. completed, seconds: None where that is not known. key: its id.

    session: the id of its session; "" where it is not known.
    """

    at: datetime
    completed: bool | None
    seconds: float | None
    key: str
    session: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """An anomaly as it was raised. key: of the use at which it was."""

    anomaly_type: AnomalyType
    measure: Measure
    method: str
    signal: Signal
    detected_at: datetime
    key: str


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a finding at a moment; resolution only of one that is over."""

    kind: Literal["raised", "confirmed", "resolved"]
    finding: Finding
    at: datetime
    resolution: Resolution | None = None


class _Recovery(Protocol):
    def update(self, use: Use) -> Resolution | None: ...


@dataclass(slots=True)
class _Active:
    finding: Finding
    confirmed_at: datetime
    recovery: _Recovery

    @property
    def ends_at(self) -> datetime:
        """When it is over if nothing confirms it until then."""
        return max(self.finding.detected_at + UNCONFIRMED, self.confirmed_at + CONFIRMED)


class SkillWatch:
    """The state of one skill. Uses come in order of time; one that comes late counts as of now."""

    __slots__ = ("_active", "_completion", "_day", "_days", "_duration", "_latest", "past")

    def __init__(self) -> None:
        self._completion = CompletionCusum()
        self._duration = DurationCusum()
        self._days: deque[int] = deque(maxlen=DAYS)
        self._day: date | None = None
        self._latest: datetime | None = None
        self._active: dict[str, _Active] = {}
        self.past: deque[Change] = deque(maxlen=_PAST_KEPT)

    @property
    def latest(self) -> datetime | None:
        """When the newest use was."""
        return self._latest

    @property
    def ready(self) -> bool:
        """Whether there are enough earlier uses to compare with."""
        return self._completion.window.ready

    @property
    def active(self) -> list[Finding]:
        """What lasts, in the order in which it was raised."""
        return [active.finding for active in self._active.values()]

    def prefill(self, use: Use) -> None:
        """Take a use as part of the baseline without judging it: a tenth of the work."""
        self._latest = use.at if self._latest is None else max(use.at, self._latest)
        self._count_day(self._latest.date())
        if use.completed is not None:
            self._completion.add(use.completed, use.session)
        if use.seconds is not None:
            self._duration.baseline.add(use.seconds, use.session)

    def update(self, use: Use) -> list[Change]:
        """Take the next use; what changed by it."""
        at = use.at if self._latest is None else max(use.at, self._latest)
        self._latest = at
        changes: list[Change] = []
        if self._active:
            changes += self.tick(at)
            changes += self._see_recoveries(use, at)
        changes += self._take_volume(use, at)
        if use.completed is not None:
            changes += self._take_completion(use, at)
        if use.seconds is not None:
            changes += self._take_duration(use, at)
        return changes

    def tick(self, now: datetime) -> list[Change]:
        """What is over because nothing has confirmed it for too long."""
        return [
            self._resolve(slot, active.ends_at, "not_seen_again")
            for slot, active in list(self._active.items())
            if now >= active.ends_at
        ]

    def _take_completion(self, use: Use, at: datetime) -> list[Change]:
        signal = self._completion.update(bool(use.completed), use.session)
        if signal is None:
            return []
        finding = Finding("performance_drop", "completion", "cusum", signal, at, use.key)
        return [self._raise("completion", finding, _Completion(self._completion, signal))]

    def _take_duration(self, use: Use, at: datetime) -> list[Change]:
        if use.seconds is None:
            return []
        baseline = self._duration.baseline
        spike = spike_of(use.seconds, baseline)
        spread = baseline.spread
        signal = self._duration.update(use.seconds, use.session)
        changes = []
        if spike is not None:
            finding = Finding("performance_spike", "duration", "robust", spike, at, use.key)
            changes.append(self._raise("spike", finding, _Spike(baseline)))
        if signal is not None:
            finding = Finding("performance_drop", "duration", "cusum", signal, at, use.key)
            changes.append(self._raise("duration", finding, _Duration(baseline, signal, spread)))
        return changes

    def _take_volume(self, use: Use, at: datetime) -> list[Change]:
        today = at.date()
        self._count_day(today)
        if self._days[-1] <= LEAST_MORE:
            return []
        *earlier, count = self._days
        signal = shift_of(earlier, count)
        if signal is None:
            return []
        finding = Finding("pattern_shift", "volume", "daily_counts", signal, at, use.key)
        return [self._raise("volume", finding, _Volume(today))]

    def _count_day(self, today: date) -> None:
        if self._day is None:
            self._days.append(0)
        elif today != self._day:
            self._days.extend([0] * min((today - self._day).days, DAYS))
        self._day = today
        self._days[-1] += 1

    def _see_recoveries(self, use: Use, at: datetime) -> list[Change]:
        changes = []
        for slot, active in list(self._active.items()):
            resolution = active.recovery.update(use)
            if resolution is not None:
                changes.append(self._resolve(slot, at, resolution))
        return changes

    def _raise(self, slot: str, finding: Finding, recovery: _Recovery) -> Change:
        known = self._active.get(slot)
        if known is not None:
            known.confirmed_at = finding.detected_at
            return Change("confirmed", known.finding, finding.detected_at)
        self._active[slot] = _Active(finding, finding.detected_at, recovery)
        return Change("raised", finding, finding.detected_at)

    def _resolve(self, slot: str, at: datetime, resolution: Resolution) -> Change:
        change = Change("resolved", self._active.pop(slot).finding, at, resolution)
        self.past.append(change)
        return change


class _Completion:
    def __init__(self, cusum: CompletionCusum, signal: Signal) -> None:
        self._cusum = cusum
        self._test = CompletionRecovery(signal)

    def update(self, use: Use) -> Resolution | None:
        if use.completed is None:
            return None
        if self._test.update(use.completed):
            return "recovered"
        baseline = self._cusum.baseline
        return "new_level" if baseline is not None and self._test.has_moved(baseline) else None


class _Duration:
    def __init__(self, baseline: DurationBaseline, signal: Signal, spread: float) -> None:
        self._baseline = baseline
        self._test = DurationRecovery(signal, spread)

    def update(self, use: Use) -> Resolution | None:
        if use.seconds is None:
            return None
        if self._test.update(use.seconds):
            return "recovered"
        return "new_level" if self._test.has_moved(self._baseline.level) else None


class _Spike:
    def __init__(self, baseline: DurationBaseline) -> None:
        self._baseline = baseline

    def update(self, use: Use) -> Resolution | None:
        return "recovered" if use.seconds is not None and is_usual(use.seconds, self._baseline) else None


class _Volume:
    def __init__(self, day: date) -> None:
        self._day = day

    def update(self, use: Use) -> Resolution | None:
        return "recovered" if use.at.date() > self._day + timedelta(days=1) else None
