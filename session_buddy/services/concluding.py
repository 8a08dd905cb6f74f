"""What follows from an experiment: its end, its winner's promotion, and taking that back, with a trail."""

from collections.abc import Callable, Sequence
from typing import Final

from session_buddy.analytics.experiments.assignment import arms_of
from session_buddy.analytics.experiments.decision import Verdict
from session_buddy.errors import InvalidInput, NotFound
from session_buddy.models.answers_experiments import (
    DefaultChange,
    DefaultStrategy,
    Experiment,
    ExperimentStopped,
)
from session_buddy.models.events import ExperimentEnded, JournalEvent, StrategyEvent
from session_buddy.models.experiments import KeptExperiment
from session_buddy.models.ids import hashed_id, time_ordered_id
from session_buddy.models.problems import shown
from session_buddy.models.protocols import Clock, Journal
from session_buddy.models.vocabulary import ExperimentStatus
from session_buddy.services.experiment_reading import Reader
from session_buddy.services.experiment_state import ExperimentState
from session_buddy.services.near_names import known_names
from session_buddy.services.record import Record

_LONGEST_REASON: Final = 2_000


class Concluder:
    """Reads experiments, and ends those that have their answer. The caller lets in one thread at a time."""

    def __init__(
        self,
        record: Record,
        journal: Journal,
        clock: Clock,
        flush: Callable[[], None],
        state: ExperimentState,
    ) -> None:
        """flush: journals the suggestions that are still waiting."""
        self._record = record
        self._journal = journal
        self._clock = clock
        self._flush = flush
        self._state = state
        self._reader = Reader(record.storage.experiments)

    def catch_up(self) -> None:
        """Have everything that happened so far in the store."""
        self._flush()
        self._record.catch_up()

    def append(self, event: JournalEvent) -> None:
        """Acknowledge what was decided, and have it in the store."""
        self._journal.append([event])
        self._record.catch_up()

    def known(self, test_name: str) -> KeptExperiment:
        """An experiment by its name; `NotFound` says which there are."""
        kept = self._state.named(test_name)
        if kept is None:
            known = [each.config.test_name for each in self._state.experiments()]
            none = "None was begun yet; run_ab_test or `session-buddy ab create` begins one."
            raise NotFound(
                f"There is no experiment {shown(test_name)}. {known_names(test_name, known, none)}"
            )
        return kept

    def reading(self, kept: KeptExperiment, users: int | None = None) -> Experiment:
        """An experiment as it stands, whatever follows from it. users: where it has just begun."""
        name = kept.config.test_name
        latest = next((change for change in self._state.changes() if change.test_name == name), None)
        promoted = latest is not None and not latest.reverts
        default = self._state.default_strategy()
        return self._reader.experiment(kept, default, self._clock(), promoted=promoted, users=users)

    def looked_at(self, kept: KeptExperiment) -> Experiment:
        """An experiment as it stands; one that has its answer, or whose time is over, is ended first."""
        if kept.config.status == "running":
            now = self._clock()
            verdict, _groups = self._reader.verdict(kept, now)
            over = kept.config.end_date is not None and now >= kept.config.end_date
            if verdict.ends:
                broken = verdict.decision == "assignment_broken"
                self._end(kept, verdict, "stopped" if broken else "completed", verdict.conclusion)
            elif over:
                self._end(kept, verdict, "completed", f"Its end date has come. {verdict.conclusion}")
            kept = self.known(kept.config.test_name)
        return self.reading(kept)

    def stop(self, kept: KeptExperiment, reason: str) -> ExperimentStopped:
        """End an experiment before its time; `InvalidInput` if it has ended already."""
        if kept.config.status != "running":
            raise InvalidInput(ended(kept))
        verdict, _groups = self._reader.verdict(kept, self._clock())
        self._end(kept, verdict, "stopped", reason)
        name = kept.config.test_name
        return ExperimentStopped(
            test_name=name,
            status="stopped",
            decision=verdict.decision,
            conclusion=verdict.conclusion,
            message=f"{name} is stopped: {reason.rstrip('.')}. It assigns nobody any more.",
        )

    def promote(self, kept: KeptExperiment, reason: str) -> DefaultStrategy:
        """Make the winner of an experiment the default strategy; `InvalidInput` if it has none."""
        name = kept.config.test_name
        if kept.winner is None:
            raise InvalidInput(
                f"{shown(name)} has no proven winner, so there is nothing to promote. "
                f"{self.looked_at(kept).conclusion}"
            )
        arms = arms_of(kept.config.strategies, kept.config.assignment_ratio)
        strategy = next(arm.strategy for arm in arms if arm.group_name == kept.winner)
        default = self._state.default_strategy()
        if strategy == default:
            return DefaultStrategy(
                change=None,
                default_strategy=default,
                message=f"{default} is the default strategy already; nothing was changed.",
            )
        change = self._change("strategy_promoted", strategy, default, name, reason)
        return DefaultStrategy(
            change=change,
            default_strategy=strategy,
            message=f"{strategy} is the default strategy now, in place of {default}. "
            "`session-buddy ab revert` takes that back.",
        )

    def revert(self, reason: str) -> DefaultStrategy:
        """Put back what the latest promotion replaced; `InvalidInput` if nothing was promoted since."""
        latest = next(iter(self._state.changes()), None)
        if latest is None or latest.reverts:
            default = self._state.default_strategy()
            raise InvalidInput(f"There is no promotion to take back; the default strategy is {default}.")
        strategy = latest.replaced_strategy
        change = self._change("strategy_reverted", strategy, latest.strategy, latest.test_name, reason)
        return DefaultStrategy(
            change=change,
            default_strategy=strategy,
            message=f"{strategy} is the default strategy again, in place of {latest.strategy}.",
        )

    def trail(self) -> Sequence[DefaultChange]:
        """Every change of the default strategy, the latest first."""
        return [
            DefaultChange(
                kind="reverted" if change.reverts else "promoted",
                strategy=change.strategy,
                replaced_strategy=change.replaced_strategy,
                test_name=change.test_name,
                reason=change.reason,
                at=change.at,
            )
            for change in self._state.changes()
        ]

    def _end(self, kept: KeptExperiment, verdict: Verdict, status: ExperimentStatus, reason: str) -> None:
        name = kept.config.test_name
        winner = None if verdict.decision == "assignment_broken" else verdict.winner
        self.append(
            ExperimentEnded(
                id=hashed_id("experiment", name, "ended"),
                occurred_at=self._clock(),
                kind="experiment_ended",
                test_name=name,
                status="stopped" if status == "stopped" else "completed",
                reason=reason[:_LONGEST_REASON],
                decision=verdict.decision,
                winner=winner,
            )
        )
        if winner is not None and status == "completed" and kept.config.promote_winner:
            self.promote(self.known(name), f"won {name}: {verdict.conclusion}")

    def _change(
        self, kind: str, strategy: str, replaced: str, test_name: str | None, reason: str
    ) -> DefaultChange:
        reverts = kind == "strategy_reverted"
        event = StrategyEvent(
            id=time_ordered_id(),
            occurred_at=self._clock(),
            kind="strategy_reverted" if reverts else "strategy_promoted",
            strategy=strategy,
            replaced_strategy=replaced,
            test_name=test_name,
            reason=reason[:_LONGEST_REASON],
        )
        self.append(event)
        return DefaultChange(
            kind="reverted" if reverts else "promoted",
            strategy=strategy,
            replaced_strategy=replaced,
            test_name=test_name,
            reason=event.reason,
            at=event.occurred_at,
        )


def ended(kept: KeptExperiment) -> str:
    """Why an experiment takes nothing any more."""
    name, at = shown(kept.config.test_name), f"{kept.status_at:%Y-%m-%d %H:%M} UTC"
    return f"{name} ended at {at}: {(kept.reason or '').rstrip('.')}."
