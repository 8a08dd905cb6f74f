"""What is counted since the leader began: invocations as they are decided, and how long they took.

A counter of Prometheus only goes up, so an invocation counts once, with what was known when its outcome
became known first; a later correction moves the windows, not the counters. A label costs a subscriber
memory for ever, so at most `LABEL_LIMIT` skills have one of their own, by rank; the rest count under
`OTHER`. Which label an invocation counts under is decided when it counts, so that each series only goes
up while skills change ranks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final

from session_buddy.models.vocabulary import Outcome, WorkflowPhase

LABEL_LIMIT: Final = 200
OTHER: Final = "_other"
DURATION_BOUNDS: Final = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
"""Upper bounds of the duration buckets, in seconds; an endless one follows."""


@dataclass(slots=True)
class Histogram:
    """Counts of values between bounds. counts: one for each bound (not cumulative) and one beyond."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        """Begin with nothing counted."""
        if not self.counts:
            self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one value; a value equal to a bound lies below it."""
        place = next((place for place, bound in enumerate(self.bounds) if value <= bound), len(self.bounds))
        self.counts[place] += 1
        self.total += value

    def copy(self) -> "Histogram":
        """The same, which does not change any more."""
        return Histogram(self.bounds, list(self.counts), self.total)


@dataclass(frozen=True, slots=True)
class Counted:
    """The counters at one moment. invocations: (label, phase, outcome) -> count; durations by label."""

    invocations: Mapping[tuple[str, str, str], int]
    durations: Mapping[str, Histogram]
    anomalies: Mapping[tuple[str, str], int]
    dropped_labels: int
    labelled: frozenset[str]


class Ranks:
    """How often each skill was used in all, and which skills have a label of their own."""

    def __init__(self, limit: int = LABEL_LIMIT) -> None:
        self._limit = limit
        self._uses: dict[str, int] = {}
        self.labelled: set[str] = set()

    def __len__(self) -> int:
        """Skills that were ever used."""
        return len(self._uses)

    def used(self, skill_name: str) -> None:
        """A skill was used once more."""
        self._uses[skill_name] = self._uses.get(skill_name, 0) + 1
        self.label_of(skill_name)

    def load(self, uses: Mapping[str, int], *, keep: bool = False) -> set[str]:
        """Begin from these counts, and give the labels by rank; returns the skills that lost theirs.

        keep: who has a label keeps it, and only free ones are given.
        """
        self._uses = dict(uses)
        before = self.labelled
        first = nsmallest(self._limit, self._uses.items(), key=lambda item: (-item[1], item[0]))
        ranked = [name for name, _ in first]
        if keep:
            free = self._limit - len(before)
            ranked = [*before, *[name for name in ranked if name not in before][:free]]
        self.labelled = set(ranked)
        return before - self.labelled

    def label_of(self, skill_name: str) -> str:
        """The skill's own label, one that is free if it has none yet, or `OTHER`."""
        if len(self.labelled) < self._limit:
            self.labelled.add(skill_name)
        return skill_name if skill_name in self.labelled else OTHER


class Counters:
    """The counters. Not thread-safe."""

    def __init__(self, limit: int = LABEL_LIMIT) -> None:
        """limit: how many skills may have a label of their own."""
        self.ranks = Ranks(limit)
        self._invocations: dict[tuple[str, str, str], int] = {}
        self._durations: dict[str, Histogram] = {}
        self._anomalies: dict[tuple[str, str], int] = {}
        self._dropped = 0

    def decided(self, skill_name: str, phase: WorkflowPhase, outcome: Outcome) -> None:
        """The outcome of an invocation became known."""
        key = (self._label(skill_name), phase, outcome)
        self._invocations[key] = self._invocations.get(key, 0) + 1

    def measured(self, skill_name: str, seconds: float) -> None:
        """The duration of an invocation became known."""
        label = self.ranks.label_of(skill_name)
        if label not in self._durations:
            self._durations[label] = Histogram(DURATION_BOUNDS)
        self._durations[label].observe(seconds)

    def anomaly(self, skill_name: str, anomaly_type: str) -> None:
        """An anomaly was detected."""
        key = (self.ranks.label_of(skill_name), anomaly_type)
        self._anomalies[key] = self._anomalies.get(key, 0) + 1

    def rank(self, uses: Mapping[str, int], *, keep: bool = False) -> None:
        """Give the labels anew by all-time counts; the series of a skill that loses its label end.

        keep: who has a label keeps it.
        """
        self._end_series(self.ranks.load(uses, keep=keep))

    def counted(self) -> Counted:
        """All counters as they are now."""
        durations = {label: histogram.copy() for label, histogram in self._durations.items()}
        labelled = frozenset(self.ranks.labelled)
        return Counted(dict(self._invocations), durations, dict(self._anomalies), self._dropped, labelled)

    def _label(self, skill_name: str) -> str:
        label = self.ranks.label_of(skill_name)
        self._dropped += label == OTHER
        return label

    def _end_series(self, labels: Iterable[str]) -> None:
        gone = set(labels)
        if gone:
            self._invocations = {key: n for key, n in self._invocations.items() if key[0] not in gone}
            self._durations = {label: h for label, h in self._durations.items() if label not in gone}
            self._anomalies = {key: n for key, n in self._anomalies.items() if key[0] not in gone}
