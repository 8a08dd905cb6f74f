"""Who is in which group, and what may be concluded from an experiment."""

import math
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.experiment_runs import NEVER, first_verdicts, replayed
from bench.generators import experiments
from bench.generators.suggestions import logged
from session_buddy.analytics.experiments.assignment import arms_of, assigned, position
from session_buddy.analytics.experiments.decision import Group, Rules, Verdict, decide
from session_buddy.analytics.experiments.metrics import METRICS
from session_buddy.analytics.experiments.off_policy import Logged, judged
from session_buddy.analytics.experiments.srm import log_evidence, mismatch
from session_buddy.analytics.experiments.sums import GroupSums

COMPLETION = METRICS["completion_rate"]
HALVES = arms_of(["repeat_last", "markov_blend"])
PROBE = """
import sys
from session_buddy.analytics.experiments.assignment import arms_of, assigned
arms = arms_of(["one", "two"], 0.3)
print("".join(assigned("a test", f"user-{n}", arms).group_name[0] for n in range(200)))
"""


def rules(**changed: object) -> Rules:
    values: dict[str, object] = {"metric": COMPLETION, "unit": "session", "planned_units": 400}
    return Rules(**(values | changed))  # type: ignore[arg-type]


def of(name: str, values: Sequence[Sequence[float]], share: float = 0.5, assigned_units: int = 0) -> Group:
    sums = GroupSums.of(values)
    return Group(name, f"strategy of {name}", share, assigned_units or sums.units, sums)


def rates(*counts: tuple[int, int], shares: Sequence[float] = (0.5, 0.5)) -> list[Group]:
    names = ("control", "treatment", "treatment_2")
    return [
        of(name, [[1.0]] * good + [[0.0]] * bad, share)
        for name, (good, bad), share in zip(names, counts, shares, strict=False)
    ]


def verdict(*counts: tuple[int, int], **changed: object) -> Verdict:
    return decide(rates(*counts), rules(**changed))


