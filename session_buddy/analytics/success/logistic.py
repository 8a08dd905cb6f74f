"""Logistic regression that learns from one outcome at a time."""

import math
from collections.abc import Sequence
from typing import NamedTuple

_LOGISTIC_TO_PROBIT = math.pi / 8.0


class Input(NamedTuple):
    """One active feature.

    key: the feature. value: its size. mean, variance: what is believed of its weight before anything is
    learned.
    """

    key: int
    value: float
    mean: float
    variance: float


class OnlineLogistic:
    """Bayesian logistic regression with an independent Gaussian for each weight.

    Model: log-odds = sum(weight x value). After each outcome the Gaussians are updated by an extended
    Kalman step restricted to its diagonal (Fahrmeir, "Posterior Mode Estimation by Extended Kalman
    Filtering for Multivariate Dynamic Generalized Linear Models", JASA 87, 1992; the same family as
    Graepel et al., "Web-Scale Bayesian Click-Through Rate Prediction", ICML 2010). So there is no learning
    rate to choose: an uncertain weight moves far, a settled one hardly, and a probability is drawn to one
    half by what is not known yet (MacKay 1992). Variances grow by `restlessness` a step up to the prior's,
    so that weights can follow what changes.

    >>> model = OnlineLogistic()
    >>> for _ in range(50):
    ...     model.learn([Input(1, 1.0, 0.0, 1.0)], completed=True)
    >>> model.probability([Input(1, 1.0, 0.0, 1.0)]) > 0.9
    True
    """

    def __init__(self, restlessness: float = 2e-4) -> None:
        self._growth = 1.0 + restlessness
        self._beliefs: dict[int, tuple[float, float]] = {}

    def probability(self, inputs: Sequence[Input]) -> float:
        """Of the outcome being good, 0..1 exclusive."""
        total, variance = self._sum(inputs)
        return _logistic(total / math.sqrt(1.0 + _LOGISTIC_TO_PROBIT * variance))

    def learn(self, inputs: Sequence[Input], *, completed: bool) -> None:
        """One outcome."""
        total, variance = self._sum(inputs)
        expected = _logistic(total)
        information = expected * (1.0 - expected)
        gain = 1.0 / (1.0 + information * variance)
        surprise = (completed - expected) * gain
        beliefs = self._beliefs
        for key, value, mean0, variance0 in inputs:
            mean, spread = beliefs.get(key, (mean0, variance0))
            step = spread * value
            spread -= information * gain * step * step
            beliefs[key] = (mean + step * surprise, min(variance0, spread * self._growth))

    def _sum(self, inputs: Sequence[Input]) -> tuple[float, float]:
        total = variance = 0.0
        beliefs = self._beliefs
        for key, value, mean0, variance0 in inputs:
            mean, spread = beliefs.get(key, (mean0, variance0))
            total += mean * value
            variance += spread * value * value
        return total, variance


def _logistic(value: float) -> float:
    value = min(30.0, max(-30.0, value))
    return 1.0 / (1.0 + math.exp(-value))
