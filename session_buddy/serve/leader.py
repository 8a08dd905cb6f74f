"""The leader's face to its relays and commands: each relay's connection is one MCP session.

    greeting -> role `relay`:  the client's protocol, both ways, through the SDK's own server loop
             -> role `client`: calls of `Control`, for the command line

The server runs until it is told to stop or until the window that it leads from has left.
"""

import asyncio
import contextlib
import itertools
import json
import logging
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer

from session_buddy import __version__
from session_buddy.config import Settings
from session_buddy.models.values import Caller
from session_buddy.serve.callers import CALLER
from session_buddy.serve.command_calls import ControlCalls, serve_calls
from session_buddy.serve.local_socket import LocalSocket, is_same_user
from session_buddy.serve.session_streams import ReceivedMessages, SentMessages
from session_buddy.wire import MAX_FRAME_BYTES, MAX_GREETING_BYTES, WIRE, greeting

MAX_CONNECTIONS = 256
MAX_SILENT_CONNECTIONS = 512
GREETING_SECONDS = 5.0
STOP_SECONDS = 0.6
_FIELD_LIMIT = 4096
_DESCRIPTORS = 2048
_SILENT = "silent"

if sys.platform != "win32":
    import resource

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Connected:
    """One connection: what it said about itself, and since when it is there (UTC)."""

    role: str
    pid: int | None
    version: str
    since: datetime
    project: str | None


class LeaderServer:
    """Serves one home. All but `stop` and `connected` belong to the event loop that runs it."""

    def __init__(
        self,
        settings: Settings,
        server: MCPServer[Any],
        control: Callable[[], Awaitable[ControlCalls]],
        wake: Callable[[], None],
        left: Callable[[Caller], None] = lambda _caller: None,
    ) -> None:
        """control: waits until commands can be served. wake: called on the loop when a hook has written.

        left: called on the loop when an agent's window has gone.
        """
        # MCPServer has no public way to run over streams that it did not open itself.
        self._server: Server[Any] = server._lowlevel_server  # noqa: SLF001
        self._control = control
        self._left = left
        self._since = datetime.now(UTC)
        self._socket = LocalSocket(settings, self._accept, wake)
        self._connections: dict[asyncio.Task[None], Connected] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._numbers = itertools.count(1)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self.refused = 0
        """Connections that were turned away, since the start."""

    def connected(self) -> tuple[Connected, ...]:
        """Who is connected now, the leader's own window included; from any thread."""
        return tuple(self._connections.values())

    def stop(self) -> None:
        """End `run`; from any thread, harmless when it does not run."""
        if self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # closed since we looked
                self._loop.call_soon_threadsafe(self._stopping.set)

    async def run(self, first: socket.socket | None, started: Callable[[], None] | None = None) -> None:
        """Serve until `stop` is called or `first`, the connection of the leader's own window, is closed.

        started: called once, when others can connect.

        Raises:
            ConfigurationError: there is no place for the socket.
            OSError: the system has no socket to give.
        """
        self._loop = asyncio.get_running_loop()
        _allow_descriptors()
        try:
            await self._socket.open()
            if first is not None:
                reader, writer = await asyncio.open_connection(sock=first, limit=MAX_FRAME_BYTES)
                own = self._begin(reader, writer, own=True)
                own.add_done_callback(lambda _: self._stopping.set())
            if started is not None:
                started()
            await self._stopping.wait()
        finally:
            await self._close()

    async def _close(self) -> None:
        await self._socket.close()
        for writer in self._writers:
            writer.transport.abort()  # first, so that no answer of a request that is cut short gets out
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent = sum(1 for about in self._connections.values() if about.role == _SILENT)
        if silent >= MAX_SILENT_CONNECTIONS:
            self.refused += 1
            writer.transport.abort()
        else:
            self._begin(reader, writer, own=False)

    def _begin(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, own: bool
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(self._converse(reader, writer, own=own))
        self._connections[task] = Connected(_SILENT, None, "", datetime.now(UTC), None)
        self._writers.add(writer)
        task.add_done_callback(lambda done: self._forget(done, writer))
        return task

    def _forget(self, task: asyncio.Task[None], writer: asyncio.StreamWriter) -> None:
        self._connections.pop(task, None)
        self._writers.discard(writer)
        writer.close()
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a connection ended with an error", exc_info=error)

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, own: bool
    ) -> None:
        """One connection, from its greeting to its end."""
        try:
            hello = await asyncio.wait_for(_read_greeting(reader), GREETING_SECONDS)
            problem = None if own else self._problem(hello, writer)
            if problem is not None:
                self.refused += 1
                writer.write(self._refusal(problem) + b"\n")
                await writer.drain()
                return
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - this coroutine only runs as a task
            self._connections[task] = about = _connected(hello)
            logger.info("a %s of process %s is connected", about.role, about.pid)
            writer.write(greeting("leader", __version__, since=self._since.isoformat()) + b"\n")
            if hello["session_buddy"] == "relay":
                await self._serve_client_of(hello, reader, writer)
            else:
                await serve_calls(self._control, reader, writer)
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
            logger.debug("a connection was lost: %r", error)

    async def _serve_client_of(
        self, hello: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        caller = Caller(
            connection_id=f"{os.getpid()}-{next(self._numbers)}",
            session_id=_text(hello.get("session")),
            project=_text(hello.get("cwd")),
            pid=_number(hello.get("pid")),
        )
        CALLER.set(caller)
        try:
            await self._server.run(
                ReceivedMessages(reader, writer),
                SentMessages(writer),
                self._server.create_initialization_options(),
            )
        finally:
            self._left(caller)

    def _problem(self, hello: dict[str, Any], writer: asyncio.StreamWriter) -> str | None:
        """Why a connection cannot be served; None if it can."""
        peer = writer.get_extra_info("socket")
        if not is_same_user(peer):
            return "this session-buddy belongs to another user."
        if hello.get("session_buddy") not in ("relay", "client") or not isinstance(hello.get("wire"), int):
            return "this socket belongs to session-buddy; what connects to it begins with a greeting."
        if peer.family != socket.AF_UNIX and not self._socket.admits(hello.get("token")):
            return "the token is not the one in the leader's token file."
        if hello["wire"] != WIRE:
            return (
                f"session-buddy {_text(hello.get('version'))} cannot talk to the leader of this home, "
                f"process {os.getpid()} of session-buddy {__version__}. Restart the agent windows that began "
                f"before the update, or end process {os.getpid()}."
            )
        if sum(1 for about in self._connections.values() if about.role != _SILENT) >= MAX_CONNECTIONS:
            return (
                f"the leader has {MAX_CONNECTIONS} connections, and takes no more. Close some agent windows."
            )
        return None

    @staticmethod
    def _refusal(problem: str) -> bytes:
        return greeting("error", __version__, message=problem)


def _allow_descriptors() -> None:
    """Let this process have as many connections as it says; some systems begin with 256 descriptors."""
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _read_greeting(reader: asyncio.StreamReader) -> dict[str, Any]:
    line = await reader.readuntil(b"\n")
    if len(line) > MAX_GREETING_BYTES:
        raise ValueError("the greeting is too long")
    document = json.loads(line)
    return document if isinstance(document, dict) else {}


def _connected(hello: dict[str, Any]) -> Connected:
    version = _text(hello.get("version")) or "unknown"
    return Connected(
        hello["session_buddy"], _number(hello.get("pid")), version, datetime.now(UTC), _text(hello.get("cwd"))
    )


def _text(value: object) -> str | None:
    return value[:_FIELD_LIMIT] if isinstance(value, str) and value else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
