"""The leader's socket, driven byte by byte: who may talk, how much, and what happens to the rest."""

import asyncio
import json
import os
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from mcp.server.mcpserver import MCPServer

from session_buddy.config import Settings
from session_buddy.serve import leader as leader_module
from session_buddy.serve import local_socket
from session_buddy.serve.callers import current_caller
from session_buddy.serve.leader import LeaderServer
from session_buddy.wire import PING, PONG, encode, greeting
from tests.relay.write_replies import initialize
from tests.support.small_leader import SmallControl
from tests.support.waiting import wait_for

Lines = list[dict[str, Any]]


def token_file(settings: Settings) -> dict[str, Any]:
    return dict(json.loads(Path(settings.token_file).read_bytes()))


class Peer:
    """One connection, as bytes."""

    opened: ClassVar[list["Peer"]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.opened.append(self)

    @classmethod
    async def connect(cls, settings: Settings) -> "Peer":
        if settings.transport == "tcp":
            return cls(*await asyncio.open_connection("127.0.0.1", token_file(settings)["port"]))
        return cls(*await asyncio.open_unix_connection(settings.socket, limit=2**24))

    async def say(self, *lines: bytes) -> None:
        self.writer.write(b"".join(line + b"\n" for line in lines))
        await self.writer.drain()

    async def hear(self) -> dict[str, Any]:
        return dict(json.loads(await asyncio.wait_for(self.reader.readline(), 10)))

    async def ended(self) -> bool:
        """Whether the leader closes the connection, whatever it says before."""
        try:
            while await asyncio.wait_for(self.reader.read(65536), 10):
                pass
        except ConnectionError:
            pass
        return True

    async def greet(self, role: str = "relay", **more: Any) -> dict[str, Any]:
        await self.say(greeting(role, "0.1.0", **more))
        return await self.hear()

    async def ask(
        self, method: str, params: dict[str, Any] | None = None, identity: int = 1
    ) -> dict[str, Any]:
        await self.say(encode({"jsonrpc": "2.0", "id": identity, "method": method, "params": params or {}}))
        return await self.hear()

    def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def leading(settings: Settings, wake: Callable[[], None] = lambda: None) -> AsyncIterator[LeaderServer]:
    """A leader of three tools at work."""
    server = MCPServer("small", log_level="CRITICAL")

    @server.tool()
    async def who() -> dict[str, Any]:
        """Who asks."""
        caller = current_caller()
        return {"pid": caller.pid, "session": caller.session_id, "project": caller.project}

    @server.tool()
    async def much() -> str:
        """A megabyte."""
        return "x" * 2**20

    async def control() -> SmallControl:
        return SmallControl(settings)

    os.makedirs(settings.home, exist_ok=True)
    started = asyncio.Event()
    leader = LeaderServer(settings, server, control, wake)
    run = asyncio.create_task(leader.run(None, started.set))
    try:
        await started.wait()
        yield leader
    finally:
        leader.stop()
        await asyncio.wait_for(run, 1)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario, and close what it opened."""

    async def whole() -> None:
        try:
            await asyncio.wait_for(scenario(), 30)
        finally:
            while Peer.opened:
                peer = Peer.opened.pop()
                peer.close()
                with suppress(OSError):
                    await peer.writer.wait_closed()

    asyncio.run(whole())


async def until(condition: Callable[[], bool], what: str) -> None:
    """As `wait_for`, while the leader's loop goes on."""
    await asyncio.to_thread(wait_for, condition, what)


def test_each_relay_is_a_session_of_its_own(settings: Settings) -> None:
    async def scenario() -> None:
        async with leading(settings) as leader:
            for number in (1, 2):
                peer = await Peer.connect(settings)
                hello = await peer.greet(session=f"s{number}", cwd="/project")
                assert hello["session_buddy"] == "leader"
                assert hello["pid"] == os.getpid()
                await peer.ask("initialize", initialize("2025-06-18"))
                answer = await peer.ask("tools/call", {"name": "who", "arguments": {}})
                about = {"pid": os.getpid(), "session": f"s{number}", "project": "/project"}
                assert answer["result"]["structuredContent"] == about
            assert [about.role for about in leader.connected()] == ["relay", "relay"]

    run(scenario)


def test_a_sign_of_life_is_given_outside_the_session(settings: Settings) -> None:
    async def scenario() -> None:
        async with leading(settings):
            peer = await Peer.connect(settings)
            await peer.greet()
            await peer.say(PING, b'{"session_buddy":"something newer"}', b"garbage", PING)
            assert await peer.hear() == json.loads(PONG)
            assert (await peer.hear())["error"]["code"] == -32600
            assert await peer.hear() == json.loads(PONG)

    run(scenario)


def test_what_only_python_reads_is_refused_by_its_id(settings: Settings) -> None:
    async def scenario() -> None:
        async with leading(settings):
            peer = await Peer.connect(settings)
            await peer.greet()
            await peer.say(b'{"jsonrpc":"2.0","id":"x","method":"ping","params":{"a":"\\ud800"}}')
            assert (await peer.hear())["id"] == "x"

    run(scenario)


@pytest.mark.parametrize(
    ("hello", "why"),
    [
        (
            {"session_buddy": "relay", "wire": 2, "version": "9.9"},
            "session-buddy 9.9 cannot talk to the leader",
        ),
        ({"session_buddy": "queen", "wire": 1}, "begins with a greeting"),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping"}, "begins with a greeting"),
    ],
)
def test_who_cannot_be_served_is_told_why(settings: Settings, hello: dict[str, Any], why: str) -> None:
    async def scenario() -> None:
        async with leading(settings) as leader:
            peer = await Peer.connect(settings)
            await peer.say(encode(hello))
            answer = await peer.hear()
            assert answer["session_buddy"] == "error"
            assert why in answer["message"]
            assert await peer.ended()
            assert leader.refused == 1

    run(scenario)


@pytest.mark.slow
def test_who_says_nothing_or_no_json_is_let_go(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader_module, "GREETING_SECONDS", 0.2)

    async def scenario() -> None:
        async with leading(settings) as leader:
            silent, loud, long = [await Peer.connect(settings) for _ in range(3)]
            await loud.say(b"GET / HTTP/1.1\r")
            await long.say(b'{"x":"' + b"x" * 100_000 + b'"}')
            assert all([await peer.ended() for peer in (silent, loud, long)])
            await until(lambda: not leader.connected(), "the connections are gone")

    run(scenario)


def test_past_the_limit_of_connections_there_is_one_clear_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader_module, "MAX_CONNECTIONS", 3)
    monkeypatch.setattr(leader_module, "MAX_SILENT_CONNECTIONS", 2)

    async def scenario() -> None:
        async with leading(settings) as leader:
            served = []
            for _ in range(3):
                served.append(await Peer.connect(settings))
                assert (await served[-1].greet())["session_buddy"] == "leader"
            fourth = await Peer.connect(settings)
            assert "takes no more" in (await fourth.greet())["message"]
            silent = [await Peer.connect(settings) for _ in range(3)]
            assert await silent[-1].ended()
            served[0].close()
            await until(
                lambda: sum(about.role == "relay" for about in leader.connected()) == 2, "one relay has left"
            )
            for peer in silent[:2]:
                peer.close()
            await until(lambda: len(leader.connected()) == 2, "the silent ones have left")
            assert (await (await Peer.connect(settings)).greet())["session_buddy"] == "leader"

    run(scenario)


