"""How one tool call is served: arguments checked, a service called in a thread, the answer structured.

The tools themselves (`serve/tools/`) are plain functions `(call, arguments) -> answer`; everything that
they have in common is here.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, PrivateAttr, ValidationError

from session_buddy.errors import SessionBuddyError
from session_buddy.models.problems import problems_of, shown
from session_buddy.models.values import Caller
from session_buddy.serve.callers import current_caller
from session_buddy.serve.clients import identified, key_of_call
from session_buddy.serve.schemas import input_schema, output_schema
from session_buddy.serve.workers import Workers
from session_buddy.wire import REQUEST_KEY

if TYPE_CHECKING:
    from session_buddy.services import Services

_KEY_LIMIT = 180
_WORKERS = Workers()


@dataclass(frozen=True, slots=True)
class Call:
    """What a tool gets besides its arguments.

    request_key: the same for every delivery of one request; None if the client's side minted none.
    """

    services: "Services"
    caller: Caller
    request_key: str | None


class ServiceTool(Tool):
    """A tool that answers with a model of `session_buddy.models.answers`."""

    _services: "Callable[[], Awaitable[Services]]" = PrivateAttr()
    _at_hand: Callable[..., BaseModel | None] | None = PrivateAttr()

    @classmethod
    def of(
        cls,
        function: Callable[..., BaseModel],
        annotations: ToolAnnotations,
        services: "Callable[[], Awaitable[Services]]",
        at_hand: Callable[..., BaseModel | None] | None = None,
    ) -> Self:
        """The tool for a function whose first parameter is `call` and whose docstring is for the model.

        at_hand: gives the same answer where that waits for nothing, else None. A thread costs such a call
        more than its work, so it is asked first, on the event loop.
        """
        description = " ".join((function.__doc__ or "").split())
        tool = cast(
            "Self",
            cls.from_function(
                function,
                context_kwarg="call",
                description=description,
                annotations=annotations,
                structured_output=True,
            ),
        )
        tool.parameters = input_schema(tool.parameters)
        tool.fn_metadata.output_schema = output_schema(tool.fn_metadata.output_schema or {})
        tool._services = services  # noqa: SLF001 - of its own class
        tool._at_hand = at_hand  # noqa: SLF001
        return tool

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,  # noqa: ARG002, FBT002 - the SDK's signature
    ) -> CallToolResult:
        """Serve one call.

        Raises:
            ToolError: with a sentence for the model; `UnexpectedToolError` if it is our own fault, which
                the SDK logs with its traceback.
        """
        checked = self.checked(arguments)
        try:
            call = Call(await self._services(), _caller(context), _request_key(context))
            answer = None if self._at_hand is None else self._at_hand(call, **checked)
            if answer is not None:
                return _structured(answer)
            return await _WORKERS.run(lambda: _structured(self.fn(call, **checked)))
        except SessionBuddyError as error:
            raise ToolError(str(error)) from error
        except Exception as error:  # the top of a request: one bad call must not end its connection
            raise UnexpectedToolError(
                f"{self.name} failed by a fault of session-buddy itself ({type(error).__name__}), not of the"
                " call. The cause is in the server's log; `session-buddy doctor` looks for known causes."
            ) from error

    def checked(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments in the types of the function, defaults included.

        Raises:
            ToolError: an argument is unknown, missing or cannot be used; the sentence says what to do.
        """
        fields = self.fn_metadata.arg_model.model_fields
        unknown = [name for name in arguments if name not in fields]
        if unknown:
            known = ", ".join(fields)
            raise ToolError(f"{self.name} has no argument {shown(unknown[0])}; leave it out or use: {known}.")
        try:
            return self.fn_metadata.arg_model.model_validate(arguments).model_dump_one_level()
        except ValidationError as error:
            raise ToolError(problems_of(error)) from error
        except OverflowError as error:
            raise ToolError("A time lies outside the calendar (years 1 to 9999); correct it.") from error


def _caller(context: Context[Any, Any]) -> Caller:
    """Whose call it is: the connection's, and what its client said of itself."""
    params = context.session.client_params
    name = params.client_info.name if params is not None else None
    return identified(current_caller(), name, context.request_context.meta or {})


def _request_key(context: Context[Any, Any]) -> str | None:
    """The client's own id of the model's tool call, else the relay's key of this request.

    The client's id first: its transcript has it too, which shows later what a report spoke of.
    """
    meta: Mapping[str, Any] = context.request_context.meta or {}
    for key in (key_of_call(meta), meta.get(REQUEST_KEY)):
        if isinstance(key, str) and 0 < len(key) <= _KEY_LIMIT and key.isprintable():
            return key
    return None


def _structured(answer: BaseModel) -> CallToolResult:
    """The answer as an object, and as the same JSON in text for clients that read only that.

    A field without a value is left out: in a list of invocations that halves what a model has to read.
    """
    return CallToolResult(
        content=[TextContent(type="text", text=answer.model_dump_json(exclude_none=True))],
        structured_content=answer.model_dump(mode="json", exclude_none=True),
    )
