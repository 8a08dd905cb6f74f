"""A home with its live state and its sidecar, in this process: the real store, journals, loop and sockets."""

import asyncio
import json
import random
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from websockets.sync.client import ClientConnection, connect

from session_buddy.config import Settings
from session_buddy.ingest.journal import JournalFile
from session_buddy.ingest.journal_tail import JournalReader
from session_buddy.models.events import JournalEvent, SkillEvent
from session_buddy.models.ids import hashed_id
from session_buddy.serve.measures import RequestMeasures
from session_buddy.serve.metrics import Source
from session_buddy.serve.sidecar import Parts, Sidecar
from session_buddy.services.live_record import LiveRecord
from session_buddy.services.record import Record
from session_buddy.storage.duckdb_store import DuckDBStore
from tests.support.waiting import wait_for

SECRET = "a secret of the tests, long enough to sign with"


def keyed_hash(text: str) -> str:
    return sha256(b"key of the tests" + text.encode()).hexdigest()


class HandClock:
    """A clock that the test sets."""

    def __init__(self, start: datetime | None = None) -> None:
        self.time = start or datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_seconds(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class LiveHome:
    """Journals, database and live state of one home; nothing is folded unless the test says so."""

    settings: Settings
    journal: JournalFile
    record: Record
    live: LiveRecord
    store: DuckDBStore

    def acknowledge(self, *events: JournalEvent) -> None:
        """Journal the events, and let the record take note of them."""
        self.journal.append(events)
        self.record.refresh()

    def use(self, skill_name: str, **fields: Any) -> SkillEvent:
        """Acknowledge one whole use that has just ended."""
        event = ended_now(skill_name, **fields)
        self.acknowledge(event)
        return event

    def settled(self) -> None:
        """Wait until the live state has taken everything that was acknowledged."""
        wait_for(lambda: self.live.settled, "the live state has taken every event")


def ended_now(skill_name: str, **fields: Any) -> SkillEvent:
    """A whole use that has just ended."""
    now = fields.pop("now", None) or datetime.now(UTC)
    values: dict[str, Any] = {
        "id": uuid4(),
        "kind": "recorded",
        "invocation_id": uuid4(),
        "skill_name": skill_name,
        "session_id": "session-1",
        "source": "hook",
        "authority": 10,
        "occurred_at": now,
        "invoked_at": now,
        "duration_seconds": 2.0,
        "outcome": "completed",
        "outcome_source": "inferred",
    }
    return SkillEvent(**values | fields)


@contextmanager
def live_home(home: Path, clock: Any = None, *, start: bool = True, **settings: Any) -> Iterator[LiveHome]:
    """An open home. start: load and follow; else the test calls `live.start()`."""
    clock = clock or (lambda: datetime.now(UTC))
    settings = {"port": free_port(), "update_interval": 0.1} | settings
    store = DuckDBStore(":memory:", keyed_hash)
    store.open()
    folders = [str(home / name) for name in ("journal", "archive", "quarantine")]
    tail = JournalReader(*folders, {})
    journal = JournalFile(folders[0], tail.appended)
    record = Record(store, tail, clock)
    live = LiveRecord(record, clock)
    try:
        if start:
            begin(live)
        yield LiveHome(Settings(str(home), **settings), journal, record, live, store)
    finally:
        live.stop()
        journal.close()
        store.close()


def begin(live: LiveRecord) -> None:
    """Follow and load, and wait until that is done."""
    live.follow()
    live.start()
    assert live.loaded(20)


@dataclass
class Running:
    """A sidecar that serves in a thread of its own."""

    home: LiveHome
    sidecar: Sidecar
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread

    @property
    def port(self) -> int:
        return self.home.settings.port

    def connect(self, **options: Any) -> ClientConnection:
        """A subscriber."""
        scheme = "wss" if options.get("ssl") else "ws"
        # Reads ahead without end: a client that stops reading cannot see the close frame either.
        options = {"legacy": True, "max_queue": None, "close_timeout": 1} | options
        return connect(f"{scheme}://127.0.0.1:{self.port}/", compression=None, proxy=None, **options)

    def ask(self, request: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Send raw bytes; status, headers (small letters) and body of the answer, 0 if there is none."""
        return ask(self.port, request)

    def get(self, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """A plain GET."""
        lines = {"Host": f"127.0.0.1:{self.port}"} | {
            name.replace("_", "-"): v for name, v in headers.items()
        }
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return self.ask(f"GET {path} HTTP/1.1\r\n{text}\r\n".encode())


@contextmanager
def running(
    home: LiveHome,
    sources: tuple[Source, ...] = (),
    requests: RequestMeasures | None = None,
    retry: float = 0.05,
) -> Iterator[Running]:
    """Serve a home; the block begins when its port is open."""
    with started(home, sources, requests, retry) as sidecar:
        wait_for(lambda: sidecar.sidecar.served.url or sidecar.sidecar.notices(), "the port is open")
        assert sidecar.sidecar.served.url, sidecar.sidecar.notices()
        yield sidecar


@contextmanager
def started(
    home: LiveHome,
    sources: tuple[Source, ...] = (),
    requests: RequestMeasures | None = None,
    retry: float = 0.05,
) -> Iterator[Running]:
    """Begin to serve a home, and do not wait for its port."""
    loop = asyncio.new_event_loop()
    parts = Parts(home.live, lambda: datetime.now(UTC), requests or RequestMeasures(), lambda: 1, sources)
    made: list[Sidecar] = []
    task: list[asyncio.Task[None]] = []
    ready = threading.Event()

    async def serve() -> None:
        made.append(Sidecar(home.settings, parts, retry))
        task.append(asyncio.create_task(made[0].run()))
        ready.set()
        await asyncio.wait(task)

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield Running(home, made[0], loop, thread)
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(task[0].cancel)
        thread.join(20)
        assert not thread.is_alive(), "the sidecar did not end"


def free_port() -> int:
    """A port that nobody has now, below those that systems give to whoever connects somewhere."""
    while True:
        port = random.randrange(10_000, 30_000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


def ask(port: int, request: bytes) -> tuple[int, Mapping[str, str], bytes]:
    """Send raw bytes to a port and read its answer to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        data = b""
        try:
            while part := connection.recv(65_536):
                data += part
        except ConnectionResetError:
            pass
    if not data:
        return 0, {}, b""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, _, value in pairs}, body


def receive(connection: ClientConnection, kind: str, seconds: float = 20.0) -> dict[str, Any]:
    """The next message of a type; others before it are passed over."""
    while True:
        message: dict[str, Any] = json.loads(connection.recv(timeout=seconds))
        if message["type"] == kind:
            return message


def send(connection: ClientConnection, **message: Any) -> None:
    """Send one message."""
    connection.send(json.dumps(message))


def use_id(name: str) -> Any:
    """The id of a use, by a name of the test's own."""
    return hashed_id("test", "invocation", name)
