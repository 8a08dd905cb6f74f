"""Many windows, many connections, much data, and windows that die in every way; each test takes seconds."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from session_buddy.config import Settings
from session_buddy.relay.election import Election
from session_buddy.wire import encode, greeting
from tests.relay.conftest import CHECKOUT, SMALL, Window
from tests.relay.test_messages import JSON, MESSAGE
from tests.relay.test_windows import records, resident_kilobytes, said, text_of
from tests.support.waiting import promised, wait_for

pytestmark = pytest.mark.slow
MEBIBYTE = 1 << 20


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_eight_windows_at_once_have_one_leader_and_lose_nothing(window: Window, home: Path) -> None:
    clients = [window(handshake=False, era="modern" if number % 2 else "legacy") for number in range(8)]

    def work(number: int) -> set[int]:
        clients[number].handshake()
        return {
            said(clients[number].call("record", {"value": f"{number}-{turn}"}))["leader"]
            for turn in range(20)
        }

    with ThreadPoolExecutor(8) as pool:
        leaders = set().union(*pool.map(work, range(8)))
    assert len(leaders) == 1
    assert sorted(records(home)) == sorted(f"{number}-{turn}" for number in range(8) for turn in range(20))
    assert all(resident_kilobytes(client.pid) <= 20 * 1024 for client in clients if client.pid not in leaders)
    for client in clients:
        assert client.close() < promised(2)
    assert [path.name for path in home.iterdir()] == ["records.jsonl"]


def test_leaders_that_die_one_after_the_other_lose_nothing(window: Window, home: Path) -> None:
    clients = [window() for _ in range(4)]
    for turn in range(3):
        values = [f"{client.pid}-{turn}" for client in clients]
        calls = [
            client.submit_call("record", {"value": value})
            for client, value in zip(clients, values, strict=True)
        ]
        leader = said(clients[0].answer(calls[0])["result"])["leader"]
        dead = next(client for client in clients if client.pid == leader)
        survivors = [
            (client, call) for client, call in zip(clients, calls, strict=True) if client is not dead
        ]
        dead.kill()
        for client, call in survivors:
            if client is not clients[0]:
                said(client.answer(call)["result"])
        clients = [client for client, _ in survivors]
        said(clients[0].call("echo", {"text": "x"}))
    assert len(set(records(home))) == len(records(home))


def test_a_window_ends_with_its_parent_though_its_stdin_stays_open(home: Path, tmp_path: Path) -> None:
    parent_program = (
        "import signal, subprocess, sys\n"
        "child = subprocess.Popen(sys.argv[1:], stdin=0, stdout=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "signal.pause()\n"
    )
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT), "SESSION_BUDDY_HOME": str(home)}
    parent = subprocess.Popen(
        [sys.executable, "-c", parent_program, *SMALL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=env,
    )
    assert parent.stdout is not None
    with parent:
        child = int(parent.stdout.readline())
        wait_for((home / "leader.sock").exists, "the window leads")
        parent.kill()
        wait_for(lambda: is_gone(child), "the window is gone", seconds=promised(2))
    wait_for(lambda: list(home.iterdir()) == [], "nothing stays")


def test_a_window_ends_in_time_though_a_call_is_at_work(window: Window, home: Path) -> None:
    leader, relay = window(), window()
    relay.submit_call("hold", {"until": "never"})
    wait_for((home / f"held-{leader.pid}").exists, "the leader works on the call")
    assert leader.close() < promised(2)
    wait_for((home / f"held-{relay.pid}").exists, "the next leader works on it")
    assert relay.close() < promised(2)
    assert all(path.name.startswith("held-") for path in home.iterdir())


def test_starts_and_stops_leave_no_descriptor_and_no_file(window: Window, home: Path) -> None:
    leader = window()
    said(leader.call("echo", {"text": "x"}))

    def come_and_go() -> None:
        client = window()
        said(client.call("echo", {"text": "x"}))
        client.close()

    come_and_go()
    files = sorted(path.name for path in home.iterdir())
    wait_for(lambda: descriptors(leader.pid), "the leader runs")
    before = descriptors(leader.pid)
    for _ in range(200):
        come_and_go()
    wait_for(lambda: descriptors(leader.pid) <= before, "the descriptors of gone windows are closed")
    assert sorted(path.name for path in home.iterdir()) == files
    leader.close()
    for _ in range(10):
        come_and_go()
        assert list(home.iterdir()) == []


def test_five_hundred_connections_leave_room_and_no_memory(window: Window, settings: Settings) -> None:
    leader = window()
    relay = window()
    said(relay.call("echo", {"text": "x"}))
    before = resident_kilobytes(leader.pid)
    opened = []
    try:
        for number in range(500):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(settings.socket)
            opened.append(connection)
            if number % 2:
                connection.sendall(greeting("relay", "0.1.0") + b"\n" + b'{"jsonrpc":')
        assert said(relay.call("echo", {"text": "meanwhile"}))["text"] == "meanwhile"
        late = window()
        assert said(late.call("echo", {"text": "late"}))["leader"] == leader.pid
    finally:
        for connection in opened:
            connection.close()
    said(relay.call("echo", {"text": "after"}))
    wait_for(lambda: descriptors(leader.pid) < 50, "the connections are gone")
    assert resident_kilobytes(leader.pid) < before + 30 * 1024


def test_frames_of_64_megabytes_pass_and_larger_ones_are_refused(window: Window) -> None:
    leader, relay = window(), window()
    said(leader.call("echo", {"text": "x"}))
    said(relay.call("echo", {"text": "x"}))
    before = [resident_kilobytes(client.pid) for client in (leader, relay)]
    large = json.dumps(
        {"jsonrpc": "2.0", "id": "large", "method": "ping", "params": {"x": "y" * 63 * MEBIBYTE}}
    )
    relay.send_bytes(large.encode() + b"\n")
    assert relay.answer("large", 60)["result"] == {}
    relay.send_bytes(b"z" * (65 * MEBIBYTE) + b"\n")
    assert "64 MiB" in relay.next_unexpected()["error"]["message"]
    said(relay.call("echo", {"text": "x"}))
    after = [resident_kilobytes(client.pid) for client in (leader, relay)]
    assert all(late < early + 40 * 1024 for early, late in zip(before, after, strict=True)), (before, after)


def test_ten_thousand_pieces_of_garbage_are_survived(window: Window) -> None:
    client = window()
    client._next_id = 10**9  # an id in the garbage must not be one that the test waits for
    said(client.call("echo", {"text": "x"}))
    lines = st.binary(max_size=80) | JSON.map(encode_any) | MESSAGE.map(encode_any)

    @hypothesis_settings(
        max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
    )
    @given(st.lists(lines.map(lambda line: line.replace(b"\n", b" ")), min_size=50, max_size=50))
    def garbage(batch: list[bytes]) -> None:
        client.send_bytes(b"\n".join([*batch, b""]))
        assert said(client.call("echo", {"text": "still here"}))["text"] == "still here"

    garbage()
    assert resident_kilobytes(client.pid) < 200 * 1024


def encode_any(document: object) -> bytes:
    return json.dumps(document).encode()


def test_a_home_with_a_path_of_200_characters_serves_two_windows(window: Window, tmp_path: Path) -> None:
    home = str(tmp_path / ("x" * 100) / ("y" * 100))
    first, second = window(SESSION_BUDDY_HOME=home), window(SESSION_BUDDY_HOME=home)
    assert (
        said(second.call("echo", {"text": "x"}))["leader"]
        == said(first.call("echo", {"text": "x"}))["leader"]
    )


class OtherVersion:
    """A leader of another wire number: it holds the lock, listens, and greets with its own number."""

    def __init__(self, settings: Settings, wire: int) -> None:
        self._election = Election(settings)
        assert self._election.attempt()
        self._listener = socket.create_server(settings.socket, family=socket.AF_UNIX)
        self._pool = ThreadPoolExecutor(1)
        hello = {**json.loads(greeting("leader", "9.9")), "wire": wire}
        self._work = self._pool.submit(self._serve, encode(hello))

    def _serve(self, hello: bytes) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(hello + b"\n")

    def leave(self, path: str) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._pool.shutdown()
        os.unlink(path)
        self._election.resign()


@pytest.mark.parametrize("wire", [0, 2], ids=["older", "newer"])
def test_a_leader_of_another_version_is_named_and_succeeded(
    window: Window, settings: Settings, wire: int
) -> None:
    other = OtherVersion(settings, wire)
    try:
        client = window()
        text = text_of(client.call("echo", {"text": "x"}))
        assert "session-buddy 9.9" in text
        assert str(os.getpid()) in text
    finally:
        other.leave(settings.socket)
    wait_for(lambda: not client.call("echo", {"text": "x"})["isError"], "the window leads by itself")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_users_processes_do_not_get_in(window: Window) -> None:
    place = Path(tempfile.mkdtemp())
    settings = Settings(home=str(place / "home"))
    said(window(SESSION_BUDDY_HOME=settings.home).call("echo", {"text": "x"}))
    place.chmod(0o755)
    with pytest.raises(PermissionError):
        greeted_as_another_user(settings.socket)
    Path(settings.home).chmod(0o755)
    Path(settings.socket).chmod(0o777)
    assert "belongs to another user" in greeted_as_another_user(settings.socket)


def greeted_as_another_user(path: str) -> str:
    """What the leader answers to a greeting of user 12345."""
    with socket.socket(socket.AF_UNIX) as connection:
        os.seteuid(12345)
        try:
            connection.connect(path)
        finally:
            os.seteuid(0)
        connection.sendall(greeting("relay", "0.1.0") + b"\n")
        return connection.recv(65536).decode()


def test_a_leader_that_was_stopped_while_others_waited_goes_on(window: Window, home: Path) -> None:
    leader, relay = window(), window()
    said(leader.call("echo", {"text": "x"}))
    said(relay.call("echo", {"text": "x"}))
    os.kill(leader.pid, signal.SIGSTOP)
    call = relay.submit_call("record", {"value": "patient"})
    os.kill(leader.pid, signal.SIGCONT)
    assert said(relay.answer(call)["result"])["leader"] == leader.pid
    assert records(home) == ["patient"]
