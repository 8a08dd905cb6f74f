"""Whether the groups have the sizes that they were meant to have, watched while the units come.

If they have not, something else than the lot decides who is in which group, or some units are lost: then the
groups differ in more than the strategy and no comparison of theirs means anything. The Bayes factor of a
Dirichlet-multinomial model against the intended shares is a martingale where the shares are right, so that it
exceeds 1 / alpha at any look with probability alpha at most (Ville). It depends on the counts alone.

M. Lindon and A. Malek, "Anytime-valid inference for multinomial count data", NeurIPS (2022).

>>> mismatch([520, 480], [0.5, 0.5]).found, mismatch([850, 650], [0.5, 0.5]).found
(False, True)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ALPHA: Final = 0.01
CONCENTRATION: Final = 100.0
"""Weight of the intended shares in the alternative, in units: it looks for shares that are off by a few
hundredths, which is how assignment breaks, and finds larger ones all the sooner."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """p_value: sequential, of the intended shares. found: whether it is below alpha."""

    p_value: float
    found: bool
    units: int


def mismatch(counts: Sequence[int], shares: Sequence[float], alpha: float = ALPHA) -> Mismatch:
    """How well the numbers of units fit the intended shares (positive, of sum 1).

    Raises:
        ValueError: other numbers of counts than of shares, or shares that are not positive with sum 1.
    """
    if len(counts) != len(shares) or min(shares) <= 0 or not math.isclose(sum(shares), 1):
        raise ValueError(f"{len(counts)} counts for the shares {list(shares)}")
    p_value = min(1.0, math.exp(-max(0.0, log_evidence(counts, shares))))
    return Mismatch(p_value, p_value < alpha, sum(counts))


def log_evidence(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The logarithm of the Bayes factor against the intended shares."""
    evidence = math.lgamma(CONCENTRATION) - math.lgamma(CONCENTRATION + sum(counts))
    for count, share in zip(counts, shares, strict=True):
        prior = CONCENTRATION * share
        evidence += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return evidence