@pytest.mark.slow
def test_who_does_not_read_keeps_nobody_else_waiting(settings: Settings) -> None:
    async def scenario() -> None:
        async with leading(settings):
            slow, quick = await Peer.connect(settings), await Peer.connect(settings)
            for peer in (slow, quick):
                await peer.greet()
                await peer.ask("initialize", initialize("2025-11-25"))
            call = {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "much", "arguments": {}}}
            slow.writer.write(b"".join(encode({**call, "id": number}) + b"\n" for number in range(10, 200)))
            for number in range(20):
                answer = await quick.ask("tools/call", {"name": "who", "arguments": {}}, number + 2)
                assert answer["id"] == number + 2
            # What the slow one was sent waits for it, and what it asked beyond that was not even read.
            assert {(await slow.hear())["id"] for _ in range(190)} == set(range(10, 200))

    run(scenario)


def test_commands_are_called_and_answered_in_lines(settings: Settings) -> None:
    async def scenario() -> None:
        async with leading(settings):
            peer = await Peer.connect(settings)
            await peer.greet("client")
            await peer.say(encode({"id": 1, "call": "who"}))
            assert await peer.hear() == {"id": 1, "result": {"pid": os.getpid(), "home": settings.home}}
            await peer.say(encode({"id": 2, "call": "count", "arguments": {"n": 3}}))
            assert [await peer.hear() for _ in range(4)] == [
                {"id": 2, "lines": "0\n"},
                {"id": 2, "lines": "1\n"},
                {"id": 2, "lines": "2\n"},
                {"id": 2, "result": {"counted": 3}},
            ]

    run(scenario)


def test_a_command_that_fails_is_answered_with_its_kind(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with leading(settings):
            peer = await Peer.connect(settings)
            await peer.greet("client")
            for line in (b"garbage", b"[]", b'{"call":1}', b'{"call":"who","arguments":[1]}'):
                await peer.say(line)
                assert (await peer.hear())["error"]["kind"] == "InvalidInput"
            await peer.say(encode({"id": 7, "call": "fail"}))
            answer = await peer.hear()
            assert answer["id"] == 7
            assert "asked to fail" in answer["error"]["message"]

    run(scenario)
    assert "asked to fail" in caplog.text


def test_a_command_whose_client_leaves_ends(settings: Settings) -> None:
    async def scenario() -> None:
        async with leading(settings) as leader:
            peer = await Peer.connect(settings)
            await peer.greet("client")
            await peer.say(encode({"id": 1, "call": "count", "arguments": {"n": 10**9}}))
            await peer.hear()
            assert calls_at_work() == ["call count"]
            peer.writer.transport.abort()
            await until(lambda: not leader.connected(), "the connections are gone")
            await until(lambda: not calls_at_work(), "the call's thread has ended")
        assert calls_at_work() == []

    run(scenario)


def calls_at_work() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("call ")]


