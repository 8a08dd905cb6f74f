"""The command line's calls to the leader: a line asks, lines answer.

{"id": 1, "call": "status", "arguments": {}}
{"id": 1, "progress": {...}} | {"id": 1, "lines": "..."}     any number
{"id": 1, "result": ...} | {"id": 1, "error": {"kind": "InvalidInput", "message": "..."}}
"""

import asyncio
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import CancelledError
from typing import Any, Protocol

from session_buddy.errors import InvalidInput, LeaderUnavailable, SessionBuddyError
from session_buddy.wire import encode

logger = logging.getLogger(__name__)


class ControlCalls(Protocol):
    """What `session_buddy.serve.control.Control` offers; every call blocks."""

    def call(self, name: str, arguments: Mapping[str, Any], emit: Callable[[dict[str, Any]], None]) -> Any:
        """Answer one call with a value that JSON can hold, after any number of `emit`."""


async def serve_calls(
    control: Callable[[], Awaitable[ControlCalls]], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer a client's calls, one after the other, until it leaves.

    Raises:
        OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError: the connection is over.
    """
    while line := await reader.readline():
        identity, answer = None, {}
        try:
            identity, name, arguments = _read(line)
            answer = {"result": await _Call(identity, writer).run(await control(), name, arguments)}
        except SessionBuddyError as error:
            answer = {"error": {"kind": type(error).__name__, "message": str(error)}}
        except OSError:
            raise
        except Exception as error:  # the top of a call: a fault in one must not end the leader
            logger.exception("a call of the command line failed")
            message = (
                f"the leader failed: {type(error).__name__}: {error}. Its log on stderr has the details."
            )
            answer = {"error": {"kind": "SessionBuddyError", "message": message}}
        writer.write(encode({"id": identity, **answer}) + b"\n")
        await writer.drain()


def _read(line: bytes) -> tuple[Any, str, Mapping[str, Any]]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"a call is one line of JSON: {error}") from error
    if not isinstance(request, dict) or not isinstance(request.get("call"), str):
        raise InvalidInput('a call is {"id": ..., "call": "...", "arguments": {...}}.')
    arguments = request.get("arguments") or {}
    if not isinstance(arguments, dict):
        raise InvalidInput("arguments must be a JSON object.")
    return request.get("id"), request["call"], arguments


class _Call:
    """One call, run in a thread of its own. A client that leaves ends it at its next `emit`."""

    def __init__(self, identity: Any, writer: asyncio.StreamWriter) -> None:
        self._identity = identity
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[Any] = self._loop.create_future()

    async def run(self, control: ControlCalls, name: str, arguments: Mapping[str, Any]) -> Any:
        """The call's result; raises what the call raises."""
        work = threading.Thread(
            target=self._work, args=(control, name, arguments), name=f"call {name}", daemon=True
        )
        work.start()
        return await self._done

    def _work(self, control: ControlCalls, name: str, arguments: Mapping[str, Any]) -> None:
        result, problem = None, None
        try:
            result = control.call(name, arguments, self._emit)
        except BaseException as error:  # noqa: BLE001 - the top of a thread; the future carries it on
            problem = error
        try:
            self._loop.call_soon_threadsafe(self._settle, result, problem)
        except RuntimeError:
            logger.debug("the leader ended before a call of the command line did")

    def _settle(self, result: Any, problem: BaseException | None) -> None:
        if self._done.done():
            return  # the client has gone
        if problem is None:
            self._done.set_result(result)
        else:
            self._done.set_exception(problem)

    def _emit(self, message: dict[str, Any]) -> None:
        line = encode({"id": self._identity, **message}) + b"\n"
        try:
            asyncio.run_coroutine_threadsafe(self._send(line), self._loop).result()
        except (OSError, RuntimeError, CancelledError) as error:
            raise LeaderUnavailable("the command that asked for this has gone.") from error

    async def _send(self, line: bytes) -> None:
        if self._writer.is_closing():
            raise ConnectionResetError
        self._writer.write(line)
        await self._writer.drain()
