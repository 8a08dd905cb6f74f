"""Tools that look ahead: what to use next, and how it would go."""

from typing import Annotated

from pydantic import Field

from session_buddy.models.answers_recommending import SuccessPrediction, Suggestions
from session_buddy.models.events import Name, ShortText
from session_buddy.models.vocabulary import WorkflowPhase
from session_buddy.serve.service_tool import Call
from session_buddy.serve.tools.experimenting import UserId
from session_buddy.services.recommending import Asked


def suggest_next_skill(  # noqa: PLR0913 - the situation that is asked about, and for whom
    call: Call,
    *,
    query: Annotated[
        str | None, Field(max_length=100_000, description="the request; finds unused skills too")
    ] = None,
    workflow_phase: WorkflowPhase | None = None,
    recent_skills: Annotated[
        list[Name] | None, Field(max_length=100, description="oldest first; default: as recorded")
    ] = None,
    session_id: Annotated[Name | None, Field(description="default: this session")] = None,
    user_id: UserId = None,
    project: ShortText | None = None,
    agent: Annotated[Name | None, Field(description="without what only others used")] = None,
    limit: Annotated[int, Field(ge=1, le=20)] = 5,
    strategy: Annotated[
        Name | None, Field(description="default: of the experiment, or the best known")
    ] = None,
) -> Suggestions:
    """Which skill fits next: ranked, with reasons, evidence counts, expected time, success probability.

    Call it when it is unclear which skill to use. Whether a suggestion is taken is seen by itself.
    """
    asked = Asked(
        session_id=session_id,
        project=project,
        user_id=call.services.experimenter.user_of(user_id),
        workflow_phase=workflow_phase,
        query=query,
        recent_skills=recent_skills,
        limit=limit,
        strategy=strategy,
        agent=agent,
        request_key=call.request_key,
    )
    return call.services.recommender.suggest(asked, call.caller)


def predict_skill_success(
    call: Call,
    *,
    skill_name: Name,
    workflow_phase: WorkflowPhase = "unknown",
    session_id: Annotated[Name | None, Field(description="default: this session")] = None,
) -> SuccessPrediction:
    """How likely a skill would complete if it were used now, and the features behind it.

    The probability is calibrated on outcomes that were predicted before they were known (model_score).
    """
    return call.services.recommender.predict(skill_name, workflow_phase, session_id, call.caller)
