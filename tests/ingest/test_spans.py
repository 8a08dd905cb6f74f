"""Where spans begin and end, and how long they were active."""

from pathlib import Path

import pytest

from session_buddy.ingest.spans import Ending
from session_buddy.ingest.transcripts import SessionTranscript
from session_buddy.models.answers import Invocation
from tests.support.records import Conversation, as_lines
from tests.support.transcripts import READING, final


@pytest.fixture
def conversation() -> Conversation:
    return Conversation()


def uses_of(conversation: Conversation, tmp_path: Path, ending: Ending = "session") -> list[Invocation]:
    path = tmp_path / "session-1.jsonl"
    path.write_bytes(conversation.lines())
    return final(SessionTranscript(path, READING).read(ending))


def evidence_of(invocation: Invocation) -> list[str]:
    return [evidence.kind for evidence in invocation.evidence]


def test_a_span_ends_with_its_turn(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.skill("s1", "commit")
    conversation.bash("b1", "git status")
    conversation.end_turn()
    conversation.wait(1000)
    conversation.prompt("next")
    conversation.end_turn()
    (use,) = uses_of(conversation, tmp_path)
    assert evidence_of(use) == ["turn_ended"]
    assert use.duration_seconds == 3.0
    assert use.ended_at is not None
    assert (use.ended_at - use.invoked_at).total_seconds() == 4.0


def test_a_span_ends_with_the_next_skill_of_its_thread(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.bash("b1", "ls")
    conversation.skill("s2", "second")
    conversation.end_turn()
    first, second = uses_of(conversation, tmp_path)
    assert (evidence_of(first), evidence_of(second)) == (["next_skill"], ["turn_ended"])
    assert (first.duration_seconds, first.tool_call_count) == (3.0, 1)
    assert second.parent_invocation_id is None


def test_a_span_ends_with_the_next_prompt(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.bash("b1", "ls")
    conversation.wait(60)
    conversation.prompt("while it works")
    conversation.bash("b2", "ls")
    (use,) = uses_of(conversation, tmp_path)
    assert evidence_of(use) == ["next_prompt"]
    assert (use.duration_seconds, use.tool_call_count) == (2.0, 1)


def test_a_session_that_ends_at_work_abandons_its_span(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.call("b1", "Bash", command="sleep 100")
    (use,) = uses_of(conversation, tmp_path)
    assert (use.outcome, use.error_type) == ("abandoned", "session_ended")


def test_an_agents_last_word_is_the_end_of_its_work(conversation: Conversation, tmp_path: Path) -> None:
    # Clients of early 2026 wrote no stop reason, and turn_duration only after 30 s.
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.bash("b1", "ls")
    conversation.say("that is all")
    (use,) = uses_of(conversation, tmp_path)
    assert (use.outcome, evidence_of(use)) == ("completed", ["session_ended"])


def test_an_open_span_has_no_outcome_while_its_session_goes_on(
    conversation: Conversation, tmp_path: Path
) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.bash("b1", "ls")
    (use,) = uses_of(conversation, tmp_path, ending="none")
    assert (use.outcome, use.ended_at) == (None, None)


def test_a_stop_hook_ends_the_turn_before_the_transcript_says_so(
    conversation: Conversation, tmp_path: Path
) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.bash("b1", "ls")
    path = tmp_path / "session-1.jsonl"
    path.write_bytes(conversation.lines())
    transcript = SessionTranscript(path, READING)
    events = list(transcript.read("turn"))
    (use,) = final(events)
    assert (use.outcome, use.duration_seconds) == ("completed", 2.0)

    conversation.bash("b2", "pytest", error=True, text="Exit code 1")
    conversation.end_turn()
    path.write_bytes(conversation.lines())
    events += transcript.read("none")
    (use,) = final(events)
    assert (use.outcome, use.duration_seconds) == ("failed", 5.0)


def test_a_stop_hook_does_not_end_a_turn_that_has_a_call_open(
    conversation: Conversation, tmp_path: Path
) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.call("b1", "Bash", command="sleep 5")
    (use,) = uses_of(conversation, tmp_path, ending="turn")
    assert use.outcome is None


@pytest.mark.parametrize("gap", [119, 120])
def test_a_short_silence_is_work(conversation: Conversation, tmp_path: Path, gap: int) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.wait(gap - 1)
    conversation.end_turn()
    assert uses_of(conversation, tmp_path)[0].duration_seconds == gap


def test_a_long_silence_is_not_work(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.call("b1", "Bash", command="make")
    conversation.wait(3600)
    conversation.answer("b1")
    conversation.end_turn()
    assert uses_of(conversation, tmp_path)[0].duration_seconds == 2.0


@pytest.mark.parametrize("tool", ["AskUserQuestion", "ExitPlanMode"])
def test_a_wait_for_the_user_is_not_work(conversation: Conversation, tmp_path: Path, tool: str) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.call("q1", tool)
    conversation.wait(50)
    conversation.answer("q1")
    conversation.end_turn()
    assert uses_of(conversation, tmp_path)[0].duration_seconds == 2.0


def test_a_wait_for_the_permission_to_load_is_not_work(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.call("s1", "Skill", skill="first")
    conversation.wait(50)
    conversation.answer("s1", "Launching skill: first")
    conversation.end_turn()
    assert uses_of(conversation, tmp_path)[0].duration_seconds == 1.0


def test_a_clock_that_jumps_back_counts_nothing(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.wait(-500)
    conversation.bash("b1", "ls")
    conversation.wait(500)
    conversation.end_turn()
    (use,) = uses_of(conversation, tmp_path)
    assert use.duration_seconds == 3.0
    assert use.ended_at is not None
    assert use.ended_at >= use.invoked_at


def test_a_skill_that_only_hands_over_is_not_cut_short(conversation: Conversation, tmp_path: Path) -> None:
    conversation.slash("write-plan")
    conversation.skill("s1", "writing-plans")
    conversation.bash("b1", "ls")
    conversation.end_turn()
    outer, inner = uses_of(conversation, tmp_path)
    assert (outer.origin, inner.origin) == ("user", "agent")
    assert inner.parent_invocation_id == outer.invocation_id
    assert outer.ended_at == inner.ended_at
    assert outer.tool_call_count == 2


def test_a_skill_whose_instructions_name_the_next_is_not_cut_short(
    conversation: Conversation, tmp_path: Path
) -> None:
    conversation.prompt()
    conversation.skill("s1", "team:executing-plans", body="Then use team:finishing-a-branch.")
    conversation.bash("b1", "ls")
    conversation.skill("s2", "team:finishing-a-branch", body="Merge it.")
    conversation.bash("b2", "ls")
    conversation.skill("s3", "team:other-thing")
    conversation.end_turn()
    outer, inner, other = uses_of(conversation, tmp_path)
    assert inner.parent_invocation_id == outer.invocation_id
    assert [evidence_of(one) for one in (outer, inner, other)] == [
        ["next_skill"],
        ["next_skill"],
        ["turn_ended"],
    ]
    assert (outer.ended_at, inner.ended_at) == (other.invoked_at, other.invoked_at)
    assert other.parent_invocation_id is None


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("run the test suite", False),
        ("then use the `test` skill", True),
        ("then /test it", True),
        ("call team:test", True),
        ("retest", False),
    ],
)
def test_a_plain_word_names_a_skill_only_where_it_is_marked(
    conversation: Conversation, tmp_path: Path, body: str, *, named: bool
) -> None:
    conversation.prompt()
    conversation.skill("s1", "first", body=body)
    conversation.bash("b1", "ls")
    conversation.skill("s2", "test")
    conversation.end_turn()
    _, second = uses_of(conversation, tmp_path)
    assert (second.parent_invocation_id is not None) is named


def test_skills_called_in_parallel_are_siblings(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.call("s1", "Skill", skill="one")
    conversation.call("s2", "Skill", skill="two")
    conversation.answer("s1", "Launching skill: one")
    conversation.answer("s2", "Launching skill: two")
    conversation.bash("b1", "ls")
    conversation.end_turn()
    one, two = uses_of(conversation, tmp_path)
    assert one.ended_at == two.ended_at
    assert (one.tool_call_count, two.tool_call_count) == (2, 1)
    assert two.parent_invocation_id is None


def test_an_unknown_skill_cuts_nothing_short(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.bash("b1", "ls")
    conversation.unknown_skill("s2", "frist")
    conversation.bash("b2", "ls")
    conversation.end_turn()
    first, unknown = uses_of(conversation, tmp_path)
    assert (unknown.outcome, unknown.error_type, unknown.duration_seconds) == ("failed", "unknown_skill", 0.0)
    assert (evidence_of(first), first.tool_call_count, first.tool_error_count) == (
        ["turn_ended", "tool_errors"],
        3,
        1,
    )


def test_a_stop_hook_that_objects_lets_the_span_go_on(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.end_turn()
    conversation.add("system", subtype="stop_hook_summary")
    conversation.user("Stop hook feedback: tests are missing", isMeta=True)
    conversation.bash("b1", "pytest")
    conversation.end_turn()
    (use,) = uses_of(conversation, tmp_path)
    assert (use.tool_call_count, evidence_of(use)) == (1, ["turn_ended", "check_passed"])


def notification(use_id: str, status: str = "completed") -> str:
    return (
        f"<task-notification>\n<task-id>x</task-id>\n<tool-use-id>{use_id}</tool-use-id>\n"
        f"<status>{status}</status>\n</task-notification>"
    )


def test_a_skill_that_waits_for_its_subagents_is_not_over(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.call("a1", "Agent", prompt="look")
    conversation.answer("a1", "launched", isAsync=True, status="async_launched", agentId="x")
    conversation.end_turn("I wait.")
    assert uses_of(conversation, tmp_path, ending="turn")[0].outcome is None
    assert uses_of(conversation, tmp_path, ending="session")[0].outcome == "abandoned"

    conversation.wait(600)
    conversation.user(notification("a1"), origin={"kind": "task-notification"})
    conversation.bash("b1", "pytest")
    conversation.end_turn()
    (use,) = uses_of(conversation, tmp_path)
    assert (use.outcome, use.duration_seconds) == ("completed", 6.0)
    assert evidence_of(use) == ["turn_ended", "check_passed", "subagents_waited_for"]


def test_a_notification_of_somebody_elses_task_ends_a_span_whose_turn_is_over(
    conversation: Conversation, tmp_path: Path
) -> None:
    conversation.prompt()
    conversation.call("b0", "Bash", command="sleep 100")
    conversation.answer("b0", "running", backgroundTaskId="t")
    conversation.skill("s1", "first")
    conversation.end_turn()
    conversation.user(notification("b0"), origin={"kind": "task-notification"})
    conversation.bash("b1", "ls")
    conversation.end_turn()
    assert uses_of(conversation, tmp_path)[0].tool_call_count == 0


def test_a_failed_task_in_the_background_fails_its_check(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.call("b1", "Bash", command="npm test", run_in_background=True)
    conversation.answer("b1", "running", backgroundTaskId="t")
    conversation.end_turn()
    conversation.user(notification("b1", "failed"), origin={"kind": "task-notification"})
    conversation.end_turn("It fails.")
    assert uses_of(conversation, tmp_path)[0].error_type == "test_failed"


def test_a_compaction_is_no_prompt(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.add("system", subtype="compact_boundary")
    conversation.user("summary of all that", isCompactSummary=True)
    conversation.bash("b1", "ls")
    conversation.end_turn()
    assert uses_of(conversation, tmp_path)[0].tool_call_count == 1


def test_a_built_in_command_is_neither_a_skill_nor_a_prompt(
    conversation: Conversation, tmp_path: Path
) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.user("<local-command-caveat>Caveat</local-command-caveat>", isMeta=True)
    conversation.user(
        "<command-name>/model</command-name>\n<command-message>model</command-message>\n<command-args></command-args>"
    )
    conversation.user("<local-command-stdout>opus</local-command-stdout>")
    conversation.bash("b1", "ls")
    conversation.end_turn()
    (use,) = uses_of(conversation, tmp_path)
    assert use.tool_call_count == 1


def test_exit_ends_the_session(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.call("b1", "Bash", command="ls")
    conversation.user("<command-name>/exit</command-name>")
    (use,) = uses_of(conversation, tmp_path, ending="none")
    assert (use.outcome, use.error_type) == ("abandoned", "session_ended")


def test_a_subagents_skill_is_a_child_of_the_skill_that_started_the_subagent(tmp_path: Path) -> None:
    main = Conversation()
    main.prompt()
    main.skill("s1", "first")
    main.call("a1", "Agent", prompt="look")
    main.answer("a1", "looked")
    main.bash("b1", "ls")
    main.end_turn()
    agent = Conversation(thread="a5f")
    agent.user("look")
    agent.skill("s2", "reader")
    agent.bash("b2", "pytest", error=True, text="Exit code 1")
    agent.end_turn()
    folder = tmp_path / "session-1" / "subagents"
    folder.mkdir(parents=True)
    (tmp_path / "session-1.jsonl").write_bytes(main.lines())
    (folder / "agent-a5f.jsonl").write_bytes(agent.lines())
    (folder / "agent-a5f.meta.json").write_text('{"toolUseId": "a1"}')
    uses = final(SessionTranscript(tmp_path / "session-1.jsonl", READING).read("session"))
    first, reader = sorted(uses, key=lambda use: use.skill_name)
    assert (reader.thread, reader.parent_invocation_id) == ("a5f", first.invocation_id)
    assert (reader.outcome, first.outcome) == ("failed", "completed")
    assert first.tool_call_count == 2


def test_a_repeated_record_changes_nothing(conversation: Conversation, tmp_path: Path) -> None:
    conversation.prompt()
    conversation.skill("s1", "first")
    conversation.bash("b1", "ls")
    once = uses_of(conversation, tmp_path)
    path = tmp_path / "copy.jsonl"
    path.write_bytes(as_lines([*conversation.records, *conversation.records]))
    assert final(SessionTranscript(path, READING).read("session")) == once
