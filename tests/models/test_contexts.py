"""The contexts that other programs fill in: what each field takes, what it refuses, and the reason."""

from typing import Any

import pytest
from pydantic import ValidationError

from session_buddy.models.experiment_events import ABTestConfig
from session_buddy.models.fields import Frozen
from session_buddy.models.ide import SELECTION_LIMIT, IDEContext, IDESuggestion
from session_buddy.models.problems import problems_of
from session_buddy.models.runs import CIPipelineContext

WHOLE: dict[type[Frozen], dict[str, Any]] = {
    IDEContext: {
        "file_path": "/shop/cart.py",
        "line_number": 12,
        "selected_code": "def total(): ...",
        "language": "python",
        "cursor_position": {"row": 12, "col": 4},
        "project_name": "shop",
    },
    IDESuggestion: {
        "skill_name": "test-first",
        "description": "fits test",
        "confidence": 0.7,
        "shortcut": "ctrl+alt+1",
        "estimated_duration_seconds": 43.0,
        "workflow_phase": "execution",
    },
    CIPipelineContext: {
        "pipeline_name": "shop",
        "build_number": "7",
        "git_commit": "abc",
        "git_branch": "main",
        "environment": "staging",
        "triggered_by": "push",
    },
    ABTestConfig: {
        "test_name": "blend",
        "description": "is it better?",
        "control_strategy": "popularity",
        "treatment_strategy": "markov_blend",
        "start_date": "2026-03-01T09:00:00Z",
        "end_date": "2026-04-01T09:00:00Z",
        "min_sample_size": 100,
        "metrics": ["completion_rate"],
        "assignment_ratio": 0.5,
        "status": "running",
    },
}
LEAST = {
    IDEContext: {"file_path"},
    IDESuggestion: set(WHOLE[IDESuggestion]),
    CIPipelineContext: {"pipeline_name"},
    ABTestConfig: {"test_name", "control_strategy", "treatment_strategy", "start_date"},
}
"""Fields that cannot be left out."""

