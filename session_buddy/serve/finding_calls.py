"""The command line's calls about what was learned; a part of `session_buddy.serve.control`."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, StringConstraints, ValidationError

from session_buddy.errors import InvalidInput
from session_buddy.models.events import Frozen
from session_buddy.models.problems import problems_of
from session_buddy.models.vocabulary import Modality
from session_buddy.services import Services

_Given = TypeVar("_Given", bound=Frozen)
_Text = Annotated[str, StringConstraints(min_length=1)]
_Limit = Annotated[int, Field(ge=1, le=1000)]


class AnomalyArguments(Frozen):
    """Anomalies of the last hours."""

    threshold: float = 2.0
    time_window_hours: float = 24.0
    method: Literal["cusum", "zscore"] = "cusum"


class TrendArguments(Frozen):
    """A skill over some days."""

    skill_name: _Text
    days: float = 7.0


class DependencyArguments(Frozen):
    """What goes with a skill."""

    skill_name: _Text
    limit: _Limit = 10
    min_lift: float = 1.5


class CollaborativeArguments(Frozen):
    """What similar users use."""

    user_id: _Text | None = None
    limit: _Limit = 5


class BaselineArguments(Frozen):
    """How skills go for everybody."""

    limit: _Limit = 20


class KindArguments(Frozen):
    """A skill, and what the user says of it; nothing said: what is known."""

    skill_name: _Text
    category: _Text | None = None
    modality: Modality | None = None


def finding_calls(services: Services) -> dict[str, Callable[[Mapping[str, Any], object], Any]]:
    """The calls by name; each takes its arguments and something to emit with, which it does without."""

    def anomalies(arguments: Mapping[str, Any], _emit: object) -> Any:
        given = _checked(AnomalyArguments, arguments)
        return services.finder.anomalies(given.threshold, given.time_window_hours, given.method)

    def trend(arguments: Mapping[str, Any], _emit: object) -> Any:
        given = _checked(TrendArguments, arguments)
        return services.comparer.trend(given.skill_name, given.days)

    def dependencies(arguments: Mapping[str, Any], _emit: object) -> Any:
        given = _checked(DependencyArguments, arguments)
        return services.comparer.dependencies(given.skill_name, given.limit, given.min_lift)

    def collaborative(arguments: Mapping[str, Any], _emit: object) -> Any:
        given = _checked(CollaborativeArguments, arguments)
        return services.comparer.collaborative(given.user_id, given.limit)

    def baselines(arguments: Mapping[str, Any], _emit: object) -> Any:
        return services.comparer.baselines(_checked(BaselineArguments, arguments).limit)

    def kind(arguments: Mapping[str, Any], _emit: object) -> Any:
        given = _checked(KindArguments, arguments)
        if given.category is None and given.modality is None:
            return services.cataloguer.kind(given.skill_name)
        return services.cataloguer.categorise(given.skill_name, given.category, given.modality)

    return {
        "anomalies": anomalies,
        "trend": trend,
        "dependencies": dependencies,
        "collaborative": collaborative,
        "baselines": baselines,
        "kind": kind,
    }


def _checked(model: type[_Given], arguments: Mapping[str, Any]) -> _Given:
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        raise InvalidInput(problems_of(error)) from error
