"""What commands print of experiments."""

from datetime import UTC, datetime

import pytest

from session_buddy.cli import experiments_view
from session_buddy.models.answers_experiments import (
    DefaultChange,
    Difference,
    Experiment,
    ExperimentList,
    GroupReading,
    MetricReading,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def groups(control: float, treatment: float) -> list[GroupReading]:
    return [
        GroupReading(
            group_name=name,
            strategy=strategy,
            share=0.5,
            unit_count=200,
            measured_unit_count=190,
            outcome_count=1_234,
            value=value,
        )
        for name, strategy, value in (
            ("control", "repeat_last", control),
            ("treatment", "markov_blend", treatment),
        )
    ]


def difference(value: float) -> Difference:
    return Difference(
        group_name="treatment",
        difference=value,
        lower=value - 0.1,
        upper=value + 0.1,
        p_value=0.001,
        proven=True,
    )


EXPERIMENT = Experiment(
    test_name="blend",
    created=False,
    status="completed",
    decision="treatment_better",
    winner="treatment",
    winner_strategy="markov_blend",
    conclusion="markov_blend is better than repeat_last.",
    message="blend is completed.",
    metric="completion_rate",
    unit="session",
    method="sequential",
    groups=groups(0.75, 0.925),
    differences=[difference(0.175)],
    confidence=0.95,
    further_metrics=[
        MetricReading(metric="duration_seconds", groups=groups(60.0, 48.0), differences=[difference(-0.2)]),
        MetricReading(metric="user_rating", groups=groups(4.0, 4.25), differences=[difference(0.25)]),
    ],
    min_sample_size=100,
    planned_unit_count=400,
    further_unit_count=None,
    further_days=None,
    assignment_p_value=1.0,
    promote_winner=True,
    promoted=True,
    default_strategy="markov_blend",
    description="does the blend help?",
    created_at=NOW,
    start_date=NOW,
    end_date=None,
    ended_at=NOW,
)


def test_an_experiment_is_printed_with_values_in_the_units_of_each_metric(
    capsys: pytest.CaptureFixture[str],
) -> None:
    experiments_view.show_experiment(EXPERIMENT.model_dump(mode="json"))
    printed = " ".join(capsys.readouterr().out.split())
    for text in (
        "assigned by session, decided by completion_rate",
        "does the blend help?",
        "92.5 %",
        "+17.5 pt",
        "+7.5 pt to +27.5 pt",
        "48 s",
        "-20.0 %",
        "4.25",
        "+0.25",
        "1,234",
        "markov_blend is better than repeat_last.",
    ):
        assert text in printed


def test_the_list_ends_with_the_trail_of_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    change = DefaultChange(
        kind="promoted",
        strategy="markov",
        replaced_strategy="markov_blend",
        test_name="blend",
        reason="won",
        at=NOW,
    )
    answer = ExperimentList(experiments=[EXPERIMENT], default_strategy="markov", trail=[change])
    experiments_view.show_list(answer.model_dump(mode="json"))
    printed = " ".join(capsys.readouterr().out.split())
    assert "treatment better" in printed
    assert "The default strategy is markov." in printed
    assert "promoted markov over markov_blend (blend)" in printed
