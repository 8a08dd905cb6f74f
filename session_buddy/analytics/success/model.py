"""The success probability: shrunken rates, corrected by what surrounds the use."""

import math
from collections import OrderedDict
from typing import NamedTuple
from zlib import crc32

from session_buddy.analytics.success.features import Features, FeatureState
from session_buddy.analytics.success.logistic import Input, OnlineLogistic
from session_buddy.analytics.success.shrinkage import ShrunkenRates, log_odds
from session_buddy.analytics.success.uses import Use

_BUCKETS = 1 << 20
_SESSIONS_KEPT = 10_000
_RATE = 0.01  # variance of the belief that a shrunken rate is to be taken as it is
_NUMBER = 0.04
_COMMON = 0.05
_TRUSTED_AT = 50.0  # outcomes after which the corrections count as much as the rates alone
_SPECIFIC = 0.15


class Prediction(NamedTuple):
    """probability: of completion, 0..1. skill_rate: the skill's own shrunken rate. inputs: for learning."""

    probability: float
    skill_rate: float
    features: Features
    inputs: tuple[Input, ...]


class SuccessModel:
    """Online logistic regression on hashed features, stacked on hierarchical beta-binomial rates.

    Model: log-odds = the log-odds of `ShrunkenRates` for (skill, user) and (skill, project), plus learned
    corrections: the numeric features, and a weight for each skill, hour, day, phase, user, project and
    their pairs with the skill, found by hashing (Weinberger et al., "Feature Hashing for Large Scale
    Multitask Learning", ICML 2009). Before anything is learned it says what the rates say, and after 50
    outcomes the corrections count half. Learning from every outcome is the retraining.
    Parameters: the prior variances above, on the scale of log-odds.

    >>> model = SuccessModel()
    >>> model.predict(Use("test", 0.0, "s1")).probability
    0.5
    >>> for minute in range(50):
    ...     use = Use("test", minute * 60.0, "s1")
    ...     prediction = model.begin(use)
    ...     model.settle(use, prediction, completed=True)
    >>> model.predict(Use("test", 3600.0, "s1")).probability > 0.9
    True
    """

    def __init__(self) -> None:
        self.rates = ShrunkenRates()
        self._features = FeatureState()
        self._logistic = OnlineLogistic()
        self._settled = 0
        self._last: OrderedDict[str, tuple[str, bool]] = OrderedDict()

    def predict(self, use: Use) -> Prediction:
        """The probability that a use would complete if it began so."""
        rate, of_user = self.rates.estimate(use.skill_name, f"user {use.user}")
        _, of_project = self.rates.estimate(use.skill_name, f"project {use.project}")
        features = self._features.of(use, rate)
        inputs = _inputs(use, features, rate, of_user, of_project, self._last.get(use.session_id))
        trust = self._settled / (self._settled + _TRUSTED_AT)
        probability = trust * self._logistic.probability(inputs) + (1.0 - trust) * of_user
        return Prediction(probability, rate, features, inputs)

    def begin(self, use: Use) -> Prediction:
        """A use begins: the probability that it will complete; from now on it counts for others."""
        prediction = self.predict(use)
        self._features.begin(use)
        return prediction

    def settle(self, use: Use, prediction: Prediction, *, completed: bool) -> None:
        """The outcome of a use: learn from it, with the features that it had when it began."""
        self._settled += 1
        self._logistic.learn(prediction.inputs, completed=completed)
        self._features.settle(use, completed=completed)
        whose = (f"user {use.user}", f"project {use.project}")
        self.rates.learn(use.skill_name, whose, completed=completed)
        self._last[use.session_id] = (use.skill_name, completed)
        self._last.move_to_end(use.session_id)
        if len(self._last) > _SESSIONS_KEPT:
            self._last.popitem(last=False)


def _inputs(
    use: Use,
    features: Features,
    rate: float,
    of_user: float,
    of_project: float,
    last: tuple[str, bool] | None,
) -> tuple[Input, ...]:
    """The active features: rates as log-odds, numbers on a scale of about 1, categories as hashed keys."""
    skill, phase = use.skill_name, features.workflow_phase_encoded
    base = log_odds(rate)
    night = features.hour_of_day // 6
    recent = log_odds(min(0.99, max(0.01, features.avg_completion_rate_24h))) - base
    hashed = _hashed
    return (
        Input(-1, base, 1.0, _RATE),
        Input(-2, log_odds(of_user) - base, 0.7, _NUMBER),
        Input(-3, log_odds(of_project) - base, 0.7, _NUMBER),
        Input(-4, recent * min(1.0, features.invocation_count_24h / 8.0), 0.0, _NUMBER),
        Input(-5, math.log1p(features.invocation_count_24h) - 2.0, 0.0, _NUMBER),
        Input(-6, math.log1p(features.session_length_minutes) - 2.0, 0.0, _NUMBER),
        Input(-7, math.log1p(features.user_skill_familiarity) / 3.0 - 1.0, 0.0, _NUMBER),
        Input(-8, 0.0 if last is None else (1.0 if last[1] else -1.0), 0.0, _NUMBER),
        Input(-9, 1.0, 0.0, _COMMON),
        Input(hashed("hour", features.hour_of_day), 1.0, 0.0, _COMMON),
        Input(hashed("day", features.day_of_week), 1.0, 0.0, _COMMON),
        Input(hashed("phase", phase), 1.0, 0.0, _COMMON),
        Input(hashed("user", use.user), 1.0, 0.0, _COMMON),
        Input(hashed("project", use.project), 1.0, 0.0, _COMMON),
        Input(hashed("phase of " + skill, phase), 1.0, 0.0, _SPECIFIC),
        Input(hashed("part of the day of " + skill, night), 1.0, 0.0, _COMMON),
        Input(hashed("before " + skill, last), 1.0, 0.0, _SPECIFIC),
    )


def _hashed(kind: str, value: object) -> int:
    return crc32(f"{kind}\0{value}".encode("utf-8", "surrogatepass")) % _BUCKETS
