"""The conversations of the acceptance test, and what a recorder has to know about each afterwards.

Each scenario is one way in which a skill can be used, or fail to be. They share no tool_use id, so they
can be played in one conversation (`acceptance`) or alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .client import ClaudeCode, Run, Stream, is_result, uses_tool
from .scripted_api import Script, ToolUse, Turn, say, use

Outcome = Literal["completed", "failed", "abandoned"]

SKILLS = {
    "commit-helper": "Stage what belongs together and write one commit message for it.",
    "test-first": "Write a test that fails, make it pass, then tidy up.",
    "release-notes": "List what changed since the last tag, for the people who use the program.",
    "code-reader": "Read the named module and say what it does in five sentences.",
}


@dataclass(frozen=True)
class ExpectedUse:
    """One use of a skill that has to be on record afterwards.

    `tool_use_id` is None where a person typed the skill: no tool call stands for it.
    """

    skill: str
    outcome: Outcome
    tool_use_id: str | None = None
    in_subagent: bool = False
    known: bool = True


@dataclass(frozen=True)
class Scenario:
    """A prompt, the scripts it needs, and the uses that follow from it.

    Where `interrupt_in` names a tool, the person interrupts while that tool runs.
    """

    name: str
    prompt: str
    scripts: tuple[Script, ...]
    expected: tuple[ExpectedUse, ...]
    interrupt_in: str | None = None


def good_skill() -> Scenario:
    """A skill is loaded, its command succeeds, the assistant says so."""
    prompt = "Commit the change to the cart"
    turns = (
        use("toolu_good_skill", "Skill", skill="commit-helper"),
        use("toolu_good_bash", "Bash", command="echo '[main 3f1c2aa] Round totals to cents'"),
        say("Committed as 3f1c2aa."),
    )
    expected = ExpectedUse("commit-helper", "completed", "toolu_good_skill")
    return Scenario("good_skill", prompt, (Script(prompt, turns),), (expected,))


def unknown_skill() -> Scenario:
    """The assistant asks for a skill that nobody has installed."""
    prompt = "Polish the changelog"
    turns = (
        use("toolu_unknown_skill", "Skill", skill="changelog-polisher"),
        say("There is no such skill here."),
    )
    expected = ExpectedUse("changelog-polisher", "failed", "toolu_unknown_skill", known=False)
    return Scenario("unknown_skill", prompt, (Script(prompt, turns),), (expected,))


def typed_skill() -> Scenario:
    """A person types `/release-notes`, so that no Skill call is made."""
    arguments = "for the shop since v1.4"
    turns = (
        use("toolu_typed_bash", "Bash", command="echo 'v1.5: totals are rounded to cents'"),
        say("Notes for v1.5 are ready."),
    )
    expected = ExpectedUse("release-notes", "completed")
    return Scenario("typed_skill", f"/release-notes {arguments}", (Script(arguments, turns),), (expected,))


def subagent_skill() -> Scenario:
    """A subagent, which has a transcript and a thread of its own, uses a skill."""
    prompt, task = "Have somebody read the cart module", "Describe the cart module to its new owner"
    call = {"description": "Read the cart", "prompt": task, "subagent_type": "general-purpose"}
    parent = (Turn(tools=(ToolUse("toolu_sub_agent", "Agent", call),)), say("The cart adds up prices."))
    child = (
        use("toolu_sub_skill", "Skill", skill="code-reader"),
        use("toolu_sub_bash", "Bash", command="echo 'def total(prices): ...'"),
        say("It adds up prices and rounds them."),
    )
    expected = ExpectedUse("code-reader", "completed", "toolu_sub_skill", in_subagent=True)
    return Scenario("subagent_skill", prompt, (Script(prompt, parent), Script(task, child)), (expected,))


def failing_command() -> Scenario:
    """Inside the skill's span the last check that runs fails."""
    prompt = "Make the rounding test pass"
    turns = (
        use("toolu_fail_skill", "Skill", skill="test-first"),
        use("toolu_fail_bash", "Bash", command="echo '1 failed, 11 passed in 0.42s'; exit 1"),
        say("The rounding test still fails."),
    )
    expected = ExpectedUse("test-first", "failed", "toolu_fail_skill")
    return Scenario("failing_command", prompt, (Script(prompt, turns),), (expected,))


def interrupted_skill() -> Scenario:
    """The person interrupts while a command of the skill runs."""
    prompt = "Write the missing test for refunds"
    turns = (
        use("toolu_stop_skill", "Skill", skill="test-first"),
        use("toolu_stop_bash", "Bash", command="sleep 30"),
        say("Never said."),
    )
    expected = ExpectedUse("test-first", "abandoned", "toolu_stop_skill")
    return Scenario("interrupted_skill", prompt, (Script(prompt, turns),), (expected,), interrupt_in="Bash")


def acceptance() -> tuple[Scenario, ...]:
    """Every scenario, in the order in which the acceptance test plays them in one conversation."""
    return (
        good_skill(),
        unknown_skill(),
        typed_skill(),
        subagent_skill(),
        failing_command(),
        interrupted_skill(),
    )


def install_skills(claude: ClaudeCode) -> None:
    """Give the client's user the skills that the scenarios use."""
    for name, advice in SKILLS.items():
        claude.write_skill(name, f"---\nname: {name}\ndescription: {advice}\n---\n{advice}\n")


def scripts_of(scenarios: Iterable[Scenario]) -> list[Script]:
    """Return the scripts that an API needs to play the scenarios."""
    return [script for scenario in scenarios for script in scenario.scripts]


def play(claude: ClaudeCode, scenarios: Iterable[Scenario], *arguments: str) -> Run:
    """Play the scenarios, one prompt after another, in one conversation of one client process.

    `arguments` go to the client.
    """
    with claude.streaming(*arguments) as stream:
        for scenario in scenarios:
            _play_one(stream, scenario)
    return stream.finished()


def _play_one(stream: Stream, scenario: Scenario) -> None:
    stream.send_prompt(scenario.prompt)
    if scenario.interrupt_in is not None:
        stream.read_until(uses_tool(scenario.interrupt_in))
        # The call is announced before the command runs; half a second lets it start.
        time.sleep(0.5)
        stream.send_interrupt()
    stream.read_until(is_result)
