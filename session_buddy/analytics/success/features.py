"""The seven named features of a use, at its own time, without the use itself."""

from collections import OrderedDict, deque
from typing import NamedTuple

from session_buddy.analytics.success.uses import Use
from session_buddy.models.vocabulary import WORKFLOW_PHASES

_DAY = 86_400.0
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday
_SESSIONS_KEPT = 10_000
_PHASES: dict[str, int] = {phase: number for number, phase in enumerate(WORKFLOW_PHASES)}


class Features(NamedTuple):
    """The seven features.

    hour_of_day: 0..23 UTC. day_of_week: 0 Monday .. 6 Sunday. invocation_count_24h: earlier uses of the
    skill in the last 24 hours. avg_completion_rate_24h: of those whose outcome was known, 0..1, drawn to
    the skill's own rate while there are few. workflow_phase_encoded: place in `WORKFLOW_PHASES`.
    session_length_minutes: since the session's first use. user_skill_familiarity: earlier uses of the skill
    by this user.
    """

    hour_of_day: int
    day_of_week: int
    invocation_count_24h: int
    avg_completion_rate_24h: float
    workflow_phase_encoded: int
    session_length_minutes: float
    user_skill_familiarity: int


class _Day:
    """The uses of one skill in the last 24 hours."""

    __slots__ = ("begun", "completed", "settled")

    def __init__(self) -> None:
        self.begun: deque[float] = deque()
        self.settled: deque[tuple[float, bool]] = deque()
        self.completed = 0

    def until(self, at: float) -> None:
        """Drop what lies more than 24 hours before `at`."""
        while self.begun and self.begun[0] < at - _DAY:
            self.begun.popleft()
        while self.settled and self.settled[0][0] < at - _DAY:
            self.completed -= self.settled.popleft()[1]


class FeatureState:
    """What the features are computed from; moves forward only.

    A use that lies before the latest one is taken as if it happened now: windows never go back.

    >>> state = FeatureState()
    >>> use = Use("test", at=0.0, session_id="s", user="ada")
    >>> state.begin(use)
    >>> state.of(use._replace(at=60.0), rate=0.5).invocation_count_24h
    1
    """

    def __init__(self) -> None:
        self._days: dict[str, _Day] = {}
        self._familiar: dict[tuple[str, str], int] = {}
        self._began: OrderedDict[str, float] = OrderedDict()

    def of(self, use: Use, rate: float) -> Features:
        """The features of a use; rate: of the skill so far, 0..1, which few uses of the day are drawn to."""
        day = self._days.get(use.skill_name)
        count, average = 0, rate
        if day is not None:
            day.until(use.at)
            count = len(day.begun)
            average = (day.completed + rate) / (len(day.settled) + 1.0)
        hours = int(use.at // 3600)
        return Features(
            hour_of_day=hours % 24,
            day_of_week=(hours // 24 + _EPOCH_WEEKDAY) % 7,
            invocation_count_24h=count,
            avg_completion_rate_24h=average,
            workflow_phase_encoded=_PHASES.get(use.phase, len(_PHASES) - 1),
            session_length_minutes=max(0.0, use.at - self._began.get(use.session_id, use.at)) / 60.0,
            user_skill_familiarity=self._familiar.get((use.user, use.skill_name), 0),
        )

    def begin(self, use: Use) -> None:
        """The use has begun: it counts for those after it."""
        day = self._days.get(use.skill_name)
        if day is None:
            day = self._days[use.skill_name] = _Day()
        day.begun.append(use.at)
        key = (use.user, use.skill_name)
        self._familiar[key] = self._familiar.get(key, 0) + 1
        if use.session_id not in self._began:
            self._began[use.session_id] = use.at
            if len(self._began) > _SESSIONS_KEPT:
                self._began.popitem(last=False)

    def settle(self, use: Use, *, completed: bool) -> None:
        """The outcome of a use that began is known."""
        day = self._days.get(use.skill_name)
        if day is not None:
            day.settled.append((use.at, completed))
            day.completed += completed
