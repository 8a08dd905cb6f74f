"""What is answered about the next skill and about how a use would go."""

from uuid import UUID

from pydantic import Field

from session_buddy.models.events import Frozen
from session_buddy.models.vocabulary import WorkflowPhase


class Suggestion(Frozen):
    """One suggested skill and what speaks for it."""

    skill_name: str
    score: float = Field(ge=0, le=1, description="share of the probability among all candidates")
    reason: str
    uses: int = Field(description="earlier uses")
    project_uses: int
    followed_count: int = Field(description="times it came next after the same skills")
    followed_of: int = Field(description="times those skills were seen")
    expected_seconds: float | None = Field(description="median of earlier uses")
    success_probability: float | None = Field(description="none while no outcome is known")
    decided_count: int = Field(description="outcomes behind it")


class Suggestions(Frozen):
    """Answer of `suggest_next_skill`."""

    suggestion_id: UUID
    session_id: str
    strategy: str
    test_name: str | None
    group_name: str | None
    learned_uses: int
    suggestions: list[Suggestion]
    message: str


class SuccessFeatures(Frozen):
    """The seven features of the use, at its time, without itself."""

    hour_of_day: int
    day_of_week: int = Field(description="0 is Monday")
    invocation_count_24h: int
    avg_completion_rate_24h: float
    workflow_phase_encoded: int
    session_length_minutes: float
    user_skill_familiarity: int


class ModelScore(Frozen):
    """How good the probabilities were, each made before its outcome was known."""

    prediction_count: int
    log_loss: float
    brier: float
    calibration_error: float
    accuracy: float


class SuccessPrediction(Frozen):
    """Answer of `predict_skill_success`."""

    skill_name: str
    probability: float | None = Field(description="of completing; none while no outcome is known")
    skill_rate: float | None = Field(description="the skill's rate so far, drawn to that of all skills")
    decided_count: int
    workflow_phase: WorkflowPhase
    features: SuccessFeatures
    model_score: ModelScore | None
    message: str
