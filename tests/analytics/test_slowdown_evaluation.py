"""Finding planted slowdowns in logs, by the detector that runs and by an Isolation Forest."""

import numpy as np
import pytest

from bench.generators import durations
from session_buddy.analytics.isolation_forest import unusual
from session_buddy.analytics.slowdown_evaluation import FEWEST, cusum, durations_of, score_detectors
from session_buddy.analytics.suggesting.evaluation import LoggedUse


def series(seed: int) -> list[tuple[float, str]]:
    made = durations.steady(np.random.default_rng(seed), 20, 20)
    return [(float(seconds), f"s{number // 2}") for number, seconds in enumerate(made)]


def test_the_detector_finds_what_was_planted_with_hardly_a_false_alarm() -> None:
    (score,) = score_detectors([series(seed) for seed in range(5)], {"cusum": cusum})
    assert (score.action_count, score.use_count) == (5, 5 * 340)
    assert score.found_share == 1.0
    assert score.false_alarms_per_1000 < 2
    assert score.median_delay is not None
    assert score.median_delay <= 30


@pytest.mark.slow
def test_an_isolation_forest_raises_far_more_often() -> None:
    known = [series(seed) for seed in range(3)]
    ours, forest = score_detectors(known, {"cusum": cusum, "isolation_forest": unusual})
    assert forest.false_alarms_per_1000 > 10 * max(1.0, ours.false_alarms_per_1000)


def test_only_actions_with_enough_durations_are_scored() -> None:
    def use(number: int, tool: str, seconds: float | None) -> LoggedUse:
        return LoggedUse("", "s", float(-number), tool, tool, None, "", "", None, None, seconds)

    uses = [use(number, "often", 1.0 + number) for number in range(FEWEST)]
    uses += [use(number, "unknown", None) for number in range(FEWEST)] + [use(0, "once", 1.0)]
    (found,) = durations_of(uses)
    assert [seconds for seconds, _ in found] == [1.0 + number for number in reversed(range(FEWEST))]
