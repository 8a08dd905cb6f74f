"""Which experiments there are, in memory, so that a suggestion asks no database."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from session_buddy.analytics.experiments.assignment import Arm, assigned
from session_buddy.analytics.suggesting.strategies import DEFAULT, STRATEGIES
from session_buddy.errors import StorageError
from session_buddy.models.experiments import KeptExperiment, StrategyChange
from session_buddy.models.vocabulary import ExperimentUnit
from session_buddy.services.experiment_reading import arms
from session_buddy.services.record import Record

_log = logging.getLogger(__name__)


class Users(NamedTuple):
    """Who is who. own: keyed hash of this home's user. hashed: of any name; a hash it gave stays as it is."""

    own: str
    hashed: Callable[[str], str]


class ExperimentState:
    """What the store says of experiments, read again when it has changed. Thread-safe."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._lock = threading.Lock()
        self._changed, self._read = 1, 0
        self._experiments: Sequence[KeptExperiment] = ()
        self._changes: Sequence[StrategyChange] = ()

    def outdated(self) -> None:
        """Something was folded, or the store was made anew."""
        self._changed += 1

    def experiments(self) -> Sequence[KeptExperiment]:
        """All, the newest first."""
        self._refresh()
        return self._experiments

    def named(self, test_name: str) -> KeptExperiment | None:
        """One by its name."""
        return next((kept for kept in self.experiments() if kept.config.test_name == test_name), None)

    def running(self) -> Sequence[KeptExperiment]:
        """Those that have not ended."""
        return [kept for kept in self.experiments() if kept.config.status == "running"]

    def changes(self) -> Sequence[StrategyChange]:
        """The trail of the default strategy, the latest first."""
        self._refresh()
        return self._changes

    def default_strategy(self) -> str:
        """The strategy that suggests where no experiment does; one that is gone counts as never promoted."""
        latest = next(iter(self.changes()), None)
        return latest.strategy if latest is not None and latest.strategy in STRATEGIES else DEFAULT

    def place(self, session_id: str, user_id: str, now: datetime) -> tuple[KeptExperiment, Arm, str] | None:
        """The experiment at work, the group that a suggestion there belongs to, and its unit."""
        for kept in self.running():
            if kept.config.runs_at(now):
                unit_id = unit_of(kept.config.unit, session_id, user_id)
                return kept, assigned(kept.config.test_name, unit_id, arms(kept.config)), unit_id
        return None

    def _refresh(self) -> None:
        if self._read == self._changed:
            return
        with self._lock:
            try:
                self._record.catch_up()
                changed = self._changed  # before reading: what is folded meanwhile makes it outdated again
                store = self._record.storage.experiments
                self._experiments, self._changes = store.all(), store.strategy_changes()
                self._read = changed
            except StorageError as error:
                # A team's store may be away for a while; suggestions go on as they were.
                _log.warning("experiments cannot be read now: %s", error)


def unit_of(unit: ExperimentUnit, session_id: str, user_id: str) -> str:
    """Who is assigned."""
    return user_id if unit == "user" else session_id
