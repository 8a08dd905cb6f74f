"""What an update of the feed costs, beside a bare broadcast of frames of the same size in the same run.

The floor is `websockets.broadcast` of one ready frame to as many connections of a bare server in this
process. Ours is a whole tick: move the windows, encode what changed (one use comes in before each tick), put
the frame together, send it, look for slow readers. Subscribers read in a process of their own. CPU is that of
the event loop's thread.

    python -m bench.feed [--clients 100,500,1000,5000] [--ticks 15]
"""

import argparse
import asyncio
import gc
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from bench.listeners import Listeners, allow_many_files
from bench.support import Line, print_table, ratio, resident_megabytes, value
from session_buddy.live.frames import TOP_SKILLS
from session_buddy.live.selections import Subscribed
from session_buddy.models.events import SkillEvent
from session_buddy.serve.access import Access
from session_buddy.serve.feed import Feed
from session_buddy.serve.feed_server import FeedServer
from session_buddy.serve.http_pages import Pages
from session_buddy.serve.measures import FeedMeasures
from session_buddy.serve.metrics import MetricsRenderer
from session_buddy.storage.database import Database
from tests.support.live import LiveHome, ended_now, free_port, live_home

SKILLS = 50
MANY_SKILLS = 1_000
MEMORY_AT = 1_000
_NEVER = 1e9  # the bench ticks itself


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", default="100,500,1000,5000", help="subscribers [100,500,1000,5000]")
    parser.add_argument("--ticks", type=int, default=15, help="pairs of broadcasts, at least 9 [15]")
    given = parser.parse_args()
    allow_many_files()
    lines: list[Line] = []
    for clients in map(int, given.clients.split(",")):
        with tempfile.TemporaryDirectory() as folder, live_home(Path(folder), max_clients=clients) as home:
            lines += asyncio.run(broadcasts(home, clients, max(9, given.ticks)))
    with tempfile.TemporaryDirectory() as folder, live_home(Path(folder)) as home:
        lines += asyncio.run(ticks_of_many_skills(home, max(9, given.ticks)))
    return print_table("feed", lines)


async def broadcasts(home: LiveHome, clients: int, pairs: int) -> list[Line]:
    """A tick beside a bare broadcast, to so many subscribers each."""
    names = [f"skill-{number:03}" for number in range(SKILLS)]
    await in_thread(home, [ended_now(name) for name in names])
    feed, server = await opened(home)
    bare: set[ServerConnection] = set()
    bare_port = free_port()
    with Listeners() as listeners:
        async with serve(lambda connection: keep(bare, connection), "127.0.0.1", bare_port, compression=None):
            before = memory()
            await asyncio.to_thread(listeners.join, home.settings.port, clients)
            per_client = (memory() - before) / clients * 1024
            await asyncio.to_thread(listeners.join, bare_port, clients)
            ours, floor = [], []
            for turn in range(pairs):
                await in_thread(home, [ended_now(names[turn % SKILLS])])
                frame = home.live.updates([Subscribed()], TOP_SKILLS)[0]
                await in_thread(home, [ended_now(names[turn % SKILLS])])
                sides = [(ours, feed.tick), (floor, partial(bare_broadcast, bare, frame))]
                for times, send in sides[:: 1 if turn % 2 else -1]:
                    times.append(await cpu_milliseconds(send))
                    await drained([*server.connections, *bare])
        await server.close()
    lines = [ratio(f"broadcast to {clients} of {len(frame) / 1000:.1f} KB", ours, floor, 1.3)]
    if clients == MEMORY_AT:
        lines.append(value(f"memory of a subscriber, {clients}", [per_client], 20, "KB"))
    return lines


async def ticks_of_many_skills(home: LiveHome, count: int) -> list[Line]:
    """A tick with a thousand active skills, all of which changed since the last; and the SQL that it ran."""
    names = [f"skill-{number:04}" for number in range(MANY_SKILLS)]
    feed, server = await opened(home)
    statements = 0

    def count_statement(*_: object, **__: object) -> None:
        nonlocal statements
        statements += 1

    all_changed, one_changed = [], []
    with Listeners() as listeners:
        await asyncio.to_thread(listeners.join, home.settings.port, 1)
        for turn in range(count):
            await in_thread(home, [ended_now(name) for name in names])
            kept = {name: getattr(Database, name) for name in ("rows", "records", "snapshot", "transaction")}
            for name in kept:
                setattr(Database, name, count_statement)
            all_changed.append(await cpu_milliseconds(feed.tick))
            for name, method in kept.items():
                setattr(Database, name, method)
            await in_thread(home, [ended_now(names[turn])])
            one_changed.append(await cpu_milliseconds(feed.tick))
    await server.close()
    return [
        value(f"tick, {MANY_SKILLS} skills, all changed", all_changed, 5, "ms"),
        value(f"tick, {MANY_SKILLS} skills, one changed", one_changed, 5, "ms"),
        value("SQL statements in these ticks", [statements], 0, "count"),
    ]


async def opened(home: LiveHome) -> tuple[Feed, FeedServer]:
    """The feed of a home on its port; it ticks when told to."""
    access = Access(home.settings)
    measures = FeedMeasures(home.settings.max_clients)
    feed = Feed(home.live, access, measures, _NEVER)
    pages = Pages(access, MetricsRenderer([]), lambda: True, has_page=False)
    server = FeedServer(home.settings, access, pages, feed, measures)
    await server.open(home.settings.port, None)
    return feed, server


async def keep(connections: set[ServerConnection], connection: ServerConnection) -> None:
    """The whole of the bare server."""
    connections.add(connection)
    try:
        async for _ in connection:
            pass
    except ConnectionClosed:
        connections.discard(connection)


async def in_thread(home: LiveHome, events: list[SkillEvent]) -> None:
    """Record some uses, and wait until the live state has them."""

    def record() -> None:
        home.acknowledge(*events)
        home.settled()

    await asyncio.to_thread(record)


async def drained(connections: list[ServerConnection]) -> None:
    """Wait until every subscriber has everything."""
    while any(one.transport.get_write_buffer_size() for one in connections):  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)


async def bare_broadcast(connections: set[ServerConnection], frame: str) -> None:
    """The floor."""
    broadcast(connections, frame)


async def cpu_milliseconds(work: Callable[[], Awaitable[None]]) -> float:
    """CPU of the loop's thread until it is done, with all else that the loop does meanwhile."""
    began = time.thread_time()
    await work()
    return (time.thread_time() - began) * 1e3


def memory() -> float:
    """Of this process, in MB."""
    gc.collect()
    return resident_megabytes(os.getpid())


if __name__ == "__main__":
    sys.exit(main())
