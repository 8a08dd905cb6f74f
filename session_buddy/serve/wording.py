"""Figures as the sentences that prompts are filled with. Pure."""

from collections.abc import Sequence

from session_buddy.models.answers import Rate, SessionAnalytics, SkillDescription, SkillMetrics, ValueCount

_SHOWN_VALUES = 5
_SHOWN_PATH = 12


def skill_figures(metrics: SkillMetrics) -> str:
    """One skill's record in a few lines."""
    ended = (
        f"{metrics.completed_count} completed, {metrics.failed_count} failed, "
        f"{metrics.abandoned_count} abandoned, {metrics.open_count} undecided"
    )
    known = f"{metrics.reported_count} outcomes reported, {metrics.inferred_count} inferred"
    lines = [
        f"- {metrics.invocation_count} uses: {ended} ({known})",
        f"- completion rate {rate(metrics.completion_rate)}",
    ]
    if metrics.duration is not None:
        p50, p95 = metrics.duration.p50_seconds, metrics.duration.p95_seconds
        lines.append(f"- active p50 {p50:.0f} s, p95 {p95:.0f} s over {metrics.duration.sample_count} uses")
    if metrics.errors:
        lines.append(f"- errors: {counts(metrics.errors)}")
    if metrics.phases:
        lines.append(f"- phases: {counts(metrics.phases)}")
    if metrics.rating_mean is not None:
        lines.append(f"- rated {metrics.rating_mean:.1f} of 5 in {metrics.rating_count} ratings")
    return "\n".join(lines)


def described_skill(description: SkillDescription) -> str:
    """What a skill says of itself and what it is used with."""
    lines = [f"Its SKILL.md says: {description.description or 'nothing; the skill is not in the catalogue'}."]
    if description.often_before:
        lines.append(f"Often used before it: {counts(description.often_before)}.")
    if description.often_after:
        lines.append(f"Often used after it: {counts(description.often_after)}.")
    return "\n".join(lines)


def session_so_far(analytics: SessionAnalytics) -> str:
    """The skills of a session in order, and how they ended."""
    if not analytics.skill_path:
        return "no skill was used yet."
    path = analytics.skill_path[-_SHOWN_PATH:]
    omitted = "... > " if len(path) < len(analytics.skill_path) else ""
    ended = f"{analytics.completed_count} completed, {analytics.failed_count} failed"
    undecided = f"{analytics.abandoned_count} abandoned, {analytics.open_count} undecided"
    return f"{omitted}{' > '.join(path)}. {ended}, {undecided}."


def top_skills(skills: Sequence[SkillMetrics]) -> str:
    """A line for each skill."""
    lines = []
    for skill in skills:
        uses = "1 use" if skill.invocation_count == 1 else f"{skill.invocation_count} uses"
        lines.append(f"- {skill.skill_name}: {uses}, completion rate {rate(skill.completion_rate)}")
    return "\n".join(lines) or "- none yet"


def rate(value: Rate | None) -> str:
    """A rate with its interval and denominator."""
    if value is None:
        return "unknown: no outcome is decided yet"
    interval = f"95 % interval {value.lower:.0%} to {value.upper:.0%}"
    return f"{value.value:.0%} ({interval}, {value.denominator} decided)"


def counts(values: Sequence[ValueCount]) -> str:
    """The most frequent values with how often they occurred."""
    return ", ".join(f"{item.value} ({item.invocation_count})" for item in values[:_SHOWN_VALUES])
