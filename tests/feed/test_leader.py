"""The whole leader: the command that serves without a window, windows that serve, and changes of leader."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.support.live import ask, free_port, receive
from tests.support.stdio_client import StdioClient
from tests.support.waiting import promised, wait_for

CHECKOUT = Path(__file__).parents[2]
FOLLOWERS = r"""
import os, sys, threading
from session_buddy.config import load_settings
from session_buddy.serve.feed_client import messages

def follow(number):
    for message in messages(load_settings(), []):
        if message["type"] in ("hello", "lost"):
            os.write(1, f"{message['type']} {number}\n".encode())  # in one piece, beside 99 others

followers = [threading.Thread(target=follow, args=[number]) for number in range(int(sys.argv[1]))]
for follower in followers:
    follower.start()
"""
"""Subscribers of the feed, as `watch` is one: each says when it is greeted and when it has lost the feed."""
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def port() -> int:
    return free_port()


class Started:
    """A process with what it says on stderr."""

    def __init__(self, words: list[str], environ: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, *words],
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        self.lines: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with suppress(ValueError):  # closed by `end`
            for line in self.process.stdout:
                self.lines.put(line.decode().strip())

    def until_it_prints(self, wanted: Iterable[str], seconds: float = 60.0) -> list[str]:
        """Its lines until it has printed each of `wanted`, in whatever order; fails if that takes longer."""
        seen: list[str] = []
        missing = set(wanted)
        deadline = time.monotonic() + seconds
        while missing:
            try:
                seen.append(self.lines.get(timeout=max(0.0, deadline - time.monotonic())))
            except Empty:
                raise AssertionError(
                    f"after {seconds:g} s {len(missing)} lines had not come, and on stderr is {self.said()!r}"
                ) from None
            missing.discard(seen[-1])
        return seen

    def said(self) -> str:
        return self.log.read_text()

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(20)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        return status


class Home:
    """A home whose feed is on a port of its own, and the processes that were started for it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.running: list[Started] = []
        self.environ = os.environ | {
            "SESSION_BUDDY_HOME": str(folder / "home"),
            "SESSION_BUDDY_PORT": str(port),
            "SESSION_BUDDY_UPDATE_INTERVAL": "0.1",
            "CLAUDE_CONFIG_DIR": str(folder / "claude"),
            "PYTHONPATH": str(CHECKOUT),
        }

    def start(self, *words: str, **environ: str) -> Started:
        log = self.folder / f"stderr-{len(self.running)}"
        process = Started(["-m", *words] if words[0] != "-c" else [*words], self.environ | environ, log)
        self.running.append(process)
        return process

    def service(self, *words: str) -> Started:
        return self.start("session_buddy.websocket-server", *words)

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "session_buddy", *words]
        return subprocess.run(command, env=self.environ | environ, capture_output=True, text=True, timeout=60)

    def window(self) -> StdioClient:
        command = [sys.executable, "-m", "session_buddy", "serve"]
        return StdioClient(command, env=self.environ, stderr=self.folder / "window")

    def server(self) -> int | None:
        """The process that serves the port with its figures loaded; None if there is none."""
        try:
            status, _, body = ask(self.port, HEALTH)
        except OSError:
            return None
        return int(json.loads(body)["pid"]) if status == 200 else None

    def subscribe(self) -> Any:
        wait_for(self.server, "the feed is served")
        return connect(f"ws://127.0.0.1:{self.port}/", proxy=None, max_queue=None, close_timeout=1)


@pytest.fixture
def home(tmp_path: Path, port: int) -> Iterator[Home]:
    made = Home(tmp_path, port)
    yield made
    for process in made.running:
        process.end()


def record(client: StdioClient, skill_name: str = "review") -> None:
    client.call("record_skill_invocation", {"skill_name": skill_name, "completed": True})


def until_recorded(subscriber: Any, count: int) -> dict[str, Any]:
    def recorded() -> dict[str, Any] | None:
        message = receive(subscriber, "metrics_update")
        rows = message["data"]["top_skills"]
        return message if sum(row["invocation_count"] for row in rows) == count else None

    found = wait_for(recorded, f"{count} uses in an update")
    assert found is not None
    return found


