"""What a scrape costs with 10,000 recorded skills, and what the leader's other work feels of it.

Loop blocking is the CPU that the event loop's thread spends between two looks at its sockets, while it is
scraped every second and 500 subscribers get an update every second. Calls of a tool over stdio are timed in
a real leader, without that load and with it in turn.

    python -m bench.scrape [--seconds 20] [--blocks 9]
"""

import argparse
import asyncio
import json
import selectors
import socket
import statistics
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from bench.listeners import Listeners, allow_many_files
from bench.support import ENVIRONMENT, SERVE, Line, print_table, ratio, value
from session_buddy.live.counters import LABEL_LIMIT
from session_buddy.serve.measures import FeedMeasures, RequestMeasures
from session_buddy.serve.metric_sources import live_source, record_source, server_source
from session_buddy.serve.metrics import MetricsRenderer
from session_buddy.serve.sidecar import Parts, Sidecar
from tests.support.live import LiveHome, ask, ended_now, free_port, live_home
from tests.support.stdio_client import StdioClient

RECORDED = 10_000
SUBSCRIBERS = 500
RENDERINGS = 15
CALLS = 60
TEXT = ""
OPENMETRICS = "application/openmetrics-text"
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20, help="how long the loop is watched [20]")
    parser.add_argument("--blocks", type=int, default=9, help="pairs of blocks of calls, at least 9 [9]")
    given = parser.parse_args()
    allow_many_files()
    lines: list[Line] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        live_home(Path(folder), max_clients=SUBSCRIBERS, update_interval=1.0) as home,
    ):
        record_many(home)
        lines += renderings(home)
        lines += loop_blocking(home, given.seconds)
    with tempfile.TemporaryDirectory() as folder:
        lines += tool_calls(Path(folder), max(9, given.blocks))
    return print_table("scrape", lines)


def record_many(home: LiveHome) -> None:
    """Ten thousand skills, the first of them used more often, in all outcomes."""
    now = datetime.now(UTC)
    outcomes = ("completed", "failed", "abandoned")
    events = [
        ended_now(
            f"plugin-{number % 97}:skill number {number}",
            now=now - timedelta(seconds=number % 3000),
            outcome=outcomes[(number + turn) % 3],
            duration_seconds=float(number % 5000),
        )
        for turn in range(3)
        for number in range(RECORDED if turn == 0 else LABEL_LIMIT)
    ]
    home.acknowledge(*events)
    home.settled()


def renderings(home: LiveHome) -> list[Line]:
    """CPU of a scrape, and whether the labels stay within their bound."""
    requests, feed = RequestMeasures(), FeedMeasures(SUBSCRIBERS)
    sources = [
        live_source(home.live),
        record_source(home.live, home.settings, lambda: datetime.now(UTC)),
        server_source(home.settings, requests, feed, lambda: 1),
    ]
    renderer = MetricsRenderer(sources)
    lines = []
    for name, accept, compress in (
        ("text, gzip", TEXT, True),
        ("text", TEXT, False),
        ("OpenMetrics, gzip", OPENMETRICS, True),
    ):
        times = []
        for _ in range(RENDERINGS):
            began = time.thread_time()
            renderer.render(accept, compress=compress)
            times.append((time.thread_time() - began) * 1e3)
        lines.append(value(f"scrape, {name}", times, 60, "ms"))
    text = renderer.render(TEXT, compress=False).body.decode()
    labels = {
        sample.labels["skill_name"]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "skill_name" in sample.labels
    }
    lines.append(value(f"skill labels of {RECORDED} skills", [len(labels)], LABEL_LIMIT + 1, "count"))
    return lines


class WatchedSelector(selectors.DefaultSelector):
    """Notes the CPU of the loop's thread between two looks at the sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[float] = []
        self._began: float | None = None

    def select(self, timeout: float | None = None) -> Any:
        """Look at the sockets."""
        if self._began is not None:
            self.turns.append((time.thread_time() - self._began) * 1e3)
        ready = super().select(timeout)
        self._began = time.thread_time()
        return ready


def loop_blocking(home: LiveHome, seconds: float) -> list[Line]:
    """The longest turns of the loop while it is scraped and listened to."""
    selector = WatchedSelector()
    watched: list[float] = []
    parts = Parts(home.live, lambda: datetime.now(UTC), RequestMeasures(), lambda: 1)

    async def serve() -> None:
        sidecar = Sidecar(home.settings, parts)
        task = asyncio.create_task(sidecar.run())
        await sidecar.served.listening.wait()
        with Listeners() as listeners:
            await asyncio.to_thread(listeners.join, home.settings.port, SUBSCRIBERS)
            selector.turns.clear()
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                began = time.monotonic()
                status, _, _ = await asyncio.to_thread(ask, home.settings.port, REQUEST)
                assert status == 200
                await asyncio.sleep(max(0.0, began + 1.0 - time.monotonic()))
        watched.extend(selector.turns)  # what follows is the end of 500 connections at once
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(serve())
    ordered = sorted(watched)
    worst = ordered[int(len(ordered) * 0.999)]
    return [value(f"loop blocking p99.9, {SUBSCRIBERS} subscribers", [worst], 20, "ms")]


def tool_calls(folder: Path, blocks: int) -> list[Line]:
    """A tool's p50 under the load beside its p50 without, in a real leader."""
    port = free_port()
    environ = {
        **ENVIRONMENT,
        "SESSION_BUDDY_HOME": str(folder / "home"),
        "SESSION_BUDDY_PORT": str(port),
        "SESSION_BUDDY_MAX_CLIENTS": str(SUBSCRIBERS),
        "CLAUDE_CONFIG_DIR": str(folder / "claude"),
    }
    quiet, loaded = [], []
    with StdioClient(SERVE, env=environ) as client, Listeners() as listeners:
        client.handshake()
        for number in range(20):
            client.call("record_skill_invocation", {"skill_name": f"skill-{number}", "completed": True})
        wait_until_served(port)
        for turn in range(blocks):
            for under_load in (False, True) if turn % 2 else (True, False):
                if under_load:
                    with Scraper(port):
                        listeners.join(port, SUBSCRIBERS)
                        loaded.append(median_call(client))
                        listeners.leave()
                else:
                    quiet.append(median_call(client))
        client.close()
    return [ratio(f"tool call p50, scraped, {SUBSCRIBERS} subscribers", loaded, quiet, 1.5)]


class Scraper:
    """Scrapes a port every second while the block runs."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(1.0):
            ask(self._port, REQUEST)


def median_call(client: StdioClient) -> float:
    """Median of some calls of a reading tool, spread over two seconds, in ms."""
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        result = client.call("get_skill_metrics", {"skill_name": "skill-1"})
        times.append((time.perf_counter() - began) * 1e3)
        assert not result.get("isError"), result
        time.sleep(2.0 / CALLS)
    return statistics.median(times)


def wait_until_served(port: int) -> None:
    """Return once the feed answers with its figures loaded."""
    while True:
        with suppress(OSError):
            status, _, body = ask(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if status == 200 and json.loads(body)["status"] == "ok":
                return
        time.sleep(0.05)


if __name__ == "__main__":
    socket.setdefaulttimeout(60)
    sys.exit(main())
