"""How good probabilities were, kept while they are made."""

import math
from dataclasses import dataclass

BINS = 10
_CLIP = 1e-6


@dataclass(frozen=True, slots=True)
class Score:
    """How good `prediction_count` probabilities were.

    log_loss in nats; brier 0..1; calibration_error 0..1: mean over 10 bins of equal width of the gap between
    what was said and what came, weighed by their uses; accuracy: share on the right side of one half.
    """

    prediction_count: int
    log_loss: float
    brier: float
    calibration_error: float
    accuracy: float


class ProgressiveScore:
    """Scores predictions that were made before their outcome was known.

    Model: progressive validation (Blum, Kalai and Langford, "Beating the Hold-Out", COLT 1999): every use
    is a test first and a lesson afterwards. Calibration error after Naeini et al., "Obtaining Well
    Calibrated Probabilities Using Bayesian Binning", AAAI 2015.

    >>> score = ProgressiveScore()
    >>> score.summary() is None
    True
    >>> score.add(0.8, completed=True)
    >>> round(score.summary().brier, 2)
    0.04
    """

    def __init__(self) -> None:
        self._count = self._right = 0
        self._log_loss = self._squares = 0.0
        self._bins = [[0, 0.0, 0] for _ in range(BINS)]

    def add(self, probability: float, *, completed: bool) -> None:
        """A prediction and what came."""
        clipped = min(1.0 - _CLIP, max(_CLIP, probability))
        self._count += 1
        self._right += (clipped >= 0.5) == completed
        self._log_loss -= math.log(clipped if completed else 1.0 - clipped)
        self._squares += (clipped - completed) ** 2
        kept = self._bins[min(BINS - 1, int(clipped * BINS))]
        kept[0] += 1
        kept[1] += clipped
        kept[2] += completed

    def summary(self) -> Score | None:
        """The score so far; None before the first outcome."""
        if not self._count:
            return None
        gaps = sum(abs(said - came) for _, said, came in self._bins)
        return Score(
            prediction_count=self._count,
            log_loss=self._log_loss / self._count,
            brier=self._squares / self._count,
            calibration_error=gaps / self._count,
            accuracy=self._right / self._count,
        )
