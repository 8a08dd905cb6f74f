"""The feed: updates every interval, invocations as they happen, answers to what subscribers ask.

Everything here runs on the event loop; the live state is ready in memory, so a tick only puts frames
together and hands each to all connections that want it. Nobody waits for a reader that does not keep up:
what a connection has not read is buffered, and past `BEHIND_BYTES` it is dropped.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from session_buddy import __version__
from session_buddy.live.frames import (
    TOP_SKILLS,
    Error,
    Hello,
    InvocationMessage,
    MetricsResponse,
    Pong,
    SubscriptionConfirmed,
    encode,
)
from session_buddy.live.requests import (
    Authenticate,
    BadMessage,
    ClientMessage,
    GetMetrics,
    Ping,
    Subscribe,
    parse_client_message,
)
from session_buddy.live.selections import EVERYTHING, Selection, Subscribed, hours_of
from session_buddy.live.state import invocation_data
from session_buddy.models.answers import Invocation
from session_buddy.serve.access import Access
from session_buddy.serve.measures import FeedMeasures
from session_buddy.serve.subscribers import MESSAGES_PER_SECOND, Subscriber, Subscribers
from session_buddy.services.live_record import LiveRecord

BEHIND_BYTES: Final = 1_000_000
AUTHENTICATE_SECONDS: Final = 5.0
EVENTS_WAITING: Final = 10_000
SENT_AT_ONCE: Final = 100
"""Subscribers that get an update in one turn of the loop, which takes some milliseconds."""
_TURN_SECONDS = 0.005  # of the loop, for events at a stretch


class Feed:
    """All subscribers of one leader."""

    def __init__(self, live: LiveRecord, access: Access, measures: FeedMeasures, interval: float) -> None:
        """interval: seconds between updates."""
        self._live = live
        self._access = access
        self._measures = measures
        self._interval = interval
        self._subscribers = Subscribers()
        self._waiting: dict[UUID, Invocation] = {}
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        live.on_change(self._changed)

    async def run(self) -> None:
        """Send updates and events until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_updates())
            tasks.create_task(self._send_events())

    async def tick(self) -> None:
        """Send one update to everyone, some at a time: tools are called on the same loop."""
        wanted = list(self._subscribers.updates)
        if not wanted:
            return
        began = time.perf_counter()
        frames = self._live.updates(wanted, TOP_SKILLS)
        took = time.perf_counter() - began
        for key, frame in zip(wanted, frames, strict=True):
            group = list(self._subscribers.updates.get(key, ()))
            for first in range(0, len(group), SENT_AT_ONCE):
                await asyncio.sleep(0)
                began = time.perf_counter()
                still = self._subscribers.updates.get(key, set())
                broadcast(still.intersection(group[first : first + SENT_AT_ONCE]), frame)
                took += time.perf_counter() - began
        began = time.perf_counter()
        self._drop_slow()
        self._measures.broadcast(took + time.perf_counter() - began)

    async def serve(self, connection: ServerConnection, *, authenticated: bool) -> None:
        """One connection, from its hello to its end."""
        subscriber = Subscriber(connection, authenticated, allowed_at=self._loop.time())
        try:
            await connection.send(self._hello(subscriber))
            if not authenticated and not await self._authenticate(subscriber):
                return
            self._join(subscriber)
            try:
                async for message in connection:
                    if not await self._take(subscriber, message):
                        return
            finally:
                self._leave(subscriber)
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code == CloseCode.MESSAGE_TOO_BIG:
                self._measures.drop("message_too_big")

    async def _send_updates(self) -> None:
        due = self._loop.time()
        while True:
            due = max(due + self._interval, self._loop.time())
            await asyncio.sleep(due - self._loop.time())
            await self.tick()

    async def _send_events(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                self._send_some_events()
                await asyncio.sleep(0)

    def _changed(self, uses: Sequence[Invocation]) -> None:
        """In the live state's thread: uses that subscribers to events are told of."""
        if self._subscribers.events and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._announce, uses)

    def _announce(self, uses: Sequence[Invocation]) -> None:
        for use in uses:
            self._waiting[use.invocation_id] = use
        while len(self._waiting) > EVENTS_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._news.set()

    def _send_some_events(self) -> None:
        until = time.perf_counter() + _TURN_SECONDS
        while self._waiting and time.perf_counter() < until:
            use = self._waiting.pop(next(iter(self._waiting)))
            groups = self._subscribers.events.items()
            wanted = [group for key, group in groups if _wants(key, use)]
            if wanted:
                message = encode(InvocationMessage(timestamp=_now(), data=invocation_data(use)))
                for group in wanted:
                    broadcast(group, message)
        self._drop_slow()

    def _drop_slow(self) -> None:
        """Drop who is too far behind. A connection is paused once its buffer is worth a look."""
        slow = {
            connection
            for connection in self._subscribers.connections()
            if connection.paused and connection.transport.get_write_buffer_size() > BEHIND_BYTES
        }
        for connection in slow:
            self._measures.drop("slow")
            connection.transport.abort()

    def _join(self, subscriber: Subscriber) -> None:
        self._subscribers.join(subscriber)
        self._measures.clients = self._subscribers.count
        self._catch_up(subscriber)

    def _leave(self, subscriber: Subscriber) -> None:
        self._subscribers.leave(subscriber)
        self._measures.clients = self._subscribers.count

    def _catch_up(self, subscriber: Subscriber) -> None:
        """Send how things stand at once, rather than after an interval of nothing."""
        broadcast([subscriber.connection], *self._live.updates([subscriber.key], TOP_SKILLS))

    async def _authenticate(self, subscriber: Subscriber) -> bool:
        """Wait for a token; False if none came in time, or a bad one."""
        connection = subscriber.connection
        try:
            async with asyncio.timeout(AUTHENTICATE_SECONDS):
                while not subscriber.authenticated:
                    if not await self._take(subscriber, await connection.recv()):
                        return False
        except TimeoutError:
            await self._close(subscriber, "unauthenticated", "no token came in time")
            return False
        return True

    async def _take(self, subscriber: Subscriber, message: str | bytes) -> bool:
        """Answer one message; False if the connection has to end for it."""
        if not subscriber.may_send(self._loop.time()):
            limit = f"at most {MESSAGES_PER_SECOND:g} messages a second, please"
            await self._close(subscriber, "rate_limit", limit)
            return False
        try:
            asked = _parsed(subscriber, message)
            if isinstance(asked, Authenticate):
                return await self._check_token(subscriber, asked)
            if isinstance(asked, GetMetrics | Subscribe) and Selection.asked(asked) != EVERYTHING:
                await asyncio.to_thread(self._live.prepare, Selection.asked(asked))
            await subscriber.connection.send(self._answer(subscriber, asked))
            if isinstance(asked, Subscribe):
                self._catch_up(subscriber)
        except BadMessage as error:
            refusal = Error(id=error.request_id, code=error.code, message=str(error))
            await subscriber.connection.send(encode(refusal))
        return True

    async def _check_token(self, subscriber: Subscriber, asked: Authenticate) -> bool:
        if self._access.needs_token and not self._access.admits(asked.token):
            refusal = Error(id=asked.id, code="invalid_token", message="The token is forged or has expired.")
            await subscriber.connection.send(encode(refusal))
            await self._close(subscriber, "invalid_token", "the token is not valid")
            return False
        subscriber.authenticated = True
        await subscriber.connection.send(self._hello(subscriber))
        return True

    async def _close(self, subscriber: Subscriber, reason: str, sentence: str) -> None:
        self._measures.drop(reason)
        await subscriber.connection.close(CloseCode.POLICY_VIOLATION, sentence)

    def _answer(self, subscriber: Subscriber, asked: ClientMessage) -> str:
        if isinstance(asked, Ping):
            return encode(Pong(id=asked.id, timestamp=_now()))
        if isinstance(asked, GetMetrics):
            found = self._live.metrics(asked.skill_name, Selection.asked(asked))
            return encode(MetricsResponse(id=asked.id, timestamp=_now(), data=found))
        if isinstance(asked, Subscribe):
            self._subscribers.subscribe(subscriber, asked)
        elif not isinstance(asked, Authenticate):
            self._subscribers.unsubscribe(subscriber, asked)
        return encode(
            SubscriptionConfirmed(
                id=asked.id,
                skill_names=None if subscriber.skills is None else sorted(subscriber.skills),
                events=subscriber.events,
                time_window_hours=hours_of(subscriber.window),
                **subscriber.selection.named.model_dump(),
            )
        )

    def _hello(self, subscriber: Subscriber) -> str:
        return encode(
            Hello(
                version=__version__,
                update_interval=self._interval,
                authenticated=subscriber.authenticated,
                timestamp=_now(),
            )
        )


def _wants(key: Subscribed, use: Invocation) -> bool:
    return (key.skills is None or use.skill_name in key.skills) and key.selection.holds(use)


def _parsed(subscriber: Subscriber, message: str | bytes) -> ClientMessage:
    if isinstance(message, bytes):
        raise BadMessage("binary_not_supported", "Send JSON in text messages.")
    asked = parse_client_message(message)
    if not subscriber.authenticated and not isinstance(asked, Authenticate):
        raise BadMessage("unauthenticated", "Send `authenticate` with a token first.", asked.id)
    return asked


def _now() -> datetime:
    return datetime.now(UTC)
