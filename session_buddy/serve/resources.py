"""Resources: the same answers as some tools give, under an address that a client can attach."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from mcp.server.mcpserver import MCPServer, ResourceSecurity
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from pydantic import BaseModel

from session_buddy.errors import InvalidInput, NotFound, SessionBuddyError
from session_buddy.models.events import SKILL_NAME_LIMIT
from session_buddy.models.problems import shown
from session_buddy.serve.callers import current_caller

if TYPE_CHECKING:
    from session_buddy.services import Services

TOP_SKILLS = "skills://top"
SKILL_METRICS = "skill://{name}/metrics"
SESSION = "session://{id}"
TOP_SKILLS_LIMIT = 50
_JSON = "application/json"
_NO_PATHS = ResourceSecurity(reject_path_traversal=False, reject_absolute_paths=False)
"""A skill's or session's name is a key into the record and never becomes a path; `c:name` is a fine skill."""


def add_resources(server: MCPServer[Any], services: "Callable[[], Awaitable[Services]]") -> None:
    """Register `skills://top`, `skill://{name}/metrics` and `session://{id}`."""

    async def answer(question: "Callable[[Services], BaseModel]") -> str:
        try:
            ready = await services()
            return (await anyio.to_thread.run_sync(question, ready)).model_dump_json(exclude_none=True)
        except (NotFound, InvalidInput) as error:
            raise ResourceNotFoundError(str(error)) from error
        except SessionBuddyError as error:
            raise ResourceError(str(error)) from error

    @server.resource(
        TOP_SKILLS, mime_type=_JSON, description="The most used skills of all time, with metrics"
    )
    async def top_skills() -> str:
        return await answer(lambda ready: ready.reporter.skill_metrics(None, None, None, TOP_SKILLS_LIMIT))

    @server.resource(
        SKILL_METRICS,
        mime_type=_JSON,
        security=_NO_PATHS,
        description="All-time metrics of one skill; percent-encode its name",
    )
    async def skill_metrics(name: str) -> str:
        return await answer(lambda ready: ready.reporter.skill_metrics(checked_name(name), None, None, 1))

    @server.resource(
        SESSION,
        mime_type=_JSON,
        security=_NO_PATHS,
        description="One session: invocations, outcomes, effectiveness, workflow path",
    )
    async def session(id: str) -> str:  # noqa: A002 - the address of DESIGN 6.2 names it so
        caller = current_caller()
        return await answer(lambda ready: ready.reporter.session_analytics(checked_name(id), caller))


def checked_name(name: str) -> str:
    """A name as it came; `InvalidInput` if it is longer than any on record, so that no error repeats it."""
    if len(name) > SKILL_NAME_LIMIT:
        raise InvalidInput(
            f"{shown(name)} is too long for a name; one has {SKILL_NAME_LIMIT} characters at most."
        )
    return name