def test_a_datagram_wakes_the_leader(settings: Settings) -> None:
    woken = 0

    def wake() -> None:
        nonlocal woken
        woken += 1

    async def scenario() -> None:
        async with leading(settings, wake):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"", settings.wake_socket)
                sender.sendto(b"anything", settings.wake_socket)
            await until(lambda: woken == 2, "both datagrams have arrived")

    run(scenario)
    assert woken == 2, "once for each datagram"


def test_sockets_are_private_and_gone_at_the_end(settings: Settings, home: Path) -> None:
    async def scenario() -> None:
        async with leading(settings):
            assert [os.stat(path).st_mode & 0o777 for path in (settings.socket, settings.wake_socket)] == [
                0o600
            ] * 2

    run(scenario)
    assert list(home.iterdir()) == []


def test_stale_sockets_are_replaced(settings: Settings, home: Path) -> None:
    home.mkdir()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(settings.socket)
    (home / "wake.sock").write_text("not even a socket")

    async def scenario() -> None:
        async with leading(settings):
            assert (await (await Peer.connect(settings)).greet())["session_buddy"] == "leader"

    run(scenario)


def test_a_socket_that_a_cleaner_took_away_comes_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_socket, "_CHECK_SECONDS", 0.02)

    async def scenario() -> None:
        async with leading(settings):
            before = await Peer.connect(settings)
            await before.greet()
            os.unlink(settings.socket)
            await until(lambda: os.path.exists(settings.socket), "the socket is back")
            assert (await (await Peer.connect(settings)).greet())["session_buddy"] == "leader"
            await before.say(PING)
            assert await before.hear() == json.loads(PONG)

    run(scenario)


@pytest.mark.parametrize("runtime", ["short", "long", ""])
def test_a_home_with_a_long_path_has_its_socket_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str
) -> None:
    short = tempfile.mkdtemp()
    monkeypatch.setenv(
        "XDG_RUNTIME_DIR", {"short": short, "long": str(tmp_path / ("y" * 80)), "": ""}[runtime]
    )
    settings = Settings(home=str(tmp_path / ("x" * 200)))

    async def scenario() -> None:
        async with leading(settings):
            assert len(settings.socket) <= 100
            directory = Path(settings.socket).parent
            assert directory.stat().st_mode & 0o777 == 0o700
            assert (await (await Peer.connect(settings)).greet())["session_buddy"] == "leader"
        assert not directory.exists()

    run(scenario)
    os.rmdir(short)


def test_over_loopback_only_the_token_opens(home: Path) -> None:
    settings = Settings(home=str(home), transport="tcp")

    async def scenario() -> None:
        async with leading(settings):
            token = token_file(settings)["token"]
            for wrong in ("", token[:-1], None, 5):
                answer = await (await Peer.connect(settings)).greet(token=wrong)
                assert "token" in answer["message"]
            assert (await (await Peer.connect(settings)).greet(token=token))["session_buddy"] == "leader"

    run(scenario)
    assert list(home.iterdir()) == []


def test_the_first_window_ends_the_leader_by_leaving(settings: Settings, home: Path) -> None:
    home.mkdir()

    async def scenario() -> None:
        async def control() -> SmallControl:
            return SmallControl(settings)

        ours, theirs = socket.socketpair()
        task = asyncio.create_task(
            LeaderServer(settings, MCPServer("small", log_level="CRITICAL"), control, lambda: None).run(
                theirs
            )
        )
        own = Peer(*await asyncio.open_connection(sock=ours))
        assert (await own.greet())["session_buddy"] == "leader"
        other = await Peer.connect(settings)
        await other.greet()
        own.close()
        await asyncio.wait_for(task, 1)
        assert await other.ended()

    run(scenario)
    wait_for(lambda: list(home.iterdir()) == [], "the sockets are gone")


@pytest.mark.slow
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(garbage=st.lists(st.binary(max_size=200), max_size=8), greets=st.booleans())
def test_garbage_harms_nobody_else(settings: Settings, garbage: list[bytes], greets: object) -> None:
    async def scenario() -> None:
        async with leading(settings):
            good, bad = await Peer.connect(settings), await Peer.connect(settings)
            await good.greet()
            if greets:
                await bad.greet()
            with suppress(ConnectionError):
                await bad.say(*garbage)
            await good.ask("initialize", initialize("2025-11-25"))
            answer = await good.ask("tools/call", {"name": "who", "arguments": {}}, 2)
            assert answer["result"]["structuredContent"]["pid"] == os.getpid()
            bad.close()

    run(scenario)
