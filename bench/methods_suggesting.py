"""Next actions and skills on the real log, each predicted before it is learned; a part of `bench.methods`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bench.generators import real_sessions
from bench.judging import FEW_RUNS, NO_BOUND, Line
from session_buddy.analytics.suggesting.evaluation import (
    LoggedUse,
    RankingScore,
    in_sessions,
    score_next_action,
    score_next_skill,
)
from session_buddy.analytics.suggesting.strategies import DEFAULT, STRATEGIES
from session_buddy.ingest.event_log import read_event_log

BASELINES = ("repeat_last", "markov")
PUBLISHED = {("entireio+cli", "tool"): (0.545, 0.850, 0.708)}
"""What has to be reached there on HR@1, HR@3 and MRR."""
NEXT_SKILL = (0.312, 0.507, 0.435)
FEWEST_EVENTS = 300
FEW_EVENTS = 100
"""With fewer, one event more or less decides what is above."""
_ACTIONS: Mapping[str, Callable[[LoggedUse], str]] = {
    "tool": lambda use: use.tool,
    "fine action": lambda use: use.fine,
}
_Figures = tuple[float, float, float]
_FIGURES = ("HR@1", "HR@3", "MRR")


def next_skill(_rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """The next action and skill, above both repeat-last and a first-order Markov chain.

    By source, where every figure has to lie above the better of both. Then by part of a source (projects,
    users, fifths of the time) with 300 events to predict or more: logs within the log, to see whether it
    leads on them too. Nothing is claimed of a single part, so a tie there is told as one, and what counts as
    missed is a figure below. Parts with 100 to 299 events are only summed up.
    """
    if not real_sessions.DATA.exists():
        return
    uses = read_event_log(str(real_sessions.DATA))
    for source in sorted({use.source for use in uses}):
        own = [use for use in uses if use.source == source]
        for kind in _ACTIONS:
            beside = _beside(f"{source} {kind}", own, kind)
            if beside is None:
                continue
            yield beside.line(strictly=True)
            least = PUBLISHED.get((source, kind))
            if least is not None:
                short = any(figure < bound for figure, bound in zip(beside.reached, least, strict=True))
                yield Line(f"next {beside.name}", _shown(beside.reached), f">= {_shown(least)}", short)
    yield _next_skill(uses)
    if runs > FEW_RUNS:
        yield from _of_parts(uses)


def _of_parts(uses: Sequence[LoggedUse]) -> Iterator[Line]:
    small = [
        beside
        for name, part in parts_of(uses).items()
        for kind in _ACTIONS
        if (beside := _beside(f"{name} {kind}", part, kind)) is not None
    ]
    parts = [beside for beside in small if beside.events >= FEWEST_EVENTS]
    for beside in parts:
        tied = f", tied in {', '.join(beside.tied)}" if beside.tied else ""
        line = beside.line(strictly=False)
        yield line._replace(figure=line.figure + tied)
    yield _summary(parts, FEWEST_EVENTS)
    yield _summary(small, FEW_EVENTS)._replace(bound=NO_BOUND, missed=False)


def _summary(parts: Sequence["Beside"], events: int) -> Line:
    above = sum(not (beside.tied or beside.below) for beside in parts)
    tied, below = (sum(map(len, column)) for column in zip(*((b.tied, b.below) for b in parts), strict=True))
    told = f"above in all three in {above}; of {3 * len(parts)} figures {tied} tied, {below} below"
    return Line(f"next action, {len(parts)} parts, {events} events or more", told, "none below", below > 0)


def parts_of(uses: Sequence[LoggedUse]) -> dict[str, list[LoggedUse]]:
    """Logs within the log: each project, each kind of agent, each fifth of a source's sessions."""
    parts: dict[str, list[LoggedUse]] = {}
    for use in uses:
        source = use.source.partition("+")[2] or use.source
        parts.setdefault(f"{source} project {use.project.rpartition('/')[2]}", []).append(use)
        parts.setdefault(f"{source} user {use.user}", []).append(use)
    for source in sorted({use.source for use in uses}):
        sessions = in_sessions(use for use in uses if use.source == source)
        short = source.partition("+")[2] or source
        for fifth in range(5):
            chosen = sessions[fifth * len(sessions) // 5 : (fifth + 1) * len(sessions) // 5]
            parts[f"{short} fifth {fifth + 1}"] = [use for session in chosen for use in session]
    whole = {len([use for use in uses if use.source == source]) for source in {use.source for use in uses}}
    return {name: part for name, part in parts.items() if len(part) not in whole}


class Beside(NamedTuple):
    """Figures of the default and the better of the baselines."""

    name: str
    reached: _Figures
    best: _Figures
    events: int

    @property
    def tied(self) -> list[str]:
        """Figures that are equal."""
        return [name for name, own, other in self._named() if own == other]

    @property
    def below(self) -> list[str]:
        """Figures in which a baseline is better."""
        return [name for name, own, other in self._named() if own < other]

    def line(self, *, strictly: bool) -> Line:
        """strictly: whether a tie is missed too."""
        figure = f"{_shown(self.reached)} of {self.events}"
        missed = bool(self.below or (strictly and self.tied))
        return Line(f"next {self.name}", figure, f"> {_shown(self.best)}", missed)

    def _named(self) -> Iterator[tuple[str, float, float]]:
        return zip(_FIGURES, self.reached, self.best, strict=True)


def _beside(name: str, uses: Sequence[LoggedUse], kind: str) -> Beside | None:
    """None where there are fewer than 100 events to predict."""
    sessions = in_sessions(uses)

    def scored(strategy: str) -> RankingScore | None:
        return score_next_action(STRATEGIES[strategy](), sessions, _ACTIONS[kind])

    ours = scored(DEFAULT)
    if ours is None or ours.event_count < FEW_EVENTS:
        return None
    others = [_figures(score) for score in map(scored, BASELINES) if score is not None]
    best: _Figures = tuple(max(column) for column in zip(*others, strict=True))  # type: ignore[assignment] # three
    return Beside(name, _figures(ours), best, ours.event_count)


def _next_skill(uses: Sequence[LoggedUse]) -> Line:
    score = score_next_skill(STRATEGIES[DEFAULT](), uses)
    if score is None:
        raise SystemExit("the log has no skills")
    reached = _figures(score)
    missed = any(own < bound for own, bound in zip(reached, NEXT_SKILL, strict=True))
    return Line(
        "next skill, by project",
        f"{_shown(reached)} of {score.event_count}",
        f">= {_shown(NEXT_SKILL)}",
        missed,
    )


def _figures(score: RankingScore) -> _Figures:
    return score.hit_rate_1, score.hit_rate_3, score.mean_reciprocal_rank


def _shown(figures: _Figures) -> str:
    return "/".join(f"{figure:.3f}"[1:] for figure in figures)


PARTS = {"next_skill": next_skill}