def test_every_process_finds_the_same_group() -> None:
    runs = {
        subprocess.run(
            [sys.executable, "-c", PROBE],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    arms = arms_of(["one", "two"], 0.3)
    here = "".join(assigned("a test", f"user-{n}", arms).group_name[0] for n in range(200))
    assert runs == {here}


def test_a_group_never_changes_with_the_version() -> None:
    """Written down: another hash would move every unit of every experiment that is running."""
    assert position("a test", "user-1") == 0.19372005419205807


@pytest.mark.slow
def test_a_million_units_are_divided_as_meant_and_anew_by_each_test() -> None:
    million = 1_000_000
    arms = arms_of(["one", "two", "three"], 0.6)
    names = [f"{number:x}" for number in range(million)]
    first = np.array([position("first", name) for name in names])
    second = np.array([position("second", name) for name in names])
    groups = Counter(assigned("first", name, arms).group_name for name in names[:100_000])
    for arm in arms:
        assert abs(groups[arm.group_name] - 100_000 * arm.share) < 4 * math.sqrt(100_000 * arm.share)
    shares, _edges = np.histogram(first, bins=100, range=(0, 1))
    chi_squared = float(((shares - million / 100) ** 2 / (million / 100)).sum())
    assert 48 < chi_squared < 171  # 99 degrees of freedom; outside once in a hundred thousand times
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / math.sqrt(million)
    halves = (first < 0.5) == (second < 0.5)
    assert abs(halves.mean() - 0.5) < 5 * 0.5 / math.sqrt(million)


@given(st.text(max_size=80), st.text(max_size=80), st.floats(0.01, 0.99))
def test_any_names_have_a_group(test_name: str, unit_id: str, share: float) -> None:
    arms = arms_of(["one", "two"], share)
    assert assigned(test_name, unit_id, arms) == arms[int(position(test_name, unit_id) >= 1 - share)]


@pytest.mark.parametrize(
    ("strategies", "share", "said"),
    [
        (["one"], 0.5, "compares 2 to 8"),
        (["one", "one"], 0.5, "named twice"),
        (["one", "two"], 0.0, "between 0 and 1"),
        (["one", "two"], 7.0, "between 0 and 1"),
        ([str(number) for number in range(9)], 0.5, "compares 2 to 8"),
    ],
)
def test_groups_that_cannot_be_are_refused(strategies: list[str], share: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        arms_of(strategies, share)


def test_a_better_treatment_wins_and_the_conclusion_says_by_how_much() -> None:
    found = verdict((150, 50), (185, 15))
    assert (found.decision, found.winner, found.ends) == ("treatment_better", "treatment", True)
    assert found.conclusion == (
        "strategy of treatment is better than strategy of control: completion_rate 92.5 % against 75.0 %, "
        "+17.5 points (95 % interval +6.6 points to +28.4 points, valid at every look; 200 and 200 sessions)."
    )


def test_a_worse_treatment_loses_and_control_is_the_winner() -> None:
    found = verdict((185, 15), (150, 50))
    assert (found.decision, found.winner) == ("control_better", "control")
    assert "-17.5 points" in found.conclusion


def test_shorter_durations_win() -> None:
    rng = np.random.default_rng(3)
    slow, fast = ([[math.log(value)] for value in rng.lognormal(mean, 0.5, 200)] for mean in (4.5, 4.0))
    groups = [of("control", slow), of("treatment", fast)]
    found = decide(groups, rules(metric=METRICS["duration_seconds"]))
    assert found.winner == "treatment"
    assert " s against " in found.conclusion
    assert decide(groups[::-1], rules(metric=METRICS["duration_seconds"])).decision == "control_better"


def test_two_users_with_two_hundred_outcomes_are_no_result() -> None:
    groups = [of("control", [[0.0] * 200]), of("treatment", [[1.0] * 200])]
    found = decide(groups, rules(unit="user"), units_per_day=0.5)
    assert (found.decision, found.winner, found.ends) == ("too_few_units", None, False)
    assert found.further_units == 38
    assert "control 1 user, treatment 1 user, with 400 outcomes together" in found.conclusion
    assert "At least 38 users more, about 76 days at the rate so far" in found.conclusion


def test_outcomes_that_were_asked_for_are_waited_for() -> None:
    found = verdict((10, 40), (50, 0))
    assert found.decision == "too_few_outcomes"
    assert "100 outcomes in each group were asked for. So far: control 50 outcomes" in found.conclusion
    assert verdict((10, 40), (50, 0), minimum_outcomes=50).decision == "treatment_better"


def test_equal_groups_are_not_decided_and_it_says_how_long_it_would_take() -> None:
    found = decide(rates((90, 10), (91, 9)), rules(minimum_effect=0.05), units_per_day=40)
    assert (found.decision, found.winner) == ("undecided", None)
    assert found.further_units is not None
    assert found.further_units > 500
    assert found.further_days == pytest.approx(found.further_units / 40, abs=0.1)
    assert "To find a difference of 5.0 points, it takes about" in found.conclusion


def test_no_difference_at_all_needs_no_number() -> None:
    found = verdict((90, 10), (90, 10))
    assert (found.decision, found.further_units) == ("undecided", None)
    assert "too small for any realistic number" in found.conclusion


def test_a_difference_that_is_ruled_out_ends_the_experiment() -> None:
    found = verdict((2700, 300), (2705, 295), planned_units=3000, minimum_effect=0.05)
    assert (found.decision, found.winner, found.ends) == ("no_difference", None, True)
    assert "a difference of 5.0 points or more is ruled out" in found.conclusion


def test_groups_in_which_nothing_failed_have_an_interval_and_no_verdict() -> None:
    found = verdict((150, 0), (150, 0))
    one = found.comparisons[0]
    assert (found.decision, one.difference) == ("undecided", 0.0)
    assert one.lower is not None
    assert one.upper is not None
    assert -0.1 < one.lower < 0 < one.upper < 0.1
    assert one.p_value == 1
    assert "nan" not in found.conclusion


def test_durations_that_are_all_equal_have_no_interval_and_no_verdict() -> None:
    groups = [of(name, [[value]] * 150) for name, value in (("control", 4.0), ("treatment", 3.0))]
    found = decide(groups, rules(metric=METRICS["duration_seconds"]))
    assert found.decision == "undecided"
    assert (found.comparisons[0].lower, found.comparisons[0].upper) == (None, None)
    assert "no interval, because nothing varied" in found.conclusion


def test_an_interval_that_is_too_sure_decides_nothing() -> None:
    """Nothing failed in the small group: its own variance is zero, and the interval excludes zero."""
    values = [[1.0]] * 863 + [[0.0]] * 37
    groups = [of("control", values, 0.9), of("treatment", [[1.0]] * 99 + [[0.5]], 0.1)]
    found = decide(groups, rules(planned_units=1000))
    assert found.comparisons[0].lower is not None
    assert found.comparisons[0].lower > 0
    assert found.decision == "undecided"
    assert "too few differing outcomes" in found.conclusion


def test_groups_of_the_wrong_size_stop_everything_and_it_says_why() -> None:
    groups = rates((300, 100), (560, 40))
    found = decide(groups, rules())
    assert (found.decision, found.winner, found.ends) == ("assignment_broken", None, True)
    assert "control 400 sessions instead of 500, treatment 600 sessions instead of 500" in found.conclusion


def test_the_best_of_several_treatments_wins_with_a_wider_interval() -> None:
    groups = rates((150, 50), (180, 20), (192, 8), shares=(0.34, 0.33, 0.33))
    found = decide(groups, rules(planned_units=600))
    assert found.winner == "treatment_2"
    assert found.confidence == pytest.approx(0.975)
    assert "97.5 % interval" in found.conclusion
    assert "So is strategy of treatment; which of them is best is not shown" in found.conclusion


def test_a_fixed_horizon_decides_at_its_end_and_only_then_unless_the_difference_is_huge() -> None:
    early = verdict((60, 40), (75, 25), method="fixed_horizon")
    assert (early.decision, early.further_units) == ("undecided", 200)
    assert "planned sample is reached after 200 sessions more" in early.conclusion
    assert verdict((10, 90), (90, 10), method="fixed_horizon").winner == "treatment"
    end = verdict((120, 80), (150, 50), method="fixed_horizon")
    assert (end.decision, end.comparisons[0].proven) == ("treatment_better", True)
    assert "valid for this look" in end.conclusion
    none = verdict((150, 50), (150, 50), method="fixed_horizon")
    assert (none.decision, none.ends) == ("no_difference", True)
    assert "does not prove that there is none" in none.conclusion


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=3),
    st.sampled_from(["sequential", "fixed_horizon"]),
    st.sampled_from(sorted(METRICS)),
)
def test_whatever_the_counts_are_there_is_an_answer_in_numbers(
    counts: list[tuple[int, int]], method: str, metric: str
) -> None:
    groups = rates(*counts, shares=[1 / len(counts)] * len(counts))
    found = decide(groups, rules(method=method, metric=METRICS[metric], minimum_outcomes=1, planned_units=60))
    assert "nan" not in found.conclusion
    assert all(math.isfinite(one.p_value) for one in found.comparisons)
    assert (found.winner is not None) == (found.decision in {"treatment_better", "control_better"})


@pytest.mark.parametrize(
    ("metric", "raw"), [("user_rating", 6), ("user_rating", 0), ("completion_rate", 0.5)]
)
def test_a_value_that_cannot_be_is_refused(metric: str, raw: float) -> None:
    with pytest.raises(ValueError, match=f"A value of {metric} is"):
        METRICS[metric].value(raw)


@given(st.lists(st.integers(0, 400), min_size=2, max_size=4))
def test_the_evidence_of_wrong_sizes_is_a_martingale(counts: list[int]) -> None:
    """One more unit changes it by nothing on average, if the shares are right."""
    shares = [1 / len(counts)] * len(counts)
    now = log_evidence(counts, shares)
    after = [
        math.exp(log_evidence([count + (place == group) for place, count in enumerate(counts)], shares) - now)
        for group in range(len(counts))
    ]
    assert math.fsum(after) / len(counts) == pytest.approx(1, rel=1e-9)


def test_shares_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="counts for the shares"):
        mismatch([1, 2], [0.5, 0.6])


