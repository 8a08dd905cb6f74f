"""Runs of stages and gates for tests."""

from typing import Any

from session_buddy.models.ids import hashed_id
from session_buddy.models.runs import GateEvent, StageEvent, phase_of_gate, phase_of_stage
from tests.support.events import at


def stage_run(stage: str = "test", seconds: float = 0, **fields: Any) -> StageEvent:
    """A stage of the pipeline `shop` that began then and completed in 60 seconds unless told otherwise."""
    values: dict[str, Any] = {
        "id": hashed_id("test", "stage", stage, str(seconds), repr(sorted(fields.items(), key=str))),
        "occurred_at": at(seconds + 60),
        "kind": "pipeline_stage_run",
        "pipeline_name": "shop",
        "stage": stage,
        "workflow_phase": phase_of_stage(stage),
        "started_at": at(seconds),
        "duration_seconds": 60.0,
        "outcome": "completed",
        "source": "ci",
    }
    return StageEvent(**values | fields)


def gate_run(*failed: str, seconds: float = 0, phase: str = "tests", **fields: Any) -> GateEvent:
    """A gate of the project `/shop` that failed if a check did."""
    values: dict[str, Any] = {
        "id": hashed_id("test", "gate", phase, str(seconds), *failed, repr(sorted(fields.items(), key=str))),
        "occurred_at": at(seconds + 5),
        "kind": "quality_gate_run",
        "tool": "crackerjack",
        "phase": phase,
        "workflow_phase": phase_of_gate(phase),
        "started_at": at(seconds),
        "duration_seconds": 5.0,
        "outcome": "failed" if failed else "completed",
        "failed_checks": failed,
        "source": "gate",
        "project": "/shop",
    }
    return GateEvent(**values | fields)
