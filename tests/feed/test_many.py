"""Many subscribers at once: nobody waits for another, and nobody misses an update for another."""

import asyncio
import base64
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.live import Running, ended_now, live_home, running
from tests.support.waiting import wait_for

JOINS_AND_LEAVES = 10_000
AT_ONCE = 25


class Witness:
    """A subscriber that notes which updates it saw."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def follow(self, connection: ClientConnection) -> None:
        try:
            async for text in connection:
                message = json.loads(text)
                if message["type"] == "metrics_update":
                    self.seen.append(message["timestamp"])
        except ConnectionClosed:
            return


async def watched(served: Running, count: int, work: Callable[[], Awaitable[None]]) -> list[Witness]:
    """Do some work while `count` subscribers note what they see."""
    witnesses = [Witness() for _ in range(count)]
    url = f"ws://127.0.0.1:{served.port}/"
    connections = [await connect(url, proxy=None, compression=None) for _ in witnesses]
    followers = [
        asyncio.create_task(witness.follow(connection))
        for witness, connection in zip(witnesses, connections, strict=True)
    ]
    await work()
    last = max(witness.seen[-1] for witness in witnesses if witness.seen)
    async with asyncio.timeout(20):
        while any(not witness.seen or witness.seen[-1] <= last for witness in witnesses):  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # a deadline is around it; an event for each witness would say less
    for connection in connections:
        await connection.close()
    await asyncio.gather(*followers)
    return witnesses


def assert_nobody_missed_an_update(witnesses: list[Witness]) -> int:
    """Between the first update that all saw and the last, everybody saw the same; how many those are."""
    begin = max(witness.seen[1] for witness in witnesses)  # the first came when it joined
    end = min(witness.seen[-1] for witness in witnesses)
    between = [[moment for moment in witness.seen if begin <= moment <= end] for witness in witnesses]
    assert all(seen == between[0] for seen in between)
    assert len(set(between[0])) == len(between[0])
    return len(between[0])


def upgrade(port: int) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def never_reading(port: int) -> socket.socket:
    """A subscriber that shakes hands and then reads nothing any more."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.sendall(upgrade(port))
    assert connection.recv(12) == b"HTTP/1.1 101"
    return connection


@pytest.mark.slow
def test_who_never_reads_is_dropped_and_a_hundred_others_miss_nothing(tmp_path: Path) -> None:
    with live_home(tmp_path, max_clients=200) as home, running(home) as served:
        long_names = (f"{number:03}{chr(0x1F600) * 190}" for number in range(50))
        home.acknowledge(*(ended_now(name) for name in long_names))
        home.settled()
        stuck = never_reading(served.port)

        async def until_dropped() -> None:
            dropped = b'session_buddy_websocket_dropped_total{reason="slow"} 1.0'
            await asyncio.to_thread(
                wait_for, lambda: dropped in served.get("/metrics")[2], "the stuck reader is dropped", 60
            )

        witnesses = asyncio.run(watched(served, 100, until_dropped))
        assert assert_nobody_missed_an_update(witnesses) > 10
        wait_for(lambda: b"websocket_clients 0.0" in served.get("/metrics")[2], "all have left")
        stuck.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_joins_and_leaves_during_updates_lose_none_for_those_who_stay(tmp_path: Path) -> None:
    with live_home(tmp_path, max_clients=200) as home, running(home) as served:
        home.use("review")

        async def come_and_go() -> None:
            for number in range(JOINS_AND_LEAVES // AT_ONCE):
                reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
                writer.write(upgrade(served.port))
                assert (await reader.read(12)) == b"HTTP/1.1 101"
                if number % 2:
                    writer.transport.abort()
                else:
                    writer.close()

        async def all_come_and_go() -> None:
            await asyncio.gather(*(come_and_go() for _ in range(AT_ONCE)))

        witnesses = asyncio.run(watched(served, 10, all_come_and_go))
        assert assert_nobody_missed_an_update(witnesses) > 10
        wait_for(lambda: b"websocket_clients 0.0" in served.get("/metrics")[2], "all have left")
        assert served.thread.is_alive()
