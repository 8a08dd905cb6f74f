"""One distribution out of several, with weights that learn which of them to trust."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from session_buddy.analytics.suggesting.vocabulary import Array

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
    ...     _ = mixture.learn({"good": np.array([0.9, 0.1]), "bad": np.array([0.1, 0.9])}, 0)
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

    def distribution(self, experts: Mapping[str, Array]) -> Array:
        """The mixture of the experts that have something to say, each of shape (n,)."""
        return self._mixed(self._weights_of(experts), _logarithms(experts))

    def learn(self, experts: Mapping[str, Array], item: int) -> float:
        """`item` came: trust those more that expected it; returns the log-loss of the mixture in nats."""
        logarithms, weights = _logarithms(experts), self._weights_of(experts)
        mixed = self._mixed(weights, logarithms)
        self.uses += 1
        step, smallest, largest = self._steps
        rate = min(largest, max(smallest, step / math.sqrt(self.uses)))
        moved = np.maximum(0.0, weights + rate * (logarithms[:, item] - logarithms @ mixed))
        self.weights.update(zip(experts, moved.tolist(), strict=True))
        return -math.log(mixed[item])

    def _weights_of(self, experts: Mapping[str, Array]) -> Array:
        return np.array([self.weights[name] for name in experts])

    @staticmethod
    def _mixed(weights: Array, logarithms: Array) -> Array:
        summed = weights @ logarithms
        powers = np.exp(summed - summed.max())
        mixed: Array = np.maximum(powers / powers.sum(), 1e-300)
        return mixed


def _logarithms(experts: Mapping[str, Array]) -> Array:
    """Shape (experts, n), up to a constant of each expert, which mixture and gradient do not see."""
    shares = np.array(list(experts.values()))
    logarithms: Array = np.log(shares + FLOOR / (1.0 - FLOOR) / shares.shape[1])
    return logarithms