@pytest.mark.slow
def test_the_service_leads_without_a_window_and_ends_in_order(home: Home) -> None:
    service = home.service("--port", str(home.port), "--update-interval", "0.2")
    with home.subscribe() as subscriber:
        assert json.loads(subscriber.recv())["update_interval"] == 0.2
        with home.window() as window:
            window.handshake()
            record(window)
        until_recorded(subscriber, 1)
        metrics = ask(home.port, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")[2].decode()
        assert 'mode="service"' in metrics
        assert 'mcp_requests_total{outcome="ok",tool="record_skill_invocation"} 1.0' in metrics
    assert f"process {service.process.pid} leads" in service.said()
    assert service.end() == 0
    assert not (Path(home.environ["SESSION_BUDDY_HOME"]) / "leader.lock").exists()


@pytest.mark.slow
def test_a_window_serves_the_feed_and_the_service_takes_over_when_it_closes(home: Home) -> None:
    with home.window() as window:
        window.handshake()
        record(window)
        assert wait_for(home.server, "the window serves the feed") == window.pid
        subscriber = home.start("-c", FOLLOWERS, "1")
        subscriber.until_it_prints(["hello 0"])
        service = home.service()
        wait_for(lambda: f"process {window.pid} leads" in service.said(), "it says who leads")
        assert f"serves http://127.0.0.1:{home.port}/" in service.said()
    assert "lost 0" in subscriber.until_it_prints(["hello 0"])
    assert wait_for(home.server, "the service serves the feed with its figures") == service.process.pid


@pytest.mark.slow
def test_a_busy_port_does_not_keep_the_tools_from_working(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other", home.port)
    other.folder.mkdir()
    service = other.service()
    wait_for(other.server, "the other home has the port")
    with home.window() as window:
        window.handshake()
        record(window)
        said = tmp_path / "window"
        wait_for(lambda: "is not served" in said.read_text(), "the window says so")
        assert f"process {service.process.pid}, another session-buddy" in said.read_text()
        notices = json.loads(home.run("status", "--json").stdout)
        assert "is not served" in json.dumps(notices)
        record(window)
        service.end()
        assert wait_for(home.server, "the port is taken when it is free") == window.pid


@pytest.mark.slow
def test_a_hundred_subscribers_are_back_soon_after_a_change_of_leader(home: Home) -> None:
    first = home.service()
    wait_for(home.server, "the feed is served")
    second = home.service()
    wait_for(lambda: "waiting to take over" in second.said(), "the second waits")
    clients = home.start("-c", FOLLOWERS, "100")
    everybody = [f"hello {number}" for number in range(100)]
    clients.until_it_prints(everybody)
    began = time.monotonic()
    first.end()
    clients.until_it_prints(everybody)
    took = time.monotonic() - began
    print(f"100 subscribers were back after {took:.1f} s")
    assert took <= promised(5.0)
    assert home.server() == second.process.pid
    clients.process.kill()


@pytest.mark.slow
def test_others_are_not_served_without_a_secret(home: Home) -> None:
    result = home.run("websocket-server", "--host", "0.0.0.0")
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    assert "feed_secret" in line


@pytest.mark.slow
def test_a_token_is_printed_where_there_is_a_secret(home: Home) -> None:
    from session_buddy.serve.access import claims_of
    from tests.support.live import SECRET

    result = home.run("token", "--for", "2h", "--name", "grafana", SESSION_BUDDY_FEED_SECRET=SECRET)
    claims = claims_of(result.stdout.strip(), SECRET)
    assert claims is not None
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("grafana", 7200)
    assert home.run("token").returncode == 1
    assert home.run("token", "--for", "2 moons").returncode == 2


@pytest.mark.slow
def test_watch_shows_an_update_in_a_table(home: Home) -> None:
    home.service()
    with home.window() as window, home.subscribe() as subscriber:
        window.handshake()
        record(window)
        until_recorded(subscriber, 1)
    shown = home.run("watch", "--once")
    assert shown.returncode == 0, shown.stderr
    assert "review" in shown.stdout
    assert "100 % (21-100)" in shown.stdout


@pytest.mark.slow
def test_watching_a_feed_that_nobody_serves_says_so_and_once_gives_up(home: Home) -> None:
    begin = f"session-buddy: nobody serves the feed at ws://127.0.0.1:{home.port}/ "
    shown = home.run("watch", "--once")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr.startswith(begin)
    assert "'session-buddy websocket-server'" in shown.stderr
    assert shown.stderr.count("\n") == 1
    lasting = home.start("session_buddy", "watch")
    wait_for(lambda: begin in lasting.said(), "it says that it goes on trying")
    lasting.process.kill()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "environ", "said"),
    [
        (["--url", "foo"], {}, "'foo' is no address of a feed; write it as ws://127.0.0.1:8765/."),
        ([], {"SESSION_BUDDY_PORT": "0"}, "there is no feed to watch: the setting port is 0."),
    ],
)
def test_a_feed_that_cannot_be_is_one_line(
    home: Home, words: list[str], environ: dict[str, str], said: str
) -> None:
    shown = home.run("watch", *words, **environ)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr.startswith(f"session-buddy: {said}")


@pytest.mark.slow
def test_the_log_level_that_is_set_decides_what_stderr_says(home: Home, tmp_path: Path) -> None:
    for level, told in (("INFO", True), ("WARNING", False)):
        command = [sys.executable, "-m", "session_buddy", "serve", "--log-level", level]
        with StdioClient(command, env=home.environ, stderr=tmp_path / level) as window:
            window.handshake()
            record(window)
            window.call("get_skill_metrics", {"skill_name": "review", "since": "2020-01-01T00:00:00Z"})
            window.close()  # in order: what was folded is said a moment after it was
        said = (tmp_path / level).read_text()
        assert (f"process {window.pid} leads" in said) is told, said
        assert ("folded; the last batch was" in said) is told, said


@pytest.mark.slow
def test_a_service_that_a_script_started_in_the_background_ends_when_it_is_told_to(home: Home) -> None:
    """Such a job ignores SIGINT, which a shell without job control set so."""
    ignoring = "import signal, runpy, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.argv[1:] = []; "
    code = f"{ignoring}runpy.run_module('session_buddy.websocket-server', run_name='__main__')"
    service = home.start("-c", code)
    wait_for(home.server, "the feed is served")
    assert service.end() == 0
