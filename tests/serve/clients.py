"""Clients of the server under test."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import pytest
from mcp.client.client import Client
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, TextContent
from mcp_types.version import LATEST_MODERN_VERSION

from session_buddy.models.values import Caller
from session_buddy.serve.callers import CALLER
from session_buddy.serve.mcp_server import make_server
from session_buddy.services import Services

SESSION = "5e55-1"
ERAS = ("legacy", LATEST_MODERN_VERSION)
both_eras = pytest.mark.parametrize("era", ERAS)
"""Runs a test with a client of each protocol era."""


_SERVICES: ContextVar[Services] = ContextVar("services_of_the_test")


@cache
def server() -> MCPServer[Any]:
    """One server for all tests, since building it costs more than most of them; each brings its services."""

    async def of_the_test() -> Services:
        return _SERVICES.get()

    return make_server(of_the_test)


@contextmanager
def serving(services: Services, caller: Caller) -> Iterator[MCPServer[Any]]:
    """The server over some services, for one connection of the leader."""
    tokens = _SERVICES.set(services), CALLER.set(caller)
    try:
        yield server()
    finally:
        _SERVICES.reset(tokens[0])
        CALLER.reset(tokens[1])


@asynccontextmanager
async def connected(
    services: Services, era: str, *, connection_id: str = "test", session_id: str | None = SESSION
) -> AsyncIterator[Client]:
    """A client in an era, as one connection of the leader."""
    caller = Caller(connection_id=connection_id, session_id=session_id, project="/home/u/project")
    with serving(services, caller) as serving_it:
        async with Client(serving_it, mode=era) as client:
            yield client


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured answer of a call that must succeed; its text says the same."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    assert json.loads(text_of(result)) == result.structured_content
    return dict(result.structured_content)


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    """The sentence of a call that must be refused."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    return text_of(result)


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text
