"""Tools that compare recommendation strategies on real use."""

from typing import Annotated

from pydantic import Field

from session_buddy.models.answers_experiments import Experiment, ExperimentStopped, OutcomeRecorded
from session_buddy.models.events import Finite, Name, ShortText, Timestamp
from session_buddy.models.vocabulary import ExperimentMethod, ExperimentMetric, ExperimentUnit
from session_buddy.serve.service_tool import Call
from session_buddy.serve.tools.recording import RequestKey
from session_buddy.services.experiment_requests import Told, Wanted

UserId = Annotated[Name | None, Field(description="any name, kept as a hash; default: this user")]


def run_ab_test(  # noqa: PLR0913 - what an experiment consists of
    call: Call,
    *,
    test_name: Name,
    control_strategy: Name | None = None,
    treatment_strategy: Name | None = None,
    further_strategies: Annotated[list[Name] | None, Field(max_length=6)] = None,
    description: ShortText | None = None,
    metrics: Annotated[
        list[ExperimentMetric] | None,
        Field(min_length=1, max_length=4, description="the first decides; default: completion_rate"),
    ] = None,
    assignment_ratio: Annotated[
        float | None, Field(gt=0, lt=1, description="share outside control; default .5")
    ] = None,
    min_sample_size: Annotated[
        int | None, Field(ge=1, description="outcomes in each group; default 100")
    ] = None,
    unit: Annotated[ExperimentUnit | None, Field(description="default: user if there are 40")] = None,
    method: ExperimentMethod | None = None,
    minimum_detectable_effect: Annotated[
        float | None, Field(gt=0, description="worth finding, e.g. .05; of durations relative")
    ] = None,
    promote_winner: Annotated[bool | None, Field(description="makes the winner the default itself")] = None,
    start_date: Timestamp | None = None,
    end_date: Timestamp | None = None,
) -> Experiment:
    """Begin an experiment between two strategies of suggest_next_skill, or read it by its name.

    Gives estimate, interval and decision, valid whenever you look. Groups and outcomes follow by themselves.
    """
    wanted = Wanted(
        test_name=test_name,
        control_strategy=control_strategy,
        treatment_strategy=treatment_strategy,
        further_strategies=further_strategies,
        description=description,
        start_date=start_date,
        end_date=end_date,
        min_sample_size=min_sample_size,
        metrics=metrics,
        assignment_ratio=assignment_ratio,
        unit=unit,
        method=method,
        minimum_detectable_effect=minimum_detectable_effect,
        promote_winner=promote_winner,
    )
    return call.services.experimenter.run(wanted)


def record_ab_outcome(
    call: Call,
    *,
    test_name: Name,
    value: Annotated[Finite, Field(description="0 or 1 of a rate, seconds, or a rating 1..5")],
    metric: Annotated[ExperimentMetric | None, Field(description="default: the deciding one")] = None,
    session_id: Annotated[Name | None, Field(description="default: this session")] = None,
    user_id: UserId = None,
    skill_name: Name | None = None,
    request_key: RequestKey = None,
) -> OutcomeRecorded:
    """Tell an experiment of an outcome that session-buddy cannot see. Uses of skills it sees by itself."""
    told = Told(test_name, value, metric, skill_name, request_key or call.request_key)
    session = session_id or call.services.recorder.session_of(call.caller)
    return call.services.experimenter.record_outcome(told, session, user_id)


def stop_ab_test(
    call: Call, *, test_name: Name, reason: Annotated[ShortText, Field(min_length=1)]
) -> ExperimentStopped:
    """End an experiment before it has its answer, and say why; what was seen stays readable."""
    return call.services.experimenter.stop_test(test_name, reason)
