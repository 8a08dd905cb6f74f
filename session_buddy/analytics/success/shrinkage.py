"""Completion rates that borrow strength from the level above where there is little data."""

import math


class FadingRate:
    """Completed and decided uses, each weighing half as much after `half_life` further ones."""

    __slots__ = ("completed", "decided")

    def __init__(self) -> None:
        self.completed = self.decided = 0.0

    def learn(self, completed: bool, keep: float) -> None:
        """One outcome; keep: what is left of each earlier one, 0..1."""
        self.completed = self.completed * keep + completed
        self.decided = self.decided * keep + 1.0

    def drawn_to(self, mean: float, strength: float) -> float:
        """Posterior mean under a beta prior with that mean that weighs `strength` uses."""
        return (self.completed + mean * strength) / (self.decided + strength)


class ShrunkenRates:
    """A chain of beta-binomial estimates: all skills, this skill, this skill of this user or project.

    Model: each level's rate has a beta prior whose mean is the estimate of the level above (Gelman et al.,
    "Bayesian Data Analysis", 3rd ed., section 5.3; the prior's weight is fixed instead of estimated).
    strength: weight of the prior in uses. half_life: in uses of that level, so that the estimate follows
    a skill that changes.

    >>> rates = ShrunkenRates()
    >>> rates.estimate("test", "ada")
    (0.5, 0.5)
    >>> for _ in range(100):
    ...     rates.learn("test", ("ada",), completed=True)
    >>> rates.estimate("test", "ada")[0] > 0.95
    True
    """

    def __init__(self, strength: float = 8.0, half_life: float = 500.0) -> None:
        self._strength = strength
        self._keep = 0.5 ** (1.0 / half_life)
        self._all = FadingRate()
        self._skills: dict[str, FadingRate] = {}
        self._pairs: dict[tuple[str, str], FadingRate] = {}

    def estimate(self, skill_name: str, whose: str) -> tuple[float, float]:
        """(rate of the skill, its rate for this user or project), both 0..1 exclusive."""
        rate = self._all.drawn_to(0.5, 2.0)
        skill = self._skills.get(skill_name)
        if skill is not None:
            rate = skill.drawn_to(rate, self._strength)
        pair = self._pairs.get((skill_name, whose))
        return rate, rate if pair is None else pair.drawn_to(rate, self._strength)

    def decided(self, skill_name: str) -> float:
        """Uses behind the rate of a skill, faded."""
        skill = self._skills.get(skill_name)
        return 0.0 if skill is None else skill.decided

    def learn(self, skill_name: str, whose: tuple[str, ...], *, completed: bool) -> None:
        """One outcome, on every level; whose: the user and the project, or either, or neither."""
        self._all.learn(completed, self._keep)
        self._skills.setdefault(skill_name, FadingRate()).learn(completed, self._keep)
        for one in whose:
            self._pairs.setdefault((skill_name, one), FadingRate()).learn(completed, self._keep)


def log_odds(probability: float) -> float:
    """ln(p / (1 - p)) for 0 < p < 1."""
    return math.log(probability / (1.0 - probability))
