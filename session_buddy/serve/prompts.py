"""Prompts: a task for the agent, filled with the figures it starts from."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import anyio.to_thread
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts import Prompt
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS
from pydantic import Field

from session_buddy.errors import InvalidInput, NotFound, SessionBuddyError
from session_buddy.models.values import Caller
from session_buddy.serve.callers import current_caller
from session_buddy.serve.resources import checked_name
from session_buddy.serve.wording import described_skill, session_so_far, skill_figures, top_skills

if TYPE_CHECKING:
    from session_buddy.services import Services

_RETROSPECTIVE = """Hold a retrospective on the skill `{skill_name}`. What is on record:

{figures}

{description}

1. Call get_skill_metrics with skill_name="{skill_name}" and days=7, and once more with days=30. Compare the \
completion rates: where their intervals overlap, say that no change is shown.
2. Call get_session_analytics. If this session used the skill, read the evidence of each outcome; where an \
inferred outcome is wrong, correct it with record_skill_invocation and its invocation_id.
3. Name at most two likely causes of what went badly, each with the figure that it rests on, and say what is \
guesswork. With fewer than 5 decided uses, say that it is too early to judge.
4. Propose one concrete change, to the SKILL.md or to when the skill is used, and how the next figures would \
show that it helped.
5. Ask the user how satisfied they are, 1 to 5, and pass that on with rate_skill."""

_CHOICE = """Choose the skill to use next{purpose}.

This session so far: {session}

Most used skills on record:
{top}

Installed and never used: {unused}

1. Take the two or three skills that fit the task; fit comes before figures. If none fits, say so and work \
without one.
2. Call describe_skill for each: what it is for, how it did, and what usually comes before and after it.
3. Prefer the higher lower bound of the completion rate, not the higher rate: few uses prove little.
4. Name your choice, the figure behind it and the second best, then use it. When you know how it ended, \
call record_skill_invocation."""


def add_prompts(server: MCPServer[Any], services: "Callable[[], Awaitable[Services]]") -> None:
    """Register `skill_retrospective` and `choose_next_skill`."""

    async def filled(fill: "Callable[[Services, Caller], str]") -> str:
        caller = current_caller()
        try:
            ready = await services()
            return await anyio.to_thread.run_sync(fill, ready, caller)
        except (NotFound, InvalidInput) as error:
            raise MCPError(INVALID_PARAMS, str(error)) from error
        except SessionBuddyError as error:
            raise MCPError(INTERNAL_ERROR, str(error)) from error

    async def skill_retrospective(
        skill_name: Annotated[str, Field(description="the skill to look back on")],
    ) -> str:
        """Look back on a skill: what worked, what failed and why, and one change to make."""
        return await filled(lambda ready, _: _retrospective(ready, checked_name(skill_name)))

    async def choose_next_skill(
        task: Annotated[
            str, Field(description="what is to be done; default: what the conversation is about")
        ] = "",
    ) -> str:
        """Pick the skill for the next step by fit and by record."""
        return await filled(lambda ready, caller: _choice(ready, caller, task))

    server.add_prompt(Prompt.from_function(skill_retrospective))
    server.add_prompt(Prompt.from_function(choose_next_skill))


def _retrospective(services: "Services", skill_name: str) -> str:
    report = services.reporter.skill_metrics(skill_name, None, None, 1)
    figures = skill_figures(report.skills[0]) if report.skills else f"No use of `{skill_name}` is on record."
    description = described_skill(services.reporter.describe_skill(skill_name))
    return _RETROSPECTIVE.format(skill_name=skill_name, figures=figures, description=description)


def _choice(services: "Services", caller: Caller, task: str) -> str:
    report = services.reporter.skill_metrics(None, None, None, 10)
    try:
        session = session_so_far(services.reporter.session_analytics(None, caller))
    except NotFound:
        session = "nothing is on record yet."
    return _CHOICE.format(
        purpose=f" for this task: {task}" if task else "",
        session=session,
        top=top_skills(report.skills),
        unused=", ".join(report.never_used[:20]) or "none known",
    )
