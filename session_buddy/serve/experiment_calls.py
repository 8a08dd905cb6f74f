"""The command line's calls about experiments; a part of `session_buddy.serve.control`."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field, StringConstraints, ValidationError

from session_buddy.errors import InvalidInput
from session_buddy.models.events import Frozen, Name, Timestamp
from session_buddy.models.problems import problems_of
from session_buddy.models.vocabulary import ExperimentMethod, ExperimentMetric, ExperimentUnit
from session_buddy.services import Services
from session_buddy.services.experiment_requests import Wanted

_Given = TypeVar("_Given", bound=Frozen)
_Text = Annotated[str, StringConstraints(max_length=2_000)]


class WantedArguments(Frozen):
    """An experiment that is to begin, or to be planned."""

    test_name: Name
    control_strategy: Name | None = None
    treatment_strategy: Name | None = None
    further_strategies: list[Name] | None = None
    description: _Text | None = None
    start_date: Timestamp | None = None
    end_date: Timestamp | None = None
    min_sample_size: Annotated[int, Field(ge=1)] | None = None
    metrics: list[ExperimentMetric] | None = None
    assignment_ratio: Annotated[float, Field(gt=0, lt=1)] | None = None
    unit: ExperimentUnit | None = None
    method: ExperimentMethod | None = None
    minimum_detectable_effect: Annotated[float, Field(gt=0)] | None = None
    promote_winner: bool | None = None


class NamedArguments(Frozen):
    """An experiment by its name."""

    test_name: Name


class StopArguments(Frozen):
    """An experiment that is to end before its time."""

    test_name: Name
    reason: _Text


class RevertArguments(Frozen):
    """Why a promotion is taken back."""

    reason: _Text = ""


class _NoArguments(Frozen):
    """None are taken."""


def experiment_calls(services: Services) -> dict[str, Callable[[Mapping[str, Any], object], Any]]:
    """The calls by name; each takes its arguments and something to emit with, which it does without."""

    def create(arguments: Mapping[str, Any], _emit: object) -> Any:
        return services.experimenter.run(_wanted(arguments))

    def plan(arguments: Mapping[str, Any], _emit: object) -> Any:
        return services.experimenter.plan(_wanted(arguments))

    def show(arguments: Mapping[str, Any], _emit: object) -> Any:
        return services.experimenter.read(_checked(NamedArguments, arguments).test_name)

    def overview(arguments: Mapping[str, Any], _emit: object) -> Any:
        _checked(_NoArguments, arguments)
        return services.experimenter.overview()

    def stop(arguments: Mapping[str, Any], _emit: object) -> Any:
        given = _checked(StopArguments, arguments)
        return services.experimenter.stop_test(given.test_name, given.reason)

    def promote(arguments: Mapping[str, Any], _emit: object) -> Any:
        return services.experimenter.promote(_checked(NamedArguments, arguments).test_name)

    def revert(arguments: Mapping[str, Any], _emit: object) -> Any:
        return services.experimenter.revert(_checked(RevertArguments, arguments).reason)

    return {
        "ab_create": create,
        "ab_plan": plan,
        "ab_show": show,
        "ab_list": overview,
        "ab_stop": stop,
        "ab_promote": promote,
        "ab_revert": revert,
    }


def _wanted(arguments: Mapping[str, Any]) -> Wanted:
    return Wanted(**_checked(WantedArguments, arguments).model_dump())


def _checked(model: type[_Given], arguments: Mapping[str, Any]) -> _Given:
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        raise InvalidInput(problems_of(error)) from error
