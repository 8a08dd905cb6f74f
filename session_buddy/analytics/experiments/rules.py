"""What an experiment was made with, and what is known of its groups.

>>> rules = Rules(METRICS["completion_rate"], "session", planned_units=400)
>>> rules.minimum_outcomes, rules.method
(100, 'sequential')
"""

from dataclasses import dataclass
from typing import Final, Literal

from session_buddy.analytics.experiments.metrics import METRICS, Metric
from session_buddy.analytics.experiments.planning import ALPHA, Method
from session_buddy.analytics.experiments.sums import GroupSums

__all__ = ["ENDS", "METRICS", "Decision", "Group", "Rules", "Unit"]

Unit = Literal["user", "session"]
Decision = Literal[
    "assignment_broken",
    "too_few_units",
    "too_few_outcomes",
    "undecided",
    "treatment_better",
    "control_better",
    "no_difference",
]
"""no_difference: one as large as asked for is ruled out, or a fixed horizon ended without finding one."""
ENDS: Final[frozenset[Decision]] = frozenset(
    {"assignment_broken", "treatment_better", "control_better", "no_difference"}
)


@dataclass(frozen=True, slots=True)
class Group:
    """assigned: units in the group so far, with an outcome or without. sums: of those with one."""

    group_name: str
    strategy: str
    share: float
    assigned: int
    sums: GroupSums


@dataclass(frozen=True, slots=True)
class Rules:
    """What was fixed when the experiment was made.

    planned_units: of all groups together (`planning.plan`). minimum_outcomes: of each group. minimum_effect:
    the difference that is worth finding, in units of the mean; None if none was named. alpha: of a false
    finding, for all comparisons and looks together.
    """

    metric: Metric
    unit: Unit
    planned_units: int
    minimum_outcomes: int = 100
    minimum_effect: float | None = None
    method: Method = "sequential"
    alpha: float = ALPHA
