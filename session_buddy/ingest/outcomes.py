"""What became of a skill, inferred from what was observed inside its span.

A `Skill` call that succeeds has only loaded the skill; what it came to shows in what happened until its
span closed. The rules, of which the first that applies decides:

| # | observed                                                 | outcome   | error_type      | evidence      |
|---|----------------------------------------------------------|-----------|-----------------|---------------|
| 1 | the client knows no skill of that name                   | failed    | unknown_skill   | unknown_skill |
| 2 | the user refused to let it load, or stopped the load     | abandoned | rejected        | rejected      |
| 3 | the load failed otherwise                                | failed    | load_failed     | load_failed   |
| 4 | the user interrupted the agent inside the span           | abandoned | interrupted     | interrupted   |
| 5 | the user rejected its last tool call                     | abandoned | rejected        | rejected      |
| 6 | the session ended while the agent, or a subagent that it | abandoned | session_ended   | session_ended |
|   | waits for, was still at work                             |           |                 |               |
| 7 | of the checks (tests, lint, types, build) that ran, the  | failed    | `<check>_failed`| check_failed  |
|   | last failed                                              |           |                 |               |
| 8 | the last tool call, or task in the background, was an    | failed    | the error's     | tool_errors   |
|   | error                                                    |           | class           |               |
| 9 | none of these                                            | completed | none            | how it closed |

Further evidence goes with every verdict where it was seen: how the span closed, checks that passed,
failed tool calls, subagents that were waited for. A verdict made here is always `inferred`; what an
agent or a person reports overrules it.
"""

from dataclasses import dataclass
from typing import Literal

from session_buddy.models.events import Evidence, EvidenceKind
from session_buddy.models.vocabulary import Outcome

Closed = Literal["next_skill", "next_prompt", "turn_ended", "session_ended", "interrupted"]
"""What closed a span."""

DETAIL_LIMIT = 200


@dataclass(frozen=True, slots=True)
class SpanFacts:
    """What was observed from a skill's call to the close of its span.

    load_error: class of the error with which the call was answered, None if it loaded. last_check: name
    and result of the last recognised check whose result is known. last_error: class of the error of the
    last answered tool call, None if that succeeded. last_was_check: that call was such a check.
    working: the agent had not finished its turn. waiting: subagents in the background that have not
    reported back; waited_for: all that were started so.
    """

    closed: Closed
    load_error: str | None = None
    tool_calls: int = 0
    tool_errors: int = 0
    checks_passed: int = 0
    checks_failed: int = 0
    last_check: tuple[str, bool] | None = None
    last_check_command: str | None = None
    last_error: str | None = None
    working: bool = False
    waiting: int = 0
    waited_for: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """An inferred outcome with the evidence that it rests on, decisive evidence first."""

    outcome: Outcome
    evidence: tuple[Evidence, ...]
    error_type: str | None = None


def infer_outcome(facts: SpanFacts) -> Verdict:
    """The outcome of a closed span by the table in the module's docstring."""
    if facts.load_error is not None:
        return _not_loaded(facts.load_error)
    abandoned = _abandoned(facts)
    if abandoned is not None:
        return Verdict("abandoned", _evidence(abandoned, facts), abandoned)
    if facts.last_check is not None and not facts.last_check[1]:
        return Verdict("failed", _evidence("check_failed", facts), f"{facts.last_check[0]}_failed")
    if facts.last_error is not None:
        return Verdict("failed", _evidence("tool_errors", facts), facts.last_error)
    return Verdict("completed", _evidence(facts.closed, facts))


def _not_loaded(error: str) -> Verdict:
    if error == "unknown_skill":
        return Verdict("failed", (Evidence(kind="unknown_skill"),), "unknown_skill")
    if error in {"rejected", "interrupted", "session_ended"}:
        kind: EvidenceKind = error  # type: ignore[assignment]  # mypy does not narrow by membership in a set
        return Verdict("abandoned", (Evidence(kind=kind),), error)
    return Verdict("failed", (Evidence(kind="load_failed", detail=error),), "load_failed")


def _abandoned(facts: SpanFacts) -> Literal["interrupted", "rejected", "session_ended"] | None:
    if facts.closed == "interrupted":
        return "interrupted"
    if facts.last_error == "rejected":
        return "rejected"
    if facts.closed == "session_ended" and (facts.working or facts.waiting):
        return "session_ended"
    return None


def _evidence(decisive: EvidenceKind, facts: SpanFacts) -> tuple[Evidence, ...]:
    """All evidence that the facts hold, each kind once, the decisive one first."""
    found: dict[EvidenceKind, Evidence] = {facts.closed: Evidence(kind=facts.closed)}
    if facts.checks_failed and facts.last_check is not None and not facts.last_check[1]:
        detail = facts.last_check_command
        found["check_failed"] = Evidence(kind="check_failed", detail=detail, count=facts.checks_failed)
    if facts.checks_passed:
        found["check_passed"] = Evidence(kind="check_passed", count=facts.checks_passed)
    if facts.tool_errors:
        found["tool_errors"] = Evidence(kind="tool_errors", detail=facts.last_error, count=facts.tool_errors)
    if facts.waited_for:
        found["subagents_waited_for"] = Evidence(kind="subagents_waited_for", count=facts.waited_for)
    first = found.pop(decisive, None) or Evidence(kind=decisive)
    return (first, *found.values())
