"""One use that a hook, the transcript, the agent and a gate tell of, in whatever order that comes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from mcp.client.client import Client

from session_buddy.models.ids import invocation_id_of_tool_use
from session_buddy.serve.clients import CLAUDE_CODE_KEY
from session_buddy.serve.control import Control
from session_buddy.services import Services
from tests.serve.clients import answer, connected
from tests.support.hooks import payload, run_hook
from tests.support.records import Conversation
from tests.support.services import open_services

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
WAYS = ("hook", "transcript", "report", "gate")
REPORT = "mcp__session-buddy__record_skill_invocation"
GATE = "mcp__session-buddy__record_quality_gate"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("counted-once")


@pytest.fixture(scope="module")
def services(folder: Path) -> Iterator[Services]:
    """One record for all orders; each has a session and a skill of its own."""
    with open_services(folder / "home") as opened:
        yield opened


class Told:
    """One session in which the skill ran, the gate failed, and the agent said that it gave up."""

    def __init__(self, services: Services, folder: Path, name: str, *, by_tool: bool) -> None:
        self.services, self.folder, self.session, self.by_tool = services, folder, name, by_tool
        self.skill = f"skill-{name}"
        self.use_id, self.report_id, self.gate_id = (f"toolu_{kind}_{name}" for kind in ("s", "r", "g"))
        self.ran = {"phase": "tests", "outcome": "failed", "skill_name": self.skill}

    async def hook(self, client: Client) -> None:
        """The hook after the batch of calls hands over the skill's call, as Claude Code words it."""
        calls = [
            {
                "tool_name": "Skill",
                "tool_input": {"skill": self.skill},
                "tool_use_id": self.use_id,
                "tool_response": f"Launching skill: {self.skill}",
            }
        ]
        given = {"session": self.session, "calls": json.dumps(calls)}
        assert (await answer(client, "ingest_tool_calls", **given))["skill_calls"] == 1

    async def transcript(self, _client: Client) -> None:
        """The hook at the end of the turn names the transcript, which the leader reads."""
        talk = Conversation(self.session)
        talk.now = datetime.now(UTC) - timedelta(seconds=30)
        talk.prompt()
        talk.skill(self.use_id, self.skill)
        if self.by_tool:
            talk.call(self.gate_id, GATE, **self.ran)
            talk.answer(self.gate_id)
        else:
            talk.bash(self.gate_id, f"session-buddy gate --skill {self.skill} -- ./check", error=True)
        talk.call(self.report_id, REPORT, skill_name=self.skill, outcome="abandoned")
        talk.answer(self.report_id)
        talk.end_turn()
        path = self.folder / f"{self.session}.jsonl"
        path.write_bytes(talk.lines())
        stop = payload("Stop", session_id=self.session, transcript_path=str(path))
        assert run_hook(stop, "--home", str(self.folder / "home")).returncode == 0

    async def report(self, client: Client) -> None:
        """The agent's own report, under the id that the transcript has for the call."""
        given = {"skill_name": self.skill, "outcome": "abandoned"}
        await self._call(client, "record_skill_invocation", given, self.report_id)

    async def gate(self, client: Client) -> None:
        """A gate tells of the skill that ran it: through our tool, or on the command line."""
        if self.by_tool:
            await self._call(client, "record_quality_gate", self.ran, self.gate_id)
        else:
            given = {**self.ran, "session_id": self.session, "agent": "claude-code"}
            Control(self.services).call("record_gate", given, lambda _: None)

    async def _call(self, client: Client, tool: str, given: dict[str, Any], use_id: str) -> None:
        result = await client.call_tool(tool, given, meta={CLAUDE_CODE_KEY: use_id})
        assert not result.is_error


@pytest.mark.parametrize("by_tool", [True, False], ids=["gate by tool", "gate on the command line"])
@pytest.mark.parametrize("order", list(permutations(WAYS)), ids=", ".join)
async def test_a_use_that_four_ways_tell_of_is_counted_once(
    services: Services, folder: Path, order: tuple[str, ...], *, by_tool: bool
) -> None:
    told = Told(services, folder, f"{'-'.join(order)}-{by_tool}", by_tool=by_tool)
    async with connected(services, "legacy", connection_id=told.session, session_id=told.session) as client:
        for way in order:
            await getattr(told, way)(client)
            services.folder.fold_all()
        session = await answer(client, "get_session_analytics", session_id=told.session)
        metrics = await answer(client, "get_skill_metrics", skill_name=told.skill)
    (use,) = session["invocations"]
    assert use["invocation_id"] == str(invocation_id_of_tool_use(told.use_id))
    assert use["outcome_source"] == "reported"
    assert use["outcome"] in {"failed", "abandoned"}  # by whichever report was the later one
    (skill,) = metrics["skills"]
    assert (skill["invocation_count"], skill["reported_count"]) == (1, 1)


async def test_where_nothing_is_observed_report_and_gate_are_one_use(
    services: Services, folder: Path
) -> None:
    for order in (("report", "gate"), ("gate", "report"), ("gate", "report", "gate")):
        told = Told(services, folder, f"unseen-{'-'.join(order)}", by_tool=True)
        async with connected(services, "legacy", connection_id=told.session, session_id=None) as client:
            for number, way in enumerate(order):
                told.gate_id = f"{told.gate_id}{number}"
                await getattr(told, way)(client)
            metrics = await answer(client, "get_skill_metrics", skill_name=told.skill)
        assert metrics["skills"][0]["invocation_count"] == 1


async def test_a_gate_on_the_command_line_outside_of_any_session_is_a_use_of_its_own(
    services: Services,
) -> None:
    control = Control(services)
    ran = {"phase": "tests", "outcome": "completed", "skill_name": "nightly"}
    for _ in range(2):
        control.call("record_gate", ran, lambda _: None)
    (skill,) = services.reporter.skill_metrics("nightly").skills
    assert (skill.invocation_count, skill.completed_count) == (2, 2)
