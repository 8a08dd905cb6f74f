"""Scoring strategies on a log of what agents did, each event predicted before it is learned."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from session_buddy.analytics.suggesting.context import HISTORY_KEPT, Context, Scored, Strategy

TEST_SHARE = 0.2


class LoggedUse(NamedTuple):
    """One event of a log.

    tool: empty where the log is of skills alone. fine: the tool with what it was called for. skill_name:
    None for a tool call that is no use of a skill. at: seconds since 1970, UTC. seconds: how long it took.
    """

    source: str
    session_id: str
    at: float
    tool: str
    fine: str
    skill_name: str | None
    project: str
    user: str
    phase: str | None
    completed: bool | None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RankingScore:
    """How high what came next stood.

    hit_rate_1, hit_rate_3: share of events ranked first, or among the first three. mean_reciprocal_rank: mean
    of 1 / rank, 0 where it was not ranked. All 0..1.
    """

    strategy: str
    event_count: int
    hit_rate_1: float
    hit_rate_3: float
    mean_reciprocal_rank: float


class _Tally:
    """Ranks of what came."""

    def __init__(self) -> None:
        self.count = self.first = self.third = 0
        self.reciprocal = 0.0

    def add(self, candidates: Sequence[Scored], came: str) -> None:
        self.count += 1
        rank = next((place for place, (name, _) in enumerate(candidates, 1) if name == came), 0)
        if rank:
            self.first += rank == 1
            self.third += rank <= 3
            self.reciprocal += 1.0 / rank

    def score(self, strategy: str) -> RankingScore | None:
        """None where nothing was scored."""
        if not self.count:
            return None
        return RankingScore(
            strategy,
            self.count,
            self.first / self.count,
            self.third / self.count,
            self.reciprocal / self.count,
        )


def in_sessions(uses: Iterable[LoggedUse]) -> list[list[LoggedUse]]:
    """The events of each session in their order, sessions by their first time, then id."""
    sessions: dict[tuple[str, str], list[LoggedUse]] = {}
    for use in uses:
        sessions.setdefault((use.source, use.session_id), []).append(use)
    return sorted(sessions.values(), key=lambda session: (session[0].at, session[0].session_id))


def first_test_session(sessions: Sequence[Sequence[LoggedUse]]) -> int:
    """Index from which sessions are test: the last 20 %."""
    return int(len(sessions) * (1.0 - TEST_SHARE))


def score_next_action(
    strategy: Strategy, sessions: Sequence[Sequence[LoggedUse]], action: Callable[[LoggedUse], str]
) -> RankingScore | None:
    """Predict events 2..n of the last 20 % of sessions; every event is learned right after it happened."""
    tally = _Tally()
    begin = first_test_session(sessions)
    for number, session in enumerate(sessions):
        history: deque[str] = deque(maxlen=HISTORY_KEPT)
        for use in session:
            context = _context(use, history)
            came = action(use)
            if number >= begin and history:
                tally.add(strategy.rank(context), came)
            strategy.learn(context, came, use.completed)
            history.append(came)
    return tally.score(strategy.name)


def score_next_skill(strategy: Strategy, uses: Iterable[LoggedUse]) -> RankingScore | None:
    """Predict the skill uses 2..n of every project, in time order; learn each after it happened."""
    tally = _Tally()
    histories: dict[tuple[str, str], deque[str]] = {}
    projects: set[tuple[str, str]] = set()
    skills = [use for use in uses if use.skill_name]
    for use in sorted(skills, key=lambda use: (use.at, use.session_id)):
        history = histories.setdefault((use.source, use.session_id), deque(maxlen=HISTORY_KEPT))
        context = _context(use, history)
        came = use.skill_name or ""
        if (use.source, use.project) in projects:
            tally.add(strategy.rank(context), came)
        projects.add((use.source, use.project))
        strategy.learn(context, came, use.completed)
        history.append(came)
    return tally.score(strategy.name)


def _context(use: LoggedUse, history: Iterable[str]) -> Context:
    return Context(tuple(history), f"{use.source} {use.project}", f"{use.source} {use.user}", use.phase)
