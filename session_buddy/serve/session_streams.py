"""A connection's bytes as the messages that the SDK's server loop reads and writes.

The SDK asks for two stream objects; these two sit directly on the connection, without a task or a queue
in between, so that a client that does not read is not read from either.
"""

import asyncio
import json
import logging
from types import TracebackType
from typing import Self

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, ErrorData, JSONRPCError, JSONRPCMessage
from mcp_types.jsonrpc import jsonrpc_message_adapter
from pydantic import ValidationError

from session_buddy.wire import OWN_PREFIX, PING, PONG

logger = logging.getLogger(__name__)


class ReceivedMessages:
    """What the client sends. Ends with the connection, and with a line over the connection's limit."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def receive(self) -> SessionMessage | Exception:
        """The next message.

        Raises:
            anyio.EndOfStream: there is none to come.
        """
        while True:
            message = self._message(await self._line())
            if message is not None:
                return SessionMessage(message)

    async def aclose(self) -> None:
        """Nothing to do: the connection is closed by who opened it."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _line(self) -> bytes:
        try:
            await self._writer.drain()  # who does not read its answers is not asked for more requests
            line = await self._reader.readuntil(b"\n")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            logger.debug("a session ended: %r", error)
            raise anyio.EndOfStream from error
        return line

    def _message(self, line: bytes) -> JSONRPCMessage | None:
        """The message of a line; None for a line that was answered here."""
        if line.startswith(OWN_PREFIX):
            if line.rstrip(b"\n") == PING:
                self._writer.write(PONG + b"\n")
            return None
        try:
            return jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValidationError:
            refusal = JSONRPCError(jsonrpc="2.0", id=_request_id(line), error=_NOT_A_MESSAGE)
            self._writer.write(refusal.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            return None


class SentMessages:
    """What the server sends."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, item: SessionMessage) -> None:
        """Send one message, waiting while the client reads too slowly.

        Raises:
            anyio.ClosedResourceError: the connection is gone.
        """
        if self._writer.is_closing():
            raise anyio.ClosedResourceError
        line = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        try:
            self._writer.write(line.encode() + b"\n")
            await self._writer.drain()
        except OSError as error:
            raise anyio.ClosedResourceError from error

    async def aclose(self) -> None:
        """Nothing to do: the connection is closed by who opened it."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


_NOT_A_MESSAGE = ErrorData(code=INVALID_REQUEST, message="Invalid request: this is not a message of MCP.")


def _request_id(line: bytes) -> int | str | None:
    """The id of what Python reads and the SDK does not, so that its sender does not wait for ever."""
    try:
        identity = json.loads(line)["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return identity if isinstance(identity, int | str) and not isinstance(identity, bool) else None
