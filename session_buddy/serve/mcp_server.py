"""The MCP server: its tools, resources and prompts over the services.

Making it needs no services, so that a client can shake hands and list tools while the database loads.
"""

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from mcp.server.caching import CacheHint
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp.server.mcpserver.tools import Tool, ToolManager
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult, GetPromptResult, InputRequiredResult
from pydantic import AnyUrl

from session_buddy import __version__
from session_buddy.models.problems import shown
from session_buddy.serve.measures import RequestMeasures
from session_buddy.serve.prompts import add_prompts
from session_buddy.serve.resources import SESSION, SKILL_METRICS, TOP_SKILLS, add_resources
from session_buddy.serve.service_tool import ServiceTool
from session_buddy.serve.tools import TOOLS

if TYPE_CHECKING:
    from session_buddy.services import Services

INSTRUCTIONS = (
    "session-buddy records how the skills of this agent go. Before you pick or blame a skill, ask "
    "get_skill_metrics or describe_skill. When you know how a use of a skill ended, say so with "
    "record_skill_invocation; pass on the user's verdict with rate_skill."
)
_TOOL_NAMES = tuple(spec.name for spec in TOOLS)
_TELEMETRY = "OpenTelemetryMiddleware"
_UNCHANGING = CacheHint(ttl_ms=3_600_000, scope="public")


def make_server(
    services: "Callable[[], Awaitable[Services]]", requests: RequestMeasures | None = None
) -> MCPServer[Any]:
    """A server whose calls await `services()`; what that raises is told to the caller of the tool.

    requests: where the calls of tools are measured.
    """
    server = _Server(
        "session-buddy",
        title="session-buddy",
        description="Records how an agent's skills go, and answers about it",
        instructions=INSTRUCTIONS,
        version=__version__,
        log_level="WARNING",
        cache_hints={
            "tools/list": _UNCHANGING,
            "prompts/list": _UNCHANGING,
            "resources/templates/list": _UNCHANGING,
        },
    )
    server.requests = requests or RequestMeasures()
    server.offer(_Tools(services))
    # Spans of telemetry would go nowhere (nothing leaves the machine), and making them is a tenth of a call.
    server.middleware[:] = [each for each in server.middleware if type(each).__name__ != _TELEMETRY]
    server.requests.expect(_TOOL_NAMES)
    add_resources(server, services)
    add_prompts(server, services)
    return server


class _Tools(ToolManager):
    """The tools, each made when it is first needed.

    Making one builds its schemas; the relay has answered `tools/list` by then, so a start would wait for
    all of them to call one.
    """

    def __init__(self, services: "Callable[[], Awaitable[Services]]") -> None:
        super().__init__()
        self._services = services
        self._specs = {spec.name: spec for spec in TOOLS}

    def get_tool(self, name: str) -> Tool | None:
        """The tool of that name, if there is one."""
        spec = self._specs.get(name)
        if spec is not None and name not in self._tools:
            self._tools[name] = ServiceTool.of(
                spec.function, spec.annotations, self._services, spec.function_at_hand
            )
        return self._tools.get(name)

    def list_tools(self) -> list[Tool]:
        """All tools, in the order in which a model should read them."""
        return [tool for name in self._specs if (tool := self.get_tool(name)) is not None]


class _Server(MCPServer[Any]):
    """The SDK's server, with errors that say what there is instead of what was asked for."""

    requests: RequestMeasures
    """Where the calls of tools are measured."""

    def offer(self, tools: ToolManager) -> None:
        """Serve these tools."""
        self._tool_manager = tools

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        if name not in _TOOL_NAMES:
            raise ToolError(f"There is no tool {shown(name)}; there are: {', '.join(_TOOL_NAMES)}.")
        began = time.perf_counter()
        ok = False
        try:
            result = await super().call_tool(name, arguments, context)
            ok = not getattr(result, "is_error", False)
            return result
        finally:
            self.requests.served(name, time.perf_counter() - began, ok=ok)

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Any, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        try:
            return await super().read_resource(uri, context)
        except ResourceNotFoundError as error:
            if error.__cause__ is not None:  # an address of ours, and the cause says what is not there
                raise
            known = f"{TOP_SKILLS}, {SKILL_METRICS}, {SESSION}"
            raise ResourceNotFoundError(
                f"There is no resource {shown(str(uri))}; there are: {known}."
            ) from error

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Any, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        known = {prompt.name: prompt for prompt in await self.list_prompts()}
        if name not in known:
            raise MCPError(
                INVALID_PARAMS, f"There is no prompt {shown(name)}; there are: {', '.join(known)}."
            )
        needed = [argument.name for argument in known[name].arguments or () if argument.required]
        missing = [argument for argument in needed if not (arguments or {}).get(argument)]
        if missing:
            raise MCPError(INVALID_PARAMS, f"The prompt {name} needs {missing[0]}; give it.")
        return await super().get_prompt(name, arguments, context)
