"""The floor of `bench.start` and `bench.calls`: the SDK's own server with one tool that does nothing."""

from mcp.server.mcpserver import MCPServer

server = MCPServer("no-op", log_level="ERROR")


@server.tool()
async def nothing() -> dict[str, str]:
    """Do nothing."""
    return {"done": "nothing"}


if __name__ == "__main__":
    server.run()
