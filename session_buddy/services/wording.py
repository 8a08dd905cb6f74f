"""Totals and invocations as answers, with an interval for every rate."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from session_buddy.analytics.intervals import wilson
from session_buddy.live.sketch import RELATIVE_ACCURACY, quantile
from session_buddy.models.answers import Durations, Invocation, Rate, SkillMetrics, ValueCount
from session_buddy.models.values import Dimensions, SkillTotals, Window


def described(window: Window) -> str:
    """A window in words."""
    if window.since is None and window.until is None:
        return "all time"
    since = window.since.isoformat() if window.since else "the beginning"
    until = window.until.isoformat() if window.until else "now"
    return f"{since} to {until}"


def rate(successes: int, trials: int) -> Rate | None:
    """A proportion with its interval; None without any trial."""
    if trials == 0:
        return None
    lower, upper = wilson(successes, trials)
    return Rate(value=successes / trials, lower=lower, upper=upper, denominator=trials)


def completion(totals: SkillTotals) -> Rate | None:
    """Completed among all uses with an outcome."""
    decided = totals.completed_count + totals.failed_count + totals.abandoned_count
    return rate(totals.completed_count, decided)


def durations(totals: SkillTotals) -> Durations | None:
    """Percentiles and mean; the percentiles are exact where the totals hold them, else within 1 %."""
    if totals.duration_count == 0:
        return None
    p50, p95, error = totals.p50_seconds, totals.p95_seconds, 0.0
    if p50 is None or p95 is None:
        p50, p95 = quantile(totals.duration_buckets, 0.5), quantile(totals.duration_buckets, 0.95)
        error = RELATIVE_ACCURACY
    if p50 is None or p95 is None:
        return None
    return Durations(
        p50_seconds=p50,
        p95_seconds=p95,
        mean_seconds=totals.duration_sum / totals.duration_count,
        sample_count=totals.duration_count,
        relative_error=error,
    )


def metrics(totals: SkillTotals) -> SkillMetrics:
    """Totals as an answer."""
    decided = totals.completed_count + totals.failed_count + totals.abandoned_count
    return SkillMetrics(
        skill_name=totals.skill_name,
        invocation_count=totals.invocation_count,
        completed_count=totals.completed_count,
        failed_count=totals.failed_count,
        abandoned_count=totals.abandoned_count,
        open_count=totals.invocation_count - decided,
        completion_rate=completion(totals),
        duration=durations(totals),
        reported_count=totals.reported_count,
        inferred_count=totals.inferred_count,
        errors=counts(totals.errors),
        phases=counts(totals.phases),
        rating_mean=totals.rating_sum / totals.rating_count if totals.rating_count else None,
        rating_count=totals.rating_count,
        first_invoked_at=totals.first_invoked_at,
        last_invoked_at=totals.last_invoked_at,
    )


def counts(counts: Mapping[str, int]) -> list[ValueCount]:
    """Values by count, most frequent first."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [ValueCount(value=value, invocation_count=count) for value, count in ordered if count > 0]


def number_of(count: int, thing: str) -> str:
    """A count in words: "1 skill", "2 skills"."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def among(only: Dimensions) -> str:
    """What uses were asked for, in words."""
    asked = {"project": only.project, "agent": only.agent, "user": only.user_id}
    return ", ".join(f"{name} {value!r}" for name, value in asked.items() if value is not None)


def metrics_message(found: Sequence[SkillTotals], limit: int, never_used: Sequence[str]) -> str:
    """What the figures are, and what to know of them, in words."""
    uses = sum(totals.invocation_count for totals in found)
    counted = f"{number_of(uses, 'invocation')} of {number_of(len(found), 'skill')}."
    parts = [counted] if found else ["Nothing was recorded in that window."]
    if len(found) > limit:
        parts.append(f"The {limit} most used are shown.")
    if never_used:
        were = "was" if len(never_used) == 1 else "were"
        parts.append(f"{number_of(len(never_used), 'installed skill')} {were} never used.")
    inferred = sum(totals.inferred_count for totals in found)
    if inferred:
        are = "is" if inferred == 1 else "are"
        parts.append(f"{number_of(inferred, 'outcome')} {are} inferred from what happened, not reported.")
    return " ".join(parts)


def session_message(invocations: Iterable[Invocation], score: float | None) -> str:
    """A session in words."""
    outcomes = Counter(use.outcome or "open" for use in invocations)
    told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    if score is None:
        return f"{told}. Too few decided invocations for an effectiveness score (3 are needed)."
    return f"{told}. Effectiveness {score:.0f} of 100."


def description_message(totals: SkillTotals, *, installed: bool) -> str:
    """A skill in words."""
    if totals.invocation_count == 0:
        return f"{totals.skill_name} is installed and was never used."
    where = "" if installed else " It is not installed here (any more)."
    return f"{totals.skill_name} was used {number_of(totals.invocation_count, 'time')}.{where}"
