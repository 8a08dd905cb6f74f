"""What `evaluate` found, as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from session_buddy.cli.output import add, console, say, show, table

_NUMBERS = ("HR@1", "HR@3", "MRR", "events")
_SCORES = {
    "model": "model, all outcomes",
    "model_on_test": "model",
    "skill_rate_on_test": "rate of the skill",
    "overall_rate_on_test": "rate of all",
    "random_forest_on_test": "random forest",
}


def show_report(report: Mapping[str, Any]) -> None:
    """Print every table, and what it cannot say."""
    out = console()
    for part in report["next_action"]:
        source = f"{part['source']}, " if part["source"] else ""
        _show_ranking(
            out,
            f"Next {part['action'].replace('_', ' ')} ({source}last {part['test_session_count']} of "
            f"{part['session_count']} sessions)",
            part["scores"],
            report["default_strategy"],
        )
    _show_ranking(
        out, "Next skill (each use but a project's first)", report["next_skill"], report["default_strategy"]
    )
    say(out, "text_match ranks by the words of a request; a log holds none, so it is not scored.\n")
    _show_success(out, report["success"])
    _show_slowdowns(out, report["slowdowns"])


def _show_ranking(out: Console, title: str, scores: Sequence[Mapping[str, Any]], default: str) -> None:
    if not scores:
        say(out, f"{title}: too few events to score.\n")
        return
    made = table("Strategy", *_NUMBERS, title=title, right=_NUMBERS)
    for score in scores:
        name = score["strategy"]
        add(
            made,
            f"{name} (default)" if name == default else name,
            f"{score['hit_rate_1']:.3f}",
            f"{score['hit_rate_3']:.3f}",
            f"{score['mean_reciprocal_rank']:.3f}",
            str(score["event_count"]),
        )
    show(out, made)
    say(out)


def _show_success(out: Console, success: Mapping[str, Any] | None) -> None:
    if success is None:
        say(out, "Success: too few known outcomes to score.")
        return
    right = ("log-loss", "Brier", "ECE", "outcomes")
    title = "Success probability (below the first line: the last 20 % of outcomes)"
    made = table("Predicted by", *right, title=title, right=right)
    for name, label in _SCORES.items():
        score = success[name]
        if score is not None:
            add(
                made,
                label,
                f"{score['log_loss']:.4f}",
                f"{score['brier']:.4f}",
                f"{score['calibration_error']:.4f}",
                str(score["prediction_count"]),
            )
    show(out, made)
    if success["random_forest_note"]:
        say(out, success["random_forest_note"])


def _show_slowdowns(out: Console, slowdowns: Mapping[str, Any] | None) -> None:
    if slowdowns is None:
        say(out, "\nSlowdowns: no action has the 150 durations that it takes to score them.")
        return
    right = ("false alarms in 1,000 uses", "found in 30 uses", "median delay")
    say(out)
    made = table("Detector", *right, title="Slowdowns planted at the end of each action", right=right)
    for score in slowdowns["scores"]:
        delay = score["median_delay"]
        add(
            made,
            score["method"],
            f"{score['false_alarms_per_1000']:.1f}",
            f"{100 * score['found_share']:.0f} % of {score['action_count']}",
            "never" if delay is None else f"{delay:.0f} uses",
        )
    show(out, made)
    if slowdowns["note"]:
        say(out, slowdowns["note"])
