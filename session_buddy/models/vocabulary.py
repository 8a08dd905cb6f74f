"""The words of the record: the same in schema, code, JSON, metrics and documents."""

from typing import Final, Literal

WorkflowPhase = Literal["setup", "execution", "verification", "deployment", "cleanup", "rollback", "unknown"]
Outcome = Literal["completed", "failed", "abandoned"]
OutcomeSource = Literal["reported", "inferred"]
AnomalyType = Literal["performance_drop", "performance_spike", "pattern_shift"]
Measure = Literal["completion", "duration", "volume"]
Modality = Literal["text", "code", "image", "audio", "video", "document", "data", "web"]
EventKind = Literal["started", "ended", "reported", "rated", "recorded", "superseded"]
Source = Literal["hook", "transcript", "mcp", "cli", "import", "ci", "gate", "ide"]
Origin = Literal["agent", "user"]
ExperimentMetric = Literal["completion_rate", "duration_seconds", "user_rating", "acceptance_rate"]
ExperimentUnit = Literal["user", "session"]
ExperimentMethod = Literal["sequential", "fixed_horizon"]
ExperimentStatus = Literal["running", "completed", "stopped"]
ExperimentDecision = Literal[
    "assignment_broken",
    "too_few_units",
    "too_few_outcomes",
    "undecided",
    "treatment_better",
    "control_better",
    "no_difference",
]

WORKFLOW_PHASES: Final[tuple[WorkflowPhase, ...]] = (
    "setup",
    "execution",
    "verification",
    "deployment",
    "cleanup",
    "rollback",
    "unknown",
)

OUTCOMES: Final[tuple[Outcome, ...]] = ("completed", "failed", "abandoned")

AUTHORITY_HOOK: Final = 10
AUTHORITY_TRANSCRIPT: Final = 20
AUTHORITY_REPORTED: Final = 30
"""Which event wins where several speak of one use: the higher authority, then the later event."""
