"""Which group a user or session belongs to, found anew each time from nothing but two names.

The keyed BLAKE2b hash of the unit, with the experiment's name as the key, is a number in 0..1; the groups
divide that line by their shares, control first. Nothing is stored for it: every process finds the same group,
after a restart or on another machine too, and two experiments divide the units independently of each other.

M.-J. Saarinen and J.-P. Aumasson, "The BLAKE2 cryptographic hash and message authentication code", RFC 7693
(2015), for the keyed hash; R. Kohavi, D. Tang and Y. Xu, "Trustworthy online controlled experiments" (2020),
chapter 4, for assignment by hashing.

>>> arms = arms_of(["repeat_last", "markov_blend"], treated_share=0.5)
>>> assigned("blend against the last", "session-17", arms).group_name
'control'
>>> [arm.group_name for arm in arms_of(["a", "b", "c"], 0.5)], arms_of(["a", "b", "c"], 0.5)[1].share
(['control', 'treatment', 'treatment_2'], 0.25)
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

CONTROL: Final = "control"
TREATMENT: Final = "treatment"
MOST_ARMS: Final = 8


@dataclass(frozen=True, slots=True)
class Arm:
    """A group, the strategy that is used in it, and the share of units in it (its propensity, 0..1)."""

    group_name: str
    strategy: str
    share: float


def arms_of(strategies: Sequence[str], treated_share: float = 0.5) -> tuple[Arm, ...]:
    """The groups of an experiment: the first strategy is control's, the others divide `treated_share` evenly.

    Raises:
        ValueError: fewer than two strategies or more than eight, one twice, or a share outside (0, 1).
    """
    if not 2 <= len(strategies) <= MOST_ARMS:
        raise ValueError(f"An experiment compares 2 to {MOST_ARMS} strategies, not {len(strategies)}")
    if len(set(strategies)) < len(strategies):
        raise ValueError("An experiment compares different strategies, and one is named twice")
    if not 0 < treated_share < 1:
        raise ValueError(f"The share of treated units is between 0 and 1 exclusive, not {treated_share}")
    each = treated_share / (len(strategies) - 1)
    treatments = [
        Arm(TREATMENT if number == 1 else f"{TREATMENT}_{number}", strategy, each)
        for number, strategy in enumerate(strategies[1:], 1)
    ]
    return (Arm(CONTROL, strategies[0], 1 - treated_share), *treatments)


def assigned(test_name: str, unit_id: str, arms: Sequence[Arm]) -> Arm:
    """The group of this user or session in this experiment."""
    place = position(test_name, unit_id)
    reached = 0.0
    for arm in arms[:-1]:
        reached += arm.share
        if place < reached:
            return arm
    return arms[-1]


def position(test_name: str, unit_id: str) -> float:
    """Where a unit lies on the line from 0 to 1 (1 exclusive) in this experiment."""
    unit = unit_id.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(unit, digest_size=8, key=_key(test_name), person=b"ab-assignment")
    return (int.from_bytes(digest.digest(), "big") >> 11) / (1 << 53)


@lru_cache(maxsize=64)
def _key(test_name: str) -> bytes:
    """A name of any length as a key; BLAKE2b takes at most 64 bytes."""
    return hashlib.blake2b(test_name.encode("utf-8", "surrogatepass"), person=b"ab-test-name").digest()
