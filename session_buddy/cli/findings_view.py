"""What was learned, as tables and sentences."""

from typing import Any

from rich.console import Console

from session_buddy.cli.formats import NOTHING, ago, rate, seconds
from session_buddy.cli.output import add, console, facts, say, show, table
from session_buddy.cli.tables import answer_of
from session_buddy.models.answers_findings import (
    Anomaly,
    AnomalyReport,
    CommunityBaselines,
    MeasureTrend,
    SkillDependencies,
    SkillTrend,
)


def show_answer(call: str, result: Any) -> None:
    """Show what the leader answered to a call, as `answer_of` reads it; errors as there."""
    if call == "anomalies":
        show_anomalies(answer_of(AnomalyReport, result))
    elif call == "trend":
        show_trend(answer_of(SkillTrend, result))
    elif call == "dependencies":
        show_dependencies(answer_of(SkillDependencies, result))
    else:
        show_baselines(answer_of(CommunityBaselines, result))


def show_anomalies(report: AnomalyReport, out: Console | None = None) -> None:
    """The table of `anomalies`."""
    out = out or console()
    if report.anomalies:
        made = table(
            "skill", "what", "usual", "seen", "score", "raised", "now", right=("usual", "seen", "score")
        )
        for found in report.anomalies:
            add(
                made,
                found.skill_name,
                f"{found.anomaly_type.replace('_', ' ')} ({found.measure})",
                _value(found, found.baseline_value),
                _value(found, found.observed_value),
                f"{found.deviation_score:+.1f}",
                ago(found.detected_at),
                _state(found),
            )
        show(out, made)
        say(out)
    if report.anomalies_total > len(report.anomalies):
        say(out, f"{len(report.anomalies)} of {report.anomalies_total} are listed.")
    say(out, report.message, "dim")


def _value(found: Anomaly, value: float) -> str:
    if found.measure == "completion":
        return f"{100 * value:.0f} %"
    return seconds(value) if found.measure == "duration" else f"{value:.0f} uses"


def _state(found: Anomaly) -> str:
    if found.resolved_at is not None:
        return (found.resolution or "over").replace("_", " ")
    return "lasts" if found.status == "active" else "not raised live"


def show_trend(answer: SkillTrend, out: Console | None = None) -> None:
    """The page of `trend SKILL`."""
    out = out or console()
    say(out, answer.skill_name, "bold")
    known = {
        f"completed ({answer.days:g} days)": rate(answer.completion_rate),
        "completion": _trend(answer.completion, 100, "points"),
        "duration": _trend(answer.duration, 100, "%"),
    }
    facts(out, known.items())
    say(out)
    say(out, answer.message, "dim")


def _trend(measure: MeasureTrend, scale: float, unit: str) -> str:
    if measure.slope_per_day is None or measure.lower is None or measure.upper is None:
        return f"insufficient data ({measure.sample_count} decided uses)"
    low, high = scale * measure.lower, scale * measure.upper
    return (
        f"{measure.trend}, {scale * measure.slope_per_day:+.2g} {unit} a day ({low:+.2g} to {high:+.2g}), "
        f"p {measure.p_value:.2g}"
    )


def show_dependencies(answer: SkillDependencies, out: Console | None = None) -> None:
    """The table of `deps SKILL`."""
    out = out or console()
    if answer.dependencies:
        made = table("skill", "lift", "95 %", "sessions", "before/after", "", right=("lift", "sessions"))
        for other in answer.dependencies:
            add(
                made,
                other.skill_name,
                f"{other.lift:.2f}",
                f"{other.lower:.2f}-{other.upper:.2f}",
                f"{other.session_count:,}",
                f"{other.before_count}/{other.after_count}",
                other.relationship.replace("_", " ") if other.certain else "uncertain",
            )
        show(out, made)
        say(out)
    say(out, answer.message, "dim")


def show_baselines(answer: CommunityBaselines, out: Console | None = None) -> None:
    """The table of `baselines`."""
    out = out or console()
    if answer.baselines:
        made = table(
            "skill",
            "uses",
            "users",
            "completed",
            "you",
            "above",
            "p50",
            "p95",
            right=("uses", "users", "above", "p50", "p95"),
        )
        for skill in answer.baselines:
            above = NOTHING if skill.percentile is None else f"{100 * skill.percentile:.0f} %"
            add(
                made,
                skill.skill_name,
                f"{skill.invocation_count:,}",
                f"{skill.user_count:,}",
                rate(skill.completion_rate),
                rate(skill.your_completion_rate),
                above,
                seconds(skill.p50_seconds),
                seconds(skill.p95_seconds),
            )
        show(out, made)
        say(out)
    say(out, answer.message, "dim")
