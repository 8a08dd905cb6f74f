"""What a client can attach, and what it can start a task with."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, TextContent, TextResourceContents

from session_buddy.errors import StorageError
from session_buddy.models.values import Caller
from session_buddy.serve.callers import CALLER
from session_buddy.serve.mcp_server import make_server
from session_buddy.services import Services
from tests.serve.clients import SESSION, answer, both_eras
from tests.serve.conftest import Connect

pytestmark = pytest.mark.anyio


async def read(client: Client, uri: str) -> dict[str, Any]:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    return dict(json.loads(content.text))


async def prompted(client: Client, name: str, **arguments: str) -> str:
    (message,) = (await client.get_prompt(name, arguments)).messages
    assert isinstance(message.content, TextContent)
    return message.content.text


async def record(client: Client, skill_name: str, **fields: Any) -> None:
    await answer(client, "record_skill_invocation", skill_name=skill_name, **fields)


@both_eras
async def test_resources_are_listed_with_their_addresses(connect: Connect) -> None:
    async with connect() as client:
        resources = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
    assert [resource.uri for resource in resources] == ["skills://top"]
    assert [template.uri_template for template in templates] == ["skill://{name}/metrics", "session://{id}"]
    assert {each.mime_type for each in (*resources, *templates)} == {"application/json"}


@pytest.mark.slow
@both_eras
async def test_a_resource_says_what_the_tool_says(connect: Connect) -> None:
    async with connect() as client:
        for skill_name in ("a", "b", "b"):
            await record(client, skill_name, completed=True)
        assert await read(client, "skills://top") == await answer(client, "get_skill_metrics", limit=50)
        one = await answer(client, "get_skill_metrics", skill_name="b")
        assert await read(client, "skill://b/metrics") == one
        assert await read(client, f"session://{SESSION}") == await answer(client, "get_session_analytics")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plugin:skill", "c:skill", "../up", "with space", "a/b", "ü%20"])
async def test_any_name_of_a_skill_makes_an_address(connect: Connect, name: str) -> None:
    async with connect() as client:
        await record(client, name, completed=True)
        metrics = await read(client, f"skill://{quote(name, safe='')}/metrics")
    assert [skill["skill_name"] for skill in metrics["skills"]] == [name]


@pytest.mark.parametrize("uri", ["skill://never-used/metrics", "session://nobody"])
async def test_what_is_not_on_record_is_no_resource(connect: Connect, uri: str) -> None:
    async with connect() as client:
        with pytest.raises(MCPError) as refused:
            await client.read_resource(uri)
    assert refused.value.code == INVALID_PARAMS
    assert uri.split("/")[2] in refused.value.message


async def test_a_name_that_is_too_long_is_not_repeated(connect: Connect) -> None:
    name = "x" * 50_000
    async with connect() as client:
        for uri in (f"skill://{name}/metrics", f"session://{name}"):
            with pytest.raises(MCPError, match="too long for a name") as refused:
                await client.read_resource(uri)
            assert len(refused.value.message) < 300
        with pytest.raises(MCPError, match="too long for a name") as refused:
            await client.get_prompt("skill_retrospective", {"skill_name": name})
        assert len(refused.value.message) < 300


async def test_an_address_of_nothing_is_answered_with_those_there_are(connect: Connect) -> None:
    async with connect() as client:
        for uri in ("skills://bottom", "file:///etc/passwd", "skill://" + "x" * 100_000):
            with pytest.raises(
                MCPError, match=r"there are: skills://top, skill://\{name\}/metrics"
            ) as refused:
                await client.read_resource(uri)
            assert refused.value.code == INVALID_PARAMS
            assert len(refused.value.message) < 300


@both_eras
async def test_prompts_are_listed_with_their_arguments(connect: Connect) -> None:
    async with connect() as client:
        prompts = (await client.list_prompts()).prompts
    told = {
        prompt.name: [(argument.name, argument.required) for argument in prompt.arguments or ()]
        for prompt in prompts
    }
    assert told == {"skill_retrospective": [("skill_name", True)], "choose_next_skill": [("task", False)]}
    assert all(prompt.description for prompt in prompts)


@pytest.mark.slow
@both_eras
async def test_a_retrospective_starts_from_the_figures(connect: Connect) -> None:
    async with connect() as client:
        await record(client, "lint", completed=True, duration_seconds=10, workflow_phase="verification")
        await record(client, "lint", outcome="failed", error_type="timeout", rating=2)
        text = await prompted(client, "skill_retrospective", skill_name="lint")
    assert "- 2 uses: 1 completed, 1 failed, 0 abandoned, 0 undecided" in text
    assert "- completion rate 50% (95 % interval" in text
    assert "timeout (1)" in text
    assert "- rated 2.0 of 5 in 1 ratings" in text
    assert 'skill_name="lint"' in text


async def test_a_retrospective_of_a_skill_without_an_outcome_says_so(connect: Connect) -> None:
    async with connect() as client:
        await record(client, "lint")
        text = await prompted(client, "skill_retrospective", skill_name="lint")
    assert "completion rate unknown: no outcome is decided yet" in text


async def test_a_choice_starts_from_this_session_and_the_record(connect: Connect) -> None:
    async with connect() as client:
        for skill_name in ("plan", "build"):
            await record(client, skill_name, completed=True)
        text = await prompted(client, "choose_next_skill", task="ship {it}")
    assert "for this task: ship {it}." in text
    assert "plan > build. 2 completed, 0 failed, 0 abandoned, 0 undecided." in text
    assert "- build: 1 use, completion rate 100%" in text


async def test_a_choice_with_an_empty_record_can_still_be_made(connect: Connect) -> None:
    async with connect() as client:
        text = await prompted(client, "choose_next_skill")
    assert "This session so far: nothing is on record yet." in text
    assert "- none yet" in text


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("skill_retrospective", {}, "The prompt skill_retrospective needs skill_name; give it."),
        ("skill_retrospective", {"skill_name": "never-used"}, "never-used"),
        ("nothing", {}, "There is no prompt 'nothing'; there are: skill_retrospective, choose_next_skill."),
    ],
)
async def test_a_prompt_that_cannot_be_filled_says_why(
    connect: Connect, name: str, arguments: dict[str, str], sentence: str
) -> None:
    async with connect() as client:
        with pytest.raises(MCPError) as refused:
            await client.get_prompt(name, arguments)
    assert refused.value.code == INVALID_PARAMS
    assert sentence in refused.value.message


@both_eras
async def test_an_error_of_the_store_is_told_in_its_words(era: str) -> None:
    async def broken() -> Services:
        raise StorageError("The disk is full; make room.")

    CALLER.set(Caller(connection_id="c"))
    async with Client(make_server(broken), mode=era) as client:
        for ask in (client.read_resource("skills://top"), client.get_prompt("choose_next_skill")):
            with pytest.raises(MCPError) as refused:
                await ask
            assert refused.value.code == INTERNAL_ERROR
            assert refused.value.message == "The disk is full; make room."
