"""Makes the relay's committed replies from the SDK's server: `python -m tests.relay.write_replies`."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCRequest, JSONRPCResponse
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

import session_buddy.relay
from session_buddy.serve.mcp_server import make_server
from session_buddy.services import Services
from tests.support.stdio_client import CLIENT

DIRECTORY = Path(session_buddy.relay.__file__).parent
LISTS = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
Json = dict[str, Any]


def initialize(version: str) -> Json:
    """The parameters of a handshake."""
    return {"protocolVersion": version, "capabilities": {}, "clientInfo": CLIENT}


def envelope(version: str) -> Json:
    """The parameters of a modern request that has no others."""
    return {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientInfo": CLIENT,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    }


def answers_of_the_server(*requests: tuple[str, Json]) -> list[Json]:
    """What the product's server answers to the first requests of a connection."""

    async def no_services() -> Services:
        raise AssertionError("neither a handshake nor a list needs services")

    async def ask() -> list[Json]:
        server = make_server(no_services)._lowlevel_server
        to_server, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](1)
        outgoing, from_server = anyio.create_memory_object_stream[SessionMessage](1)
        results = []
        async with anyio.create_task_group() as group, to_server, from_server:
            group.start_soon(server.run, incoming, outgoing, server.create_initialization_options())
            for number, (method, params) in enumerate(requests):
                request = JSONRPCRequest(jsonrpc="2.0", id=number, method=method, params=params)
                await to_server.send(SessionMessage(request))
                answer = (await from_server.receive()).message
                assert isinstance(answer, JSONRPCResponse), answer
                results.append(answer.result)
            await to_server.aclose()
        return results

    return asyncio.run(ask())


def listing_of_the_server(method: str, version: str) -> Json:
    """What the server lists on a connection of a version."""
    if version in MODERN_PROTOCOL_VERSIONS:
        return answers_of_the_server((method, envelope(version)))[0]
    return answers_of_the_server(("initialize", initialize(version)), (method, {}))[1]


def handshakes() -> Json:
    """The document of `replies.json`."""
    legacy, modern = list(HANDSHAKE_PROTOCOL_VERSIONS), list(MODERN_PROTOCOL_VERSIONS)
    return {
        "handshake_versions": legacy,
        "initialize": answers_of_the_server(("initialize", initialize(legacy[-1])))[0],
        "modern_versions": modern,
        "discover": answers_of_the_server(("server/discover", envelope(modern[-1])))[0],
    }


def lists() -> Json:
    """The document of `lists.json`: versions with the same answer share it."""
    document: Json = {}
    for method in LISTS:
        found: list[Json] = []
        for version in (*HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS):
            result = listing_of_the_server(method, version)
            same = next((entry for entry in found if entry["result"] == result), None)
            if same is None:
                found.append({"versions": [version], "result": result})
            else:
                same["versions"].append(version)
        document[method] = found
    return document


def write(name: str, document: Json, indent: int | None) -> None:
    """Write in one step: servers of other windows may be reading."""
    beside = DIRECTORY / f"{name}.new"
    beside.write_text(json.dumps(document, indent=indent, separators=None if indent else (",", ":")) + "\n")
    os.replace(beside, DIRECTORY / name)


def main() -> None:
    write("replies.json", handshakes(), 2)
    write("lists.json", lists(), None)


if __name__ == "__main__":
    main()
