"""An experiment as it stands: outcomes of the store, put before the methods, in an answer."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from session_buddy.analytics.experiments.assignment import Arm, arms_of
from session_buddy.analytics.experiments.decision import Comparison, Verdict, decide
from session_buddy.analytics.experiments.metrics import METRICS, Metric
from session_buddy.analytics.experiments.planning import FEWEST_UNITS
from session_buddy.analytics.experiments.rules import Group, Rules
from session_buddy.analytics.experiments.sums import GroupSums
from session_buddy.analytics.experiments.wording import plural
from session_buddy.models.answers_experiments import Difference, Experiment, GroupReading, MetricReading
from session_buddy.models.experiment_events import ABTestConfig
from session_buddy.models.experiments import ExperimentsStorageProtocol, KeptExperiment
from session_buddy.models.vocabulary import ExperimentMetric

_SHORTEST_DAYS: Final = 1 / 24
"""An experiment so young has no rate yet that would tell how long it takes."""


def arms(config: ABTestConfig) -> tuple[Arm, ...]:
    """The groups of an experiment, control first."""
    return arms_of(config.strategies, config.assignment_ratio)


def rules_of(kept: KeptExperiment) -> Rules:
    """What was fixed when it was made."""
    config = kept.config
    return Rules(
        METRICS[config.metric],
        config.unit,
        planned_units=kept.planned_sample_size,
        minimum_outcomes=config.min_sample_size,
        minimum_effect=effect_of(METRICS[config.metric], config.minimum_detectable_effect),
        method=config.method,
    )


def effect_of(metric: Metric, effect: float | None) -> float | None:
    """An effect as a person says it, in units of the mean: a relative one of seconds becomes a logarithm."""
    return math.log1p(effect) if effect is not None and metric.kind == "seconds" else effect


class Reader:
    """Reads experiments from a store."""

    def __init__(self, store: ExperimentsStorageProtocol) -> None:
        self._store = store

    def groups(self, config: ABTestConfig, metric: ExperimentMetric) -> list[Group]:
        """The groups with their outcomes of one metric, control first."""
        logarithms = METRICS[metric].kind == "seconds"
        found = self._store.totals(config.test_name, metric, logarithms=logarithms)
        sums = {totals.group_name: GroupSums(*totals[1:]) for totals in found}
        assigned = self._store.assigned(config.test_name)
        return [
            Group(
                arm.group_name,
                arm.strategy,
                arm.share,
                assigned.get(arm.group_name, 0),
                sums.get(arm.group_name, GroupSums.of()),
            )
            for arm in arms(config)
        ]

    def verdict(self, kept: KeptExperiment, now: datetime) -> tuple[Verdict, list[Group]]:
        """What may be concluded now, and from what."""
        groups = self.groups(kept.config, kept.config.metric)
        return decide(groups, rules_of(kept), _units_per_day(kept, groups, now)), groups

    def experiment(
        self, kept: KeptExperiment, default_strategy: str, now: datetime, *, promoted: bool, users: int | None
    ) -> Experiment:
        """The whole answer. What was concluded at an experiment's end stays so.

        users: how many the record has, where the experiment has just begun.
        """
        config = kept.config
        verdict, groups = self.verdict(kept, now)
        running = config.status == "running"
        decision = verdict.decision if running or kept.decision is None else kept.decision
        winner = verdict.winner if running else kept.winner
        strategies = {group.group_name: group.strategy for group in groups}
        winning = strategies.get(winner) if winner else None
        metric = METRICS[config.metric]
        return Experiment(
            test_name=config.test_name,
            created=users is not None,
            status=config.status,
            decision=decision,
            winner=winner,
            winner_strategy=winning,
            conclusion=verdict.conclusion if running or not kept.reason else kept.reason,
            message=_message(kept, winning, default_strategy, promoted=promoted, users=users),
            metric=config.metric,
            unit=config.unit,
            method=config.method,
            groups=[_group(group, metric) for group in groups],
            differences=_differences(verdict.comparisons, metric),
            confidence=verdict.confidence,
            further_metrics=[self._further(kept, name, now) for name in config.metrics[1:]],
            min_sample_size=config.min_sample_size,
            planned_unit_count=kept.planned_sample_size,
            further_unit_count=verdict.further_units if running else None,
            further_days=verdict.further_days if running else None,
            assignment_p_value=verdict.assignment.p_value,
            promote_winner=config.promote_winner,
            promoted=promoted,
            default_strategy=default_strategy,
            description=config.description,
            created_at=kept.created_at,
            start_date=config.start_date,
            end_date=config.end_date,
            ended_at=None if running else kept.status_at,
        )

    def _further(self, kept: KeptExperiment, name: ExperimentMetric, now: datetime) -> MetricReading:
        metric = METRICS[name]
        groups = self.groups(kept.config, name)
        rules = Rules(metric, kept.config.unit, kept.planned_sample_size)
        found = decide(groups, rules, _units_per_day(kept, groups, now))
        return MetricReading(
            metric=name,
            groups=[_group(group, metric) for group in groups],
            differences=_differences(found.comparisons, metric),
        )


def _units_per_day(kept: KeptExperiment, groups: Sequence[Group], now: datetime) -> float | None:
    days = (now - kept.config.start_date).total_seconds() / 86_400
    units = sum(group.sums.units for group in groups)
    return units / days if units and days >= _SHORTEST_DAYS else None


def _group(group: Group, metric: Metric) -> GroupReading:
    sums = group.sums
    return GroupReading(
        group_name=group.group_name,
        strategy=group.strategy,
        share=group.share,
        unit_count=group.assigned,
        measured_unit_count=sums.units,
        outcome_count=sums.outcomes,
        value=metric.shown(sums.mean) if sums.outcomes else None,
    )


def _differences(found: Sequence[Comparison], metric: Metric) -> list[Difference]:
    def shown(value: float | None) -> float | None:
        if value is None or metric.kind != "seconds":
            return value
        return math.expm1(min(value, 50.0))

    return [
        Difference(
            group_name=one.group_name,
            difference=shown(one.difference) or 0.0,
            lower=shown(one.lower),
            upper=shown(one.upper),
            p_value=one.p_value,
            proven=one.proven,
        )
        for one in found
    ]


def _message(
    kept: KeptExperiment, winning: str | None, default_strategy: str, *, promoted: bool, users: int | None
) -> str:
    config = kept.config
    parts = [f"{config.test_name} is {config.status}." if users is None else f"{config.test_name} has begun."]
    if config.status == "running":
        parts.append(_units(config, users))
        after = "by itself" if config.promote_winner else "when somebody promotes it"
        parts.append(f"A proven winner becomes the default {after}.")
    elif promoted:
        parts.append("Its winner was promoted.")
    elif winning is not None and winning != default_strategy:
        parts.append(f"Its winner is not the default: `session-buddy ab promote '{config.test_name}'`.")
    parts.append(f"The default strategy is {default_strategy}.")
    return " ".join(parts)


def _units(config: ABTestConfig, users: int | None) -> str:
    """Who is assigned, and why: groups of users need users."""
    known = "" if users is None else f" (the record has {plural(users, 'user')})"
    few = users is not None and users < 2 * FEWEST_UNITS
    if config.unit == "session":
        return f"The unit is the session, whoever works in it{known}."
    said = f"The unit is the user{known}: all sessions of one are in one group, and count once."
    return f"{said} Nothing is concluded below {FEWEST_UNITS} users in each group." if few else said
