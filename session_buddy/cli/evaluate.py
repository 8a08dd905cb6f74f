"""`evaluate`: how well suggestions and success probabilities do on a log of what agents did."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from session_buddy.analytics.isolation_forest import unusual
from session_buddy.analytics.slowdown_evaluation import Detector, cusum, durations_of, score_detectors
from session_buddy.analytics.success.evaluation import SuccessScores, score_success
from session_buddy.analytics.success.forest import forest_score
from session_buddy.analytics.success.scoring import Score
from session_buddy.analytics.success.uses import Use
from session_buddy.analytics.suggesting.context import Strategy
from session_buddy.analytics.suggesting.evaluation import (
    LoggedUse,
    RankingScore,
    first_test_session,
    in_sessions,
    score_next_action,
    score_next_skill,
)
from session_buddy.analytics.suggesting.strategies import DEFAULT, STRATEGIES
from session_buddy.cli.options import Command, json_option
from session_buddy.cli.plain import print_json
from session_buddy.errors import InvalidInput
from session_buddy.ingest.event_log import read_event_log

_NO_QUERIES = "text_match"  # a log holds no requests, so it has nothing to rank by
_FEWEST = 2

Action = Callable[[LoggedUse], str]
_ACTIONS: dict[str, Action] = {"tool": lambda use: use.tool, "fine_action": lambda use: use.fine}
_SKILLS: dict[str, Action] = {"skill": lambda use: use.skill_name or ""}


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy evaluate events.csv.gz
  session-buddy export --json > uses.jsonl && session-buddy evaluate uses.jsonl
  session-buddy evaluate events.csv --json | jq '.next_action[].scores'""",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@json_option
def evaluate(file: str, as_json: bool) -> None:
    """Score suggestions and success probabilities on a log of what agents did.

    Slowdowns: where an action has 150 durations or more, its last 60 are made three times as long.
    Next action: the last 20 % of sessions are predicted event by event, every event learned right after.
    Next skill: every use of a skill but the first of its project. Success: every outcome, before it is
    learned. Nothing is recorded, and no home is needed.
    """
    uses = read_event_log(file)
    if len(uses) < _FEWEST:
        raise InvalidInput(f"{file} has {len(uses)} events; there is nothing to predict below {_FEWEST}.")
    report = {
        "file": Path(file).name,
        "event_count": len(uses),
        "default_strategy": DEFAULT,
        "next_action": list(_next_action(uses)),
        "next_skill": _of_strategies(partial(score_next_skill, uses=uses), "next skill"),
        "success": _success(uses),
        "slowdowns": _slowdowns(uses),
    }
    if as_json:
        print_json(report)
        return
    from session_buddy.cli.evaluate_view import show_report  # rich, which --json does without

    show_report(report)


def _next_action(uses: Sequence[LoggedUse]) -> Iterator[dict[str, Any]]:
    """One entry for each source and kind of action."""
    for source in sorted({use.source for use in uses}):
        sessions = in_sessions(use for use in uses if use.source == source)
        with_tools = any(use.tool for session in sessions for use in session)
        for kind, action in (_ACTIONS if with_tools else _SKILLS).items():
            yield {
                "source": source,
                "action": kind,
                "session_count": len(sessions),
                "test_session_count": len(sessions) - first_test_session(sessions),
                "scores": _of_strategies(
                    partial(score_next_action, sessions=sessions, action=action), f"{source} {kind}".strip()
                ),
            }


def _of_strategies(score: Callable[[Strategy], RankingScore | None], what: str) -> list[dict[str, Any]]:
    """The scores of every strategy that a log can judge."""
    found = []
    for name, make in STRATEGIES.items():
        if name == _NO_QUERIES:
            continue
        if sys.stderr.isatty():
            click.echo(f"{what}: {name} ...", err=True)
        if (scored := score(make())) is not None:
            found.append(asdict(scored))
    return found


def _success(uses: Sequence[LoggedUse]) -> dict[str, Any] | None:
    """Scores of the success probability; None where too few outcomes are known."""
    known = sorted((use for use in uses if use.completed is not None), key=lambda use: use.at)
    scores = score_success([(_use(use), bool(use.completed)) for use in known])
    if scores is None:
        return None
    forest, note = _forest(scores)
    return {
        "outcome_count": len(known),
        "test_count": scores.model_on_test.prediction_count,
        "model": asdict(scores.model),
        "model_on_test": asdict(scores.model_on_test),
        "skill_rate_on_test": asdict(scores.skill_rate_on_test),
        "overall_rate_on_test": asdict(scores.overall_rate_on_test),
        "random_forest_on_test": None if forest is None else asdict(forest),
        "random_forest_note": note,
    }


def _forest(scores: SuccessScores) -> tuple[Score | None, str | None]:
    _show_pandas()
    try:
        return forest_score(scores.features, scores.outcomes, scores.first_test), None
    except ImportError:
        return None, "Install session-buddy with the extra [ml] to compare with a random forest."


def _slowdowns(uses: Sequence[LoggedUse]) -> dict[str, Any] | None:
    """How well planted slowdowns are found; None where no action has enough durations."""
    known = durations_of(uses)
    if not known:
        return None
    detectors: dict[str, Detector] = {"cusum": cusum, "isolation_forest": unusual}
    _show_pandas()
    try:
        return {"scores": [asdict(score) for score in score_detectors(known, detectors)], "note": None}
    except ImportError:
        scores = score_detectors(known, {"cusum": cusum})
        note = "Install session-buddy with the extra [ml] to compare with an Isolation Forest."
        return {"scores": [asdict(score) for score in scores], "note": note}


def _show_pandas() -> None:
    """`__main__` hides it from the database, which is not opened here."""
    if sys.modules.get("pandas", sys) is None:
        del sys.modules["pandas"]


def _use(use: LoggedUse) -> Use:
    return Use(
        skill_name=use.fine or use.skill_name or "",
        at=use.at,
        session_id=f"{use.source} {use.session_id}",
        user=use.user,
        project=f"{use.source} {use.project}",
        phase=use.phase or "unknown",
    )
