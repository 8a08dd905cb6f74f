"""What an experiment can be about, and how the values are taken.

>>> METRICS["duration_seconds"].value(0.0) == METRICS["duration_seconds"].value(0.001)
True
>>> METRICS["completion_rate"].in_words(0.9), METRICS["duration_seconds"].in_words(math.log(90))
('90.0 %', '90.0 s')
>>> METRICS["completion_rate"].difference_in_words(0.031)
'+3.1 points'
>>> METRICS["duration_seconds"].difference_in_words(math.log(0.8))
'-20.0 %'
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

MetricName = Literal["completion_rate", "duration_seconds", "user_rating", "acceptance_rate"]
SHORTEST_SECONDS: Final = 0.001


@dataclass(frozen=True, slots=True)
class Metric:
    """kind: a rate of values 0 and 1, seconds that are compared as logarithms, or a rating from 1 to 5."""

    name: MetricName
    kind: Literal["rate", "seconds", "rating"]
    higher_is_better: bool = True

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Least and greatest value of one outcome; None where there are none."""
        return {"rate": (0.0, 1.0), "rating": (1.0, 5.0)}.get(self.kind)

    def value(self, raw: float) -> float:
        """What goes into the sums for an outcome: 0 or 1, the logarithm of seconds, or the rating.

        Raises:
            ValueError: a rate that is neither 0 nor 1, negative seconds, a rating outside 1..5, or no number.
        """
        if self.kind == "rate":
            fits, wanted = raw in {0.0, 1.0}, "0 or 1"
        elif self.kind == "rating":
            fits, wanted = 1 <= raw <= 5, "between 1 and 5"
        else:
            fits, wanted = 0 <= raw < math.inf, "a number of seconds"
        if not fits:
            raise ValueError(f"A value of {self.name} is {wanted}, not {raw}")
        return math.log(max(raw, SHORTEST_SECONDS)) if self.kind == "seconds" else float(raw)

    def shown(self, mean: float) -> float:
        """A mean of the sums as a person reads it: seconds are a geometric mean."""
        return math.exp(min(mean, 700.0)) if self.kind == "seconds" else mean

    def in_words(self, mean: float) -> str:
        """A mean with its unit."""
        if self.kind == "rate":
            return f"{100 * mean:.1f} %"
        return f"{self.shown(mean):.1f} s" if self.kind == "seconds" else f"{mean:.2f}"

    def difference_in_words(self, difference: float) -> str:
        """A difference of two means: points of a rate, per cent of the seconds, or steps of the rating."""
        if self.kind == "rate":
            return f"{100 * difference:+.1f} points"
        if self.kind == "seconds":
            return f"{100 * math.expm1(min(difference, 50.0)):+.1f} %"
        return f"{difference:+.2f}"

    def better(self, difference: float) -> bool:
        """Whether a difference of this sign is an improvement."""
        return (difference > 0) == self.higher_is_better


METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    {
        "completion_rate": Metric("completion_rate", "rate"),
        "duration_seconds": Metric("duration_seconds", "seconds", higher_is_better=False),
        "user_rating": Metric("user_rating", "rating"),
        "acceptance_rate": Metric("acceptance_rate", "rate"),
    }
)
