"""One distribution out of several, with weights that learn which of them to trust."""

import math
from collections.abc import Mapping, Sequence
from operator import add, mul

FLOOR = 1e-3
"""Share of the uniform distribution in every expert, so that no expert can exclude anything."""


class GeometricMixture:
    """A weighted geometric mean of distributions whose weights follow the gradient of the log-loss.

    Model: p(x) ~ prod_i p_i(x) ** w_i with w_i >= 0. The log-loss is convex in w, so online gradient
    descent with a step that shrinks as 1/sqrt(t) keeps up with the best fixed weights in hindsight
    (Mattern, "Mixing Strategies in Data Compression", DCC 2012; Zinkevich, "Online Convex Programming",
    ICML 2003). The step never falls below `smallest_step`, because habits change.

    smallest_step, largest_step: bounds of step / sqrt(uses).

    >>> mixture = GeometricMixture(("good", "bad"))
    >>> for _ in range(200):
    ...     _ = mixture.learn({"good": [0.9, 0.1], "bad": [0.1, 0.9]}, 0)
    >>> mixture.weights["good"] > mixture.weights["bad"]
    True
    """

    def __init__(
        self,
        experts: Sequence[str],
        step: float = 0.1,
        smallest_step: float = 0.0005,
        largest_step: float = 0.003,
    ) -> None:
        self.weights = {name: 1.0 / len(experts) for name in experts}
        self.uses = 0
        self._steps = (step, smallest_step, largest_step)

    def distribution(self, experts: Mapping[str, Sequence[float]]) -> list[float]:
        """The mixture of the experts that have something to say, each of shape (n,)."""
        return self._mixed(_logarithms(experts))

    def learn(self, experts: Mapping[str, Sequence[float]], item: int) -> float:
        """`item` came: trust those more that expected it; returns the log-loss of the mixture in nats."""
        logarithms = _logarithms(experts)
        mixed = self._mixed(logarithms)
        self.uses += 1
        step, smallest, largest = self._steps
        rate = min(largest, max(smallest, step / math.sqrt(self.uses)))
        for name, values in logarithms.items():
            expected = sum(map(mul, mixed, values))
            self.weights[name] = max(0.0, self.weights[name] + rate * (values[item] - expected))
        return -math.log(mixed[item])

    def _mixed(self, logarithms: Mapping[str, Sequence[float]]) -> list[float]:
        summed = [0.0] * len(next(iter(logarithms.values())))
        for name, values in logarithms.items():
            weight = self.weights[name]
            summed = list(map(add, summed, map(weight.__mul__, values)))
        top = max(summed)
        powers = [math.exp(value - top) for value in summed]
        total = sum(powers)
        return [max(power / total, 1e-300) for power in powers]


def _logarithms(experts: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Up to the same constant for all items of an expert, which neither the mixture nor its gradient sees."""
    floor = FLOOR / (1.0 - FLOOR) / len(next(iter(experts.values())))
    return {name: list(map(math.log, map(floor.__add__, values))) for name, values in experts.items()}
