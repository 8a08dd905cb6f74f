"""The classic reading of anomalies: each hour against the hours of the week before."""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from session_buddy.analytics.zscore import MINIMUM_HOURS, deviation
from session_buddy.models.answers_findings import Anomaly, AnomalyReport
from session_buddy.models.findings import (
    DeviatingHours,
    FindingsStorageProtocol,
    Hour,
    HourlyMeasure,
    HoursAsked,
)
from session_buddy.models.vocabulary import AnomalyType, Measure
from session_buddy.services.wording import number_of

BASELINE: Final = timedelta(days=7)
_HOUR = timedelta(hours=1)


def deviating_hours(
    findings: FindingsStorageProtocol, since: datetime, threshold: float, limit: int
) -> AnomalyReport:
    """The hours since that lie `threshold` standard deviations or more from the mean of the week before."""
    begins = since.replace(minute=0, second=0, microsecond=0)
    seen = findings.deviating_hours(HoursAsked(begins, begins - BASELINE, threshold, MINIMUM_HOURS, limit))
    found = [anomaly for hour in seen.hours for anomaly in _anomalies(hour, threshold)]
    return AnomalyReport(
        method="zscore",
        threshold=threshold,
        since=since,
        anomalies=sorted(found, key=lambda anomaly: -abs(anomaly.deviation_score))[:limit],
        anomalies_total=seen.anomaly_count,
        skills_checked=seen.skill_count,
        skills_without_baseline=seen.unready_count,
        message=_message(seen, threshold),
    )


def _message(seen: DeviatingHours, threshold: float) -> str:
    if seen.unready_count == seen.skill_count:
        return (
            "insufficient_data: no skill was used in these hours and in "
            f"{MINIMUM_HOURS} hours of the week before."
        )
    ready = number_of(seen.skill_count - seen.unready_count, "skill")
    return (
        f"{number_of(seen.anomaly_count, 'hour')} at {threshold:g} deviations or more, of {ready} with a "
        "baseline. Hours hold few uses, so many of these are chance; the default method raises far fewer."
    )


def _anomalies(hour: Hour, threshold: float) -> Iterator[Anomaly]:
    if hour.decided_count:
        rate = hour.completed_count / hour.decided_count
        score = _score(rate, hour.completion)
        if score is not None and abs(score) >= threshold:
            kind: AnomalyType = "performance_drop" if score < 0 else "performance_spike"
            yield _anomaly(
                hour, kind, "completion", hour.completion.mean or 0.0, rate, score, hour.decided_count
            )
    if hour.duration_count:
        level = hour.log_duration_sum / hour.duration_count
        score = _score(level, hour.duration)
        if score is not None and score >= threshold:
            usual, took = math.expm1(hour.duration.mean or 0.0), math.expm1(level)
            yield _anomaly(hour, "performance_drop", "duration", usual, took, score, hour.duration_count)
    score = _score(float(hour.invocation_count), hour.volume)
    if score is not None and score >= threshold:
        usual = hour.volume.mean or 0.0
        count = hour.invocation_count
        yield _anomaly(hour, "pattern_shift", "volume", usual, float(count), score, count)


def _score(value: float, before: HourlyMeasure) -> float | None:
    return deviation(value, before.mean, before.deviation, before.hours)


def _anomaly(
    hour: Hour,
    kind: AnomalyType,
    measure: Measure,
    baseline: float,
    observed: float,
    score: float,
    count: int,
) -> Anomaly:
    return Anomaly(
        skill_name=hour.skill_name,
        anomaly_type=kind,
        measure=measure,
        method="zscore",
        baseline_value=baseline,
        observed_value=observed,
        deviation_score=score,
        sample_count=count,
        detected_at=hour.begins_at + _HOUR,
        resolved_at=None,
        resolution=None,
        status="computed",
    )
