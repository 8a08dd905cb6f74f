"""What is kept of how suggestions are weighed, so that the next leader goes on where the last one ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptWeights:
    """How far each view of what comes next was trusted.

    uses: how many uses taught that. until: when the latest of them began, seconds since 1970.
    """

    weights: Mapping[str, float]
    uses: int
    until: float


class WeightsKeeper(Protocol):
    """Keeps the weights of one home. Thread-safe."""

    def read(self) -> KeptWeights | None:
        """What was kept last; None if there is nothing, or nothing that can be used."""

    def write(self, kept: KeptWeights) -> None:
        """Keep these, unless everything was forgotten since the last `read`."""