TAKEN: list[tuple[type[Frozen], str, Any]] = [
    (IDEContext, "file_path", "a"),
    (IDEContext, "file_path", "C:\\shop\\cart.py"),
    (IDEContext, "file_path", "/shop/a\n; rm -rf ~.py"),
    (IDEContext, "line_number", 1),
    (IDEContext, "line_number", "7"),
    (IDEContext, "selected_code", ""),
    (IDEContext, "selected_code", "x\0y" * 300_000),
    (IDEContext, "language", None),
    (IDEContext, "language", "brainfuck"),
    (IDEContext, "cursor_position", None),
    (IDEContext, "cursor_position", {"row": 1, "col": 0}),
    (IDEContext, "project_name", None),
    (IDESuggestion, "confidence", 0),
    (IDESuggestion, "confidence", 1),
    (IDESuggestion, "shortcut", None),
    (IDESuggestion, "estimated_duration_seconds", None),
    *[
        (CIPipelineContext, "environment", name)
        for name in ("staging", "production", "development", "testing", None)
    ],
    (CIPipelineContext, "build_number", None),
    (ABTestConfig, "end_date", None),
    (ABTestConfig, "min_sample_size", 1),
    (ABTestConfig, "assignment_ratio", 0.01),
    *[(ABTestConfig, "status", name) for name in ("running", "completed", "stopped")],
]
REFUSED: list[tuple[type[Frozen], str, Any, str]] = [
    (IDEContext, "file_path", "", "file_path is empty; give it"),
    (IDEContext, "file_path", "x" * 4_097, "file_path is too long; shorten it to 4096 characters"),
    (IDEContext, "file_path", 7, "file_path must be text (got 7)."),
    (IDEContext, "line_number", 0, "line_number must be 1 or more (got 0)."),
    (IDEContext, "line_number", -3, "line_number must be 1 or more (got -3)."),
    (IDEContext, "line_number", 1.5, "line_number must be a whole number (got 1.5)."),
    (IDEContext, "line_number", "top", "line_number must be a whole number (got 'top')."),
    (IDEContext, "selected_code", "x" * (SELECTION_LIMIT + 1), "selected_code is too long"),
    (IDEContext, "selected_code", None, "selected_code must be text"),
    (IDEContext, "language", "x" * 501, "language is too long; shorten it to 500 characters"),
    (IDEContext, "cursor_position", {"row": 0, "col": 0}, "cursor_position.row must be 1 or more (got 0)."),
    (IDEContext, "cursor_position", {"row": 1, "col": -1}, "cursor_position.col must be 0 or more (got -1)."),
    (IDEContext, "cursor_position", {"row": 1}, "cursor_position.col is missing; give it."),
    (IDEContext, "cursor_position", {"row": 1, "col": 0, "x": 1}, "cursor_position.x is not known here"),
    (IDEContext, "cursor_position", [1, 0], "cursor_position cannot be used"),
    (IDEContext, "project_name", 7, "project_name must be text (got 7)."),
    (IDEContext, "filepath", "a", "filepath is not known here; leave it out."),
    (IDESuggestion, "skill_name", "", "skill_name is empty"),
    (IDESuggestion, "skill_name", "a\nb", "skill_name has a control character or a line break"),
    (IDESuggestion, "confidence", 1.01, "confidence must be at most 1 (got 1.01)."),
    (IDESuggestion, "confidence", -0.1, "confidence must be 0 or more (got -0.1)."),
    (IDESuggestion, "workflow_phase", "later", "workflow_phase must be one of 'setup', 'execution'"),
    (CIPipelineContext, "pipeline_name", "", "pipeline_name is empty"),
    (CIPipelineContext, "pipeline_name", "x" * 201, "pipeline_name is too long; shorten it to 200"),
    (CIPipelineContext, "build_number", 7, "build_number must be text (got 7)."),
    (
        CIPipelineContext,
        "environment",
        "prod",
        "environment must be one of 'staging', 'production', 'development' or 'testing' (got 'prod').",
    ),
    (CIPipelineContext, "triggered_by", "x" * 501, "triggered_by is too long"),
    (ABTestConfig, "test_name", "", "test_name is empty"),
    (ABTestConfig, "start_date", "2026-03-01T09:00:00", "start_date has no time zone; add Z"),
    (ABTestConfig, "end_date", "2026-02-01T09:00:00Z", "end_date must be later than start_date."),
    (ABTestConfig, "min_sample_size", 0, "min_sample_size must be 1 or more (got 0)."),
    (ABTestConfig, "metrics", ["happiness"], "metrics.0 must be one of 'completion_rate'"),
    (ABTestConfig, "assignment_ratio", 0, "assignment_ratio must be more than 0 (got 0)."),
    (ABTestConfig, "assignment_ratio", 1, "assignment_ratio must be less than 1 (got 1)."),
    (ABTestConfig, "assignment_ratio", float("nan"), "assignment_ratio must be a finite number"),
    (ABTestConfig, "treatment_strategy", "popularity", "the strategies of an experiment must differ"),
    (ABTestConfig, "status", "paused", "status must be one of 'running', 'completed' or 'stopped'"),
]


@pytest.mark.parametrize("context", list(WHOLE), ids=lambda context: context.__name__)
def test_a_context_takes_its_fields_and_asks_for_no_more_than_it_needs(context: type[Frozen]) -> None:
    whole = WHOLE[context]
    made = context.model_validate(whole)
    assert set(whole) <= set(context.model_fields)
    assert context.model_validate(made.model_dump()) == made
    least = {name: value for name, value in whole.items() if name in LEAST[context]}
    context.model_validate(least)
    for name in least:
        with pytest.raises(ValidationError) as caught:
            context.model_validate({key: value for key, value in least.items() if key != name})
        assert problems_of(caught.value) == f"{name} is missing; give it."


@pytest.mark.parametrize(("context", "field", "value"), TAKEN, ids=lambda part: str(part)[:30])
def test_a_value_that_can_be_is_taken(context: type[Frozen], field: str, value: Any) -> None:
    assert field in context.model_validate(WHOLE[context] | {field: value}).model_fields_set


@pytest.mark.parametrize(("context", "field", "value", "said"), REFUSED, ids=lambda part: str(part)[:30])
def test_a_value_that_cannot_be_is_refused_with_the_field_and_what_to_do(
    context: type[Frozen], field: str, value: Any, said: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        context.model_validate(WHOLE[context] | {field: value})
    assert said in problems_of(caught.value)


@pytest.mark.parametrize("context", list(WHOLE), ids=lambda context: context.__name__)
def test_every_field_stands_in_the_tables(context: type[Frozen]) -> None:
    tried = {field for of, field, *_ in [*TAKEN, *REFUSED] if of is context}
    untried = set(WHOLE[context]) - tried
    assert untried <= {"description", "control_strategy", "git_commit", "git_branch"}
