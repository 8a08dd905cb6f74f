"""Experiments as they are kept, and the protocol of who keeps them.

Times are aware and UTC. A unit is the user (a keyed hash) or the session that an experiment assigns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from session_buddy.models.experiment_events import ABTestConfig
from session_buddy.models.vocabulary import ExperimentDecision, ExperimentMetric, ExperimentUnit


@dataclass(frozen=True, slots=True)
class KeptExperiment:
    """An experiment: `config.status` is where it stands now.

    planned_sample_size: units in all groups together. reason: why it ended, at `status_at`. decision, winner
    (a group): what was concluded then.
    """

    config: ABTestConfig
    planned_sample_size: int
    created_at: datetime
    status_at: datetime
    reason: str | None
    decision: ExperimentDecision | None
    winner: str | None


class GroupTotals(NamedTuple):
    """The outcomes of one group, each unit's summed first: units are independent, their outcomes are not.

    units: with an outcome. total, squares: of the values and of their squares. outcomes_squared,
    total_squared, product: over units, of the squares of each unit's number of outcomes and of its total, and
    of the product of the two.
    """

    group_name: str
    units: int
    outcomes: int
    total: float
    squares: float
    outcomes_squared: float
    total_squared: float
    product: float


class StrategyChange(NamedTuple):
    """One entry of the trail. reverts: it puts back what a promotion replaced."""

    strategy: str
    replaced_strategy: str
    test_name: str | None
    reason: str
    reverts: bool
    at: datetime


class Shown(NamedTuple):
    """A suggestion, for judging other strategies by it.

    possible: the skills in their places; any of them could have stood first, the one that did with
    probability `propensity`. used: the skill of the session's next use within the hour, None if none.
    """

    suggested_at: datetime
    session_id: str
    user_id: str | None
    strategy: str
    possible: tuple[str, ...]
    propensity: float
    used: str | None


class PastUnits(NamedTuple):
    """What users or sessions did before an experiment. totals: durations as logarithms. began_at: when."""

    totals: GroupTotals
    began_at: datetime | None


class ExperimentsStorageProtocol(Protocol):
    """The tables of experiments. All methods block and may be called from several threads at once."""

    def all(self) -> Sequence[KeptExperiment]:
        """Every experiment, the newest first."""

    def assigned(self, test_name: str) -> Mapping[str, int]:
        """Group -> units that were exposed to it."""

    def group_of(self, test_name: str, unit_id: str) -> str | None:
        """The group to which a unit was exposed; None if it never was."""

    def totals(self, test_name: str, metric: ExperimentMetric, *, logarithms: bool) -> Sequence[GroupTotals]:
        """The outcomes of each group that has any. logarithms: of ln(value), at least of a millisecond."""

    def settle(self, until: datetime) -> int:
        """Count suggestions made before `until` that no use followed as not taken; how many those were."""

    def strategy_changes(self) -> Sequence[StrategyChange]:
        """The trail of the default strategy, the latest first."""

    def shown(self, limit: int) -> Sequence[Shown]:
        """The latest suggestions, the oldest first."""

    def past(
        self, metric: ExperimentMetric, unit: ExperimentUnit, since: datetime, until: datetime
    ) -> PastUnits:
        """The outcomes of the uses that began, or suggestions that were made, in a range of time."""
