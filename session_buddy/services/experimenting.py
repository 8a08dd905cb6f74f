"""Experiments: begun, read, told of, ended, and their winners made the default strategy.

Which group a user or session is in follows from names alone, so it is the same in every process. What became
of a suggestion is seen by itself. Whoever looks, however often, sees an interval that holds; an experiment
that has its answer ends by itself, in the background, and its winner is promoted if that was asked for.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from session_buddy.analytics.experiments.metrics import METRICS
from session_buddy.errors import InvalidInput, SessionBuddyError
from session_buddy.models.answers_experiments import (
    DefaultStrategy,
    Experiment,
    ExperimentList,
    ExperimentPlan,
    ExperimentStopped,
    OutcomeRecorded,
)
from session_buddy.models.events import (
    AnomalyEvent,
    ExperimentCreated,
    ExperimentEnded,
    OutcomeTold,
    SessionEvent,
    SkillEvent,
    StrategyEvent,
    SuggestedEvent,
)
from session_buddy.models.experiments import KeptExperiment
from session_buddy.models.ids import hashed_id, time_ordered_id
from session_buddy.models.problems import shown
from session_buddy.models.protocols import Clock, Journal
from session_buddy.models.values import Batch, FoldResult
from session_buddy.models.vocabulary import ExperimentMetric
from session_buddy.services.concluding import Concluder, ended
from session_buddy.services.estimating import estimate
from session_buddy.services.experiment_requests import Told, Wanted, planned
from session_buddy.services.experiment_state import ExperimentState, Users, unit_of
from session_buddy.services.recommending import Chosen, Recommender
from session_buddy.services.record import Record

TAKEN_WITHIN: Final = timedelta(hours=1)
"""A suggestion that no use followed for so long was not taken."""
SHOWN_AFTER_END: Final = timedelta(days=14)
"""How long an experiment that has ended stays on the live page and among the metrics."""
_LOOK_SECONDS = 60.0
_GATHER_SECONDS = 0.5  # uses come in bursts, and looking at ten costs as much as looking at one
_log = logging.getLogger(__name__)


class Experimenter:
    """All experiments of one home, a `RecordWatcher`. Thread-safe."""

    def __init__(
        self, record: Record, journal: Journal, clock: Clock, users: Users, recommender: Recommender
    ) -> None:
        """record must be over an open storage. recommender: asks here which strategy is to suggest."""
        self._users = users
        self._record = record
        self._store = record.storage.experiments
        self._clock = clock
        self._state = ExperimentState(record)
        self._concluder = Concluder(record, journal, clock, recommender.flush, self._state)
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._quiet = False
        self._show: Callable[[Sequence[Experiment]], None] = lambda _latest: None
        self.latest: Sequence[Experiment] = ()
        """What the last look saw: the experiments at work, and those that ended lately."""
        record.watch(self)
        recommender.choose_by(self.choose)

    def start(self) -> None:
        """Begin to look in the background."""
        self._thread = threading.Thread(target=self._run, name="session-buddy-experiments", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def show_by(self, show: Callable[[Sequence[Experiment]], None]) -> None:
        """Call `show` with what every look sees."""
        self._show = show

    def choose(self, session_id: str, user_id: str) -> Chosen:
        """The strategy for a suggestion; asks no database unless experiments have changed."""
        found = self._state.place(session_id, user_id, self._clock())
        if found is None:
            return Chosen(self._state.default_strategy())
        kept, arm, unit_id = found
        return Chosen(arm.strategy, kept.config.test_name, arm.group_name, unit_id, arm.share)

    def user_of(self, name: str | None) -> str:
        """The keyed hash of a user; None is this home's own."""
        return self._users.own if name is None else self._users.hashed(name)

    def run(self, wanted: Wanted) -> Experiment:
        """Begin an experiment, or read the one of that name.

        Raises:
            InvalidInput: it cannot be one, it has another configuration, or another one is at work.
        """
        with self._lock:
            self._concluder.catch_up()
            kept = self._state.named(wanted.test_name)
            if kept is not None:
                wanted.check_same(kept.config)
                return self._concluder.looked_at(kept)
            users = self._record.storage.findings.count_users()
            self._begin(wanted, users)
            return self._concluder.reading(self._concluder.known(wanted.test_name), users)

    def read(self, test_name: str) -> Experiment:
        """An experiment as it stands; `NotFound` if there is none of that name."""
        with self._lock:
            self._concluder.catch_up()
            return self._concluder.looked_at(self._concluder.known(test_name))

    def overview(self) -> ExperimentList:
        """All experiments, the newest first, and the trail of the default strategy."""
        with self._lock:
            self._concluder.catch_up()
            return ExperimentList(
                experiments=[self._concluder.looked_at(kept) for kept in self._state.experiments()],
                default_strategy=self._state.default_strategy(),
                trail=list(self._concluder.trail()),
            )

    def plan(self, wanted: Wanted) -> ExperimentPlan:
        """How large such an experiment has to be, and how long it would take; begins nothing."""
        self._concluder.catch_up()
        now = self._clock()
        config = wanted.config(now, self._record.storage.findings.count_users())
        storage = self._record.storage
        estimates = [estimate(name, storage, self._users.own) for name in config.strategies[1:]]
        return planned(config, storage, now)[1].model_copy(update={"estimates": estimates})

    def record_outcome(self, told: Told, session_id: str, user: str | None = None) -> OutcomeRecorded:
        """Take an outcome that cannot be seen from the record, of the session or user that is the unit.

        user: by name; None is this home's own.

        Raises:
            NotFound: there is no such experiment.
            InvalidInput: it has ended, the unit is in no group, or the value is none of that metric.
        """
        with self._lock:
            self._concluder.catch_up()
            kept = self._concluder.known(told.test_name)
            self._check_takes(kept, told)
            unit = kept.config.unit
            unit_id = unit_of(unit, session_id, self.user_of(user))
            group = self._store.group_of(told.test_name, unit_id)
            if group is None:
                said = session_id if unit == "session" else user or "of this home"
                raise InvalidInput(
                    f"The {unit} {shown(said)} is in no group of {shown(told.test_name)}: "
                    f"suggest_next_skill assigns a {unit} when it suggests there."
                )
            event = OutcomeTold(
                id=hashed_id("request", told.request_key or str(time_ordered_id()), "outcome"),
                occurred_at=self._clock(),
                kind="experiment_outcome",
                test_name=told.test_name,
                unit_id=unit_id,
                metric=told.metric or kept.config.metric,
                value=told.value,
                session_id=session_id if unit == "session" else None,
                skill_name=told.skill_name,
            )
            self._concluder.append(event)
        return OutcomeRecorded(
            outcome_id=event.id,
            test_name=event.test_name,
            group_name=group,
            metric=event.metric,
            value=event.value,
            message=f"{event.metric} {event.value:g} counts for the {group} group of {event.test_name}.",
        )

    def stop_test(self, test_name: str, reason: str) -> ExperimentStopped:
        """End an experiment before its time.

        Raises:
            NotFound: there is no such experiment.
            InvalidInput: it has ended already, or no reason is given.
        """
        if not reason.strip():
            raise InvalidInput("reason: say why, for whoever reads the experiment later.")
        with self._lock:
            self._concluder.catch_up()
            return self._concluder.stop(self._concluder.known(test_name), reason.strip())

    def promote(self, test_name: str) -> DefaultStrategy:
        """Make the winner of an experiment the default strategy.

        Raises:
            NotFound: there is no such experiment.
            InvalidInput: it has no winner.
        """
        with self._lock:
            self._concluder.catch_up()
            self._concluder.looked_at(self._concluder.known(test_name))
            kept = self._concluder.known(test_name)
            self._quiet = False  # what is shown of ended experiments follows the default
            self._wake.set()
            return self._concluder.promote(kept, f"promoted by hand. {kept.reason}")

    def revert(self, reason: str) -> DefaultStrategy:
        """Put back the strategy that the latest promotion replaced; `InvalidInput` if there is none."""
        with self._lock:
            self._concluder.catch_up()
            self._quiet = False
            self._wake.set()
            return self._concluder.revert(reason.strip() or "taken back by hand")

    def look(self) -> None:
        """See what became of the experiments at work, and end those that have their answer or are over."""
        with self._lock:
            now = self._clock()
            if self._state.running():
                self._concluder.catch_up()
                self._store.settle(now - TAKEN_WITHIN)
            elif self._quiet:
                return
            since = now - SHOWN_AFTER_END
            self.latest = [
                self._concluder.looked_at(kept)
                for kept in self._state.experiments()
                if kept.config.status == "running" or kept.status_at >= since
            ]
            self._quiet = not self._state.running()
            self._show(self.latest)

    def noted(self, event: SkillEvent | SessionEvent | AnomalyEvent) -> None:
        """Nothing is to be done before it is folded."""

    def folded(self, batch: Batch, _result: FoldResult, _seconds: float) -> None:
        """A batch is in the database."""
        changes = ExperimentCreated | ExperimentEnded | StrategyEvent
        if any(isinstance(event, changes) for event in batch.events):
            self.restarted()
        elif any(isinstance(event, SkillEvent | SuggestedEvent | OutcomeTold) for event in batch.events):
            self._wake.set()

    def caught_up(self, _result: FoldResult, _seconds: float) -> None:
        """A part of a backlog is in the database."""
        self.restarted()

    def restarted(self) -> None:
        """What is known of experiments must be read again."""
        self._state.outdated()
        self._quiet = False
        self._wake.set()

    def _begin(self, wanted: Wanted, users: int) -> None:
        now = self._clock()
        config = wanted.config(now, users)
        for other in self._state.running():
            if other.config.end_date is None or config.start_date < other.config.end_date:
                raise InvalidInput(
                    f"{shown(other.config.test_name)} is at work, and a suggestion can follow one experiment "
                    "only. Let it come to its end, or stop it with stop_ab_test; or begin this one after its "
                    "end_date."
                )
        self._concluder.append(
            ExperimentCreated(
                id=hashed_id("experiment", config.test_name, "created"),
                occurred_at=now,
                kind="experiment_created",
                test_name=config.test_name,
                config=config,
                planned_sample_size=planned(config, self._record.storage, now)[0].units,
            )
        )

    def _check_takes(self, kept: KeptExperiment, told: Told) -> None:
        config = kept.config
        now = self._clock()
        if config.status != "running":
            raise InvalidInput(f"{ended(kept)} Outcomes are not taken any more.")
        if not config.runs_at(now):
            raise InvalidInput(
                f"{shown(config.test_name)} takes outcomes between its start and its end only."
            )
        metric: ExperimentMetric = told.metric or config.metric
        if metric not in config.metrics:
            names = ", ".join(config.metrics)
            raise InvalidInput(f"{shown(config.test_name)} does not measure {metric}; it measures {names}.")
        try:
            METRICS[metric].value(told.value)
        except ValueError as error:
            raise InvalidInput(f"{error}.") from error

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(_LOOK_SECONDS)
            self._stopped.wait(_GATHER_SECONDS)
            self._wake.clear()
            if not self._stopped.is_set():
                self._attempt()

    def _attempt(self) -> None:
        """One look; what fails is told, and tried again with the next fold."""
        try:
            self.look()
        except SessionBuddyError as error:
            _log.error("looking at experiments failed, and will be tried again: %s", error)
