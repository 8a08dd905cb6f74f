"""The table of rules in `outcomes`, row by row."""

import pytest

from session_buddy.ingest.outcomes import SpanFacts, infer_outcome

FAILED_CHECK = SpanFacts(
    "turn_ended", tool_calls=2, checks_failed=1, last_check=("test", False), last_check_command="pytest"
)


@pytest.mark.parametrize(
    ("facts", "outcome", "error_type", "evidence"),
    [
        (SpanFacts("next_skill", load_error="unknown_skill"), "failed", "unknown_skill", ["unknown_skill"]),
        (SpanFacts("next_skill", load_error="rejected"), "abandoned", "rejected", ["rejected"]),
        (SpanFacts("interrupted", load_error="interrupted"), "abandoned", "interrupted", ["interrupted"]),
        (
            SpanFacts("session_ended", load_error="session_ended"),
            "abandoned",
            "session_ended",
            ["session_ended"],
        ),
        (SpanFacts("next_skill", load_error="tool_error"), "failed", "load_failed", ["load_failed"]),
        (
            SpanFacts("interrupted", checks_failed=1, last_check=("test", False)),
            "abandoned",
            "interrupted",
            ["interrupted", "check_failed"],
        ),
        (
            SpanFacts("turn_ended", tool_calls=3, tool_errors=1, last_error="rejected"),
            "abandoned",
            "rejected",
            ["rejected", "turn_ended", "tool_errors"],
        ),
        (SpanFacts("session_ended", working=True), "abandoned", "session_ended", ["session_ended"]),
        (
            SpanFacts("session_ended", waiting=1, waited_for=2),
            "abandoned",
            "session_ended",
            ["session_ended", "subagents_waited_for"],
        ),
        (SpanFacts("session_ended"), "completed", None, ["session_ended"]),
        (FAILED_CHECK, "failed", "test_failed", ["check_failed", "turn_ended"]),
        (
            SpanFacts("turn_ended", checks_passed=1, checks_failed=2, last_check=("lint", True)),
            "completed",
            None,
            ["turn_ended", "check_passed"],
        ),
        (
            SpanFacts("next_skill", tool_calls=1, tool_errors=1, last_error="exit_code"),
            "failed",
            "exit_code",
            ["tool_errors", "next_skill"],
        ),
        (
            SpanFacts("next_prompt", tool_calls=4, tool_errors=2),
            "completed",
            None,
            ["next_prompt", "tool_errors"],
        ),
        (SpanFacts("turn_ended"), "completed", None, ["turn_ended"]),
    ],
)
def test_the_first_rule_that_applies_decides(
    facts: SpanFacts, outcome: str, error_type: str | None, evidence: list[str]
) -> None:
    verdict = infer_outcome(facts)
    assert (verdict.outcome, verdict.error_type) == (outcome, error_type)
    assert [each.kind for each in verdict.evidence] == evidence


def test_a_failed_check_is_named_and_counted() -> None:
    evidence = infer_outcome(FAILED_CHECK).evidence[0]
    assert (evidence.kind, evidence.detail, evidence.count) == ("check_failed", "pytest", 1)