@pytest.mark.slow
def test_the_bench_decides_as_the_shipped_code_does() -> None:
    rng = np.random.default_rng()
    usage = experiments.visits(rng, 4, 600, (0.6, 0.9), 3.0, 0.2)
    seen = first_verdicts(usage, 200)
    assert [replayed(usage, run, 200) for run in range(4)] == seen.decided.tolist()
    assert (seen.decided != NEVER).any()


def test_a_strategy_is_judged_before_it_is_tried() -> None:
    found = judged(logged(np.random.default_rng(3), 4_000, "b"))
    assert found is not None
    assert found.certain_enough
    assert found.lower > found.logged_mean
    assert found.lower < 0.6 < found.upper
    assert "against 3" in found.in_words


@pytest.mark.slow
def test_its_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(60):
        found = judged(logged(rng, 1_500, "b"))
        assert found is not None
        covered += found.lower <= 0.6 <= found.upper
    assert covered >= 51  # of 60, at 95 %: fewer once in a thousand times


def test_the_strategy_that_suggested_is_judged_as_it_was() -> None:
    known = [
        one._replace(propensity=1.0, wanted={one.chosen: 1.0})
        for one in logged(np.random.default_rng(4), 500, "a")
    ]
    found = judged(known)
    assert found is not None
    assert found.mean == pytest.approx(found.logged_mean, abs=1e-9)
    assert found.effective == pytest.approx(500)


def test_little_that_speaks_for_it_is_called_a_guess() -> None:
    found = judged(logged(np.random.default_rng(2), 60, "b"))
    assert found is not None
    assert not found.certain_enough
    assert "this is a guess" in found.in_words


def test_what_was_never_shown_widens_the_interval_to_all_that_may_be() -> None:
    found = judged(logged(np.random.default_rng(2), 500, "never seen"))
    assert found is not None
    assert (found.lower, found.upper, found.covered, found.effective) == (0.0, 1.0, 0.0, 0.0)
    assert "Of 100 % of its choices nothing is known" in found.in_words


def test_nothing_logged_is_no_estimate() -> None:
    assert judged([]) is None
    with pytest.raises(ValueError, match="propensity 0"):
        judged([Logged("s", "a", ("a",), 0.0, 1.0, {"a": 1.0})])
