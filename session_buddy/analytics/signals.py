"""What a detector says when it raises an alarm."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signal:
    """Something left its baseline.

    baseline_value, observed_value: in the measure's own unit (a ratio 0..1, seconds, invocations a day).
    deviation_score: how many standard errors the observed value lies from the baseline, negative below it.
    sample_count: invocations behind the observed value.
    """

    baseline_value: float
    observed_value: float
    deviation_score: float
    sample_count: int
