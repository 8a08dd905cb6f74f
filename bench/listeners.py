"""Subscribers that read and throw away, in a process of their own: load for `bench.feed` and `bench.scrape`.

Reads commands from stdin, `join PORT COUNT` and `leave`, and answers each with `done`.

    python -m bench.listeners
"""

import asyncio
import base64
import os
import resource
import subprocess
import sys
from contextlib import AbstractContextManager
from types import TracebackType

from bench.support import CHECKOUT, ENVIRONMENT

AT_ONCE = 50


class Listeners(AbstractContextManager["Listeners"]):
    """The process with the subscribers."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.listeners"],
            cwd=CHECKOUT,
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def join(self, port: int, count: int) -> None:
        """Connect so many subscribers; returns when all have shaken hands. For a thread."""
        self._command(f"join {port} {count}")

    def leave(self) -> None:
        """Disconnect all of them."""
        self._command("leave")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def _command(self, line: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        if self._process.stdout.readline().strip() != "done":
            raise RuntimeError(f"the listeners could not {line}")


class Subscriber(asyncio.Protocol):
    """Shakes hands, then throws away what comes."""

    def __init__(self) -> None:
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        """Look at the answer to the handshake, and at nothing after it."""
        if not self.joined.done():
            self._head += data
            if b"\r\n\r\n" in self._head:
                assert self._head.startswith(b"HTTP/1.1 101"), self._head[:200]
                self.joined.set_result(None)


async def join(port: int) -> asyncio.Transport:
    """One more subscriber."""
    transport, subscriber = await asyncio.get_running_loop().create_connection(Subscriber, "127.0.0.1", port)
    key = base64.b64encode(os.urandom(16)).decode()
    transport.write(
        f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await subscriber.joined
    return transport


async def serve() -> None:
    """Do what stdin says."""
    joined: list[asyncio.Transport] = []
    while line := await asyncio.to_thread(sys.stdin.readline):
        words = line.split()
        if words[0] == "join":
            port, count = int(words[1]), int(words[2])
            while count:
                now = min(count, AT_ONCE)
                joined += await asyncio.gather(*(join(port) for _ in range(now)))
                count -= now
        else:
            for transport in joined:
                transport.abort()
            joined.clear()
            await asyncio.sleep(0)
        print("done", flush=True)


def allow_many_files() -> None:
    """As many sockets as the system lets this user have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    allow_many_files()
    asyncio.run(serve())
