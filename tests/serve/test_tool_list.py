"""What a model reads at the start of every conversation: complete, and small."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from session_buddy.serve.mcp_server import make_server
from session_buddy.services import Services
from tests.serve.clients import both_eras
from tests.serve.conftest import Connect

TOOLS_IN_THE_END = 22
INPUT_BUDGET = 16 * 1024
LIST_BUDGET = 40 * 1024
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "tools.md"
HEAVY = ("duckdb", "numpy", "websockets", "prometheus_client")

Document = dict[str, Any]


@pytest.fixture
async def tools(anyio_backend: str) -> list[Document]:
    async def unused() -> Services:
        raise AssertionError

    listed = await make_server(unused).list_tools()
    return [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in listed]


def size(document: Any) -> int:
    """Bytes on the wire."""
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())


def typed_nodes(schema: Document, path: str = "") -> Iterator[tuple[str, Document]]:
    """Every place of a schema that describes a value."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from typed_nodes(child, f"{path}.{name}")
    for arm in schema.get("anyOf", []):
        yield from typed_nodes(arm, f"{path}|")
    if isinstance(schema.get("items"), dict):
        yield from typed_nodes(schema["items"], f"{path}[]")
    for name, child in schema.get("$defs", {}).items():
        yield from typed_nodes(child, f"{name}:")


@pytest.mark.anyio
async def test_the_list_stays_within_its_share_of_the_budget(
    tools: list[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    share = len(tools) / TOOLS_IN_THE_END
    read = {
        tool["name"]: size({key: tool[key] for key in ("name", "description", "inputSchema")})
        for tool in tools
    }
    whole = {tool["name"]: size(tool) for tool in tools}
    lines = [f"{name:28}{read[name]:7}{whole[name]:7}" for name in sorted(read)]
    total = f"{len(tools)} of {TOOLS_IN_THE_END} tools{sum(read.values()):22}{sum(whole.values()):7} bytes"
    with capsys.disabled():
        print("", *lines, total, sep="\n")
    assert sum(read.values()) <= INPUT_BUDGET * share
    assert sum(whole.values()) <= LIST_BUDGET * share


@pytest.mark.anyio
async def test_every_value_in_every_schema_has_one_type(tools: list[Document]) -> None:
    for tool in tools:
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            untyped = [
                path
                for path, node in typed_nodes(schema)
                if not isinstance(node.get("type"), str) and "$ref" not in node and "anyOf" not in node
            ]
            assert untyped == [], tool["name"]


@pytest.mark.anyio
async def test_every_tool_describes_itself_and_what_it_changes(tools: list[Document]) -> None:
    changing = {
        "record_skill_invocation",
        "rate_skill",
        "ingest_tool_calls",
        "record_pipeline_stage",
        "record_quality_gate",
    }
    changing |= {"run_ab_test", "record_ab_outcome", "stop_ab_test"}
    for tool in tools:
        assert tool["description"]
        assert "\n" not in tool["description"]
        assert tool["outputSchema"]["type"] == "object"
        assert tool["inputSchema"]["additionalProperties"] is False
        annotations = tool["annotations"]
        assert annotations["readOnlyHint"] is (tool["name"] not in changing)
        assert annotations["openWorldHint"] is False
        if tool["name"] in changing:
            assert annotations["destructiveHint"] is False


@pytest.mark.anyio
async def test_no_title_is_sent(tools: list[Document]) -> None:
    assert '"title"' not in json.dumps(tools)


@pytest.mark.anyio
@both_eras
async def test_every_answer_fits_the_schema_that_both_eras_list(
    connect: Connect, tools: list[Document]
) -> None:
    async with connect() as client:
        listed = (await client.list_tools()).tools
    assert [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in listed] == tools


@pytest.mark.anyio
async def test_every_tool_and_argument_is_documented(tools: list[Document]) -> None:
    text = REFERENCE.read_text("utf-8")
    sections = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(sections) == {tool["name"] for tool in tools}
    for tool in tools:
        section = sections[tool["name"]]
        missing = [name for name in tool["inputSchema"]["properties"] if f"| `{name}` |" not in section]
        assert missing == [], tool["name"]
        assert "```json" in section
        assert "Errors" in section


@pytest.mark.anyio
async def test_every_example_in_the_reference_fits_its_schema(tools: list[Document]) -> None:
    text = REFERENCE.read_text("utf-8")
    schemas = {tool["name"]: tool["outputSchema"] for tool in tools}
    sections = re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    wrong = {}
    for name, section in sections:
        example = json.loads(re.findall(r"```json\n(.*?)```", section, re.DOTALL)[-1])
        problems = jsonschema.Draft202012Validator(_closed(schemas[name])).iter_errors(example)
        wrong |= {f"{name} {problem.json_path}": problem.message for problem in problems}
    assert wrong == {}


@pytest.mark.slow
def test_building_the_server_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from session_buddy.serve.mcp_server import make_server\n"
        "async def services(): raise AssertionError\n"
        "make_server(services)\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    built = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert built.stdout.split() == []


def _closed(schema: Document) -> Document:
    """The schema with every object closed, so that a misspelt field of an example is found."""
    closed = dict(schema)
    if "properties" in schema:
        closed["properties"] = {name: _closed(child) for name, child in schema["properties"].items()}
        closed["additionalProperties"] = False
    if "items" in schema:
        closed["items"] = _closed(schema["items"])
    if "$defs" in schema:
        closed["$defs"] = {name: _closed(child) for name, child in schema["$defs"].items()}
    return closed
