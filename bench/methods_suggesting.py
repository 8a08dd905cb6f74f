"""Next actions and skills on the real log, each predicted before it is learned; a part of `bench.methods`."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from bench.generators import real_sessions
from bench.judging import FEW_RUNS, Line
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
_ACTIONS: Mapping[str, Callable[[LoggedUse], str]] = {
    "tool": lambda use: use.tool,
    "fine action": lambda use: use.fine,
}
_Figures = tuple[float, float, float]


def next_skill(_rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """The default beside repeat-last and a first-order Markov chain, by source and then by part of a source.

    The parts (projects, kinds of agent, fifths of the time) are logs that nothing was chosen on: they are
    shown with the least lead over both, and judged where a part has 300 events to predict.
    """
    if not real_sessions.DATA.exists():
        return
    uses = read_event_log(str(real_sessions.DATA))
    for source in sorted({use.source for use in uses}):
        own = [use for use in uses if use.source == source]
        for kind in _ACTIONS:
            yield from _beside(f"{source} {kind}", own, kind, PUBLISHED.get((source, kind)))
    yield _next_skill(uses)
    if runs > FEW_RUNS:
        yield from _of_parts(uses)


def _of_parts(uses: Sequence[LoggedUse]) -> Iterator[Line]:
    for name, part in parts_of(uses).items():
        for kind in _ACTIONS:
            yield from _beside(f"{name} {kind}", part, kind, None)


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


def _beside(name: str, uses: Sequence[LoggedUse], kind: str, least: _Figures | None) -> Iterator[Line]:
    sessions = in_sessions(uses)

    def scored(strategy: str) -> RankingScore | None:
        return score_next_action(STRATEGIES[strategy](), sessions, _ACTIONS[kind])

    ours = scored(DEFAULT)
    if ours is None or ours.event_count < FEWEST_EVENTS:
        return
    reached = _figures(ours)
    others = [_figures(score) for score in map(scored, BASELINES) if score is not None]
    best: _Figures = tuple(max(column) for column in zip(*others, strict=True))  # type: ignore[assignment] # three
    missed = any(own <= other for own, other in zip(reached, best, strict=True))
    yield Line(f"next {name}", f"{_shown(reached)} of {ours.event_count}", f"> {_shown(best)}", missed)
    if least is not None:
        short = any(own < bound for own, bound in zip(reached, least, strict=True))
        yield Line(f"next {name}", _shown(reached), f">= {_shown(least)}", short)


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
