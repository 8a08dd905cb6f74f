"""The command line's calls about CI stages and quality gates; a part of `session_buddy.serve.control`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from pydantic import Field, StringConstraints, ValidationError

from session_buddy.errors import InvalidInput
from session_buddy.models.fields import Frozen
from session_buddy.models.problems import problems_of
from session_buddy.models.values import Caller
from session_buddy.services import Services
from session_buddy.services.run_recording import GateReport

_Given = TypeVar("_Given", bound=Frozen)
_Text = Annotated[str, StringConstraints(min_length=1)]
_Days = Annotated[float, Field(gt=0, le=36_500)]
_CALLER = Caller(connection_id="command-line", source="cli")


class PipelineArguments(Frozen):
    """Pipelines over some days."""

    pipeline_name: _Text | None = None
    project: _Text | None = None
    days: _Days = 30.0


class QualityArguments(Frozen):
    """Quality gates over some days."""

    session_id: _Text | None = None
    project: _Text | None = None
    days: _Days = 30.0


class GateArguments(GateReport):
    """A run of a gate. agent: whose session it ran in."""

    agent: _Text | None = None


def run_calls(services: Services) -> dict[str, Callable[[Mapping[str, Any], object], Any]]:
    """The calls by name; each takes its arguments and something to emit with, which it does without."""

    def record_gate(arguments: Mapping[str, Any], _emit: object) -> Any:
        given = _checked(GateArguments, arguments)
        caller = replace(_CALLER, agent=given.agent) if given.agent else _CALLER
        report = GateReport.model_validate(given.model_dump(exclude={"agent"}))
        return services.run_recorder.record_gate(report, caller)

    def pipelines(arguments: Mapping[str, Any], _emit: object) -> Any:
        given = _checked(PipelineArguments, arguments)
        return services.run_reporter.pipelines(given.pipeline_name, given.project, given.days)

    def quality(arguments: Mapping[str, Any], _emit: object) -> Any:
        given = _checked(QualityArguments, arguments)
        return services.run_reporter.quality(given.session_id, given.project, given.days)

    return {"record_gate": record_gate, "pipelines": pipelines, "quality": quality}


def _checked(model: type[_Given], arguments: Mapping[str, Any]) -> _Given:
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        raise InvalidInput(problems_of(error)) from error
