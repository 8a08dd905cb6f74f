"""A small MCP client over stdio, standard library only, that speaks both protocol eras."""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

Era = Literal["legacy", "modern"]
LEGACY_VERSION = "2025-11-25"
MODERN_VERSION = "2026-07-28"
CLIENT = {"name": "stdio-client", "version": "1"}


class NoAnswer(Exception):
    """The server ended, or did not answer in time."""


class StdioClient:
    """One agent window: a server process, and the client's side of its streams. Not thread-safe."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        stderr: Path | None = None,
        era: Era = "legacy",
    ) -> None:
        self.era = era
        self.notifications: list[dict[str, Any]] = []
        self.unexpected: list[dict[str, Any]] = []
        self._answers: dict[int | str, dict[str, Any]] = {}
        self._next_id = 0
        self._buffer = b""
        with open(stderr or os.devnull, "ab") as errors:
            self.process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(env),
                bufsize=0,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self.process.pid

    def handshake(self, timeout: float = 30.0) -> dict[str, Any]:
        """What a client does first; the result of `initialize` or `server/discover`."""
        if self.era == "modern":
            return self.request("server/discover", {}, timeout=timeout)
        params = {"protocolVersion": LEGACY_VERSION, "capabilities": {}, "clientInfo": CLIENT}
        result = self.request("initialize", params, timeout=timeout)
        self.notify("notifications/initialized")
        return result

    def request(
        self, method: str, params: dict[str, Any] | None = None, timeout: float = 30.0
    ) -> dict[str, Any]:
        """The result of a request; `AssertionError` if it is answered with an error."""
        answer = self.answer(self.submit(method, params), timeout)
        assert "result" in answer, answer
        return dict(answer["result"])

    def call(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        *,
        key: str | None = None,
        timeout: float = 30.0,
    ) -> dict[str, Any]:
        """The result of a tool; look at its `isError`."""
        return dict(self.answer(self.submit_call(name, arguments, key=key), timeout)["result"])

    def submit_call(
        self, name: str, arguments: dict[str, Any] | None = None, *, key: str | None = None
    ) -> int:
        params: dict[str, Any] = {"name": name, "arguments": arguments or {}}
        if key is not None:
            params["_meta"] = {"session-buddy/requestKey": key}
        return self.submit("tools/call", params)

    def submit(self, method: str, params: dict[str, Any] | None = None) -> int:
        """Send a request; its id, for `answer`."""
        self._next_id += 1
        params = dict(params or {})
        if self.era == "modern":
            params["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
                "io.modelcontextprotocol/clientInfo": CLIENT,
                "io.modelcontextprotocol/clientCapabilities": {},
                **params.get("_meta", {}),
            }
        self.send({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params})
        return self._next_id

    def notify(self, method: str, params: dict[str, Any] | None = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})})

    def send(self, message: dict[str, Any]) -> None:
        self.send_bytes(json.dumps(message).encode() + b"\n")

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        view = memoryview(data)
        while view:
            view = view[os.write(self.process.stdin.fileno(), view) :]

    def answer(self, identity: int | str, timeout: float = 30.0) -> dict[str, Any]:
        """The answer to a request, whenever it arrived."""
        deadline = time.monotonic() + timeout
        while identity not in self._answers:
            self._read(deadline)
        return self._answers.pop(identity)

    def next_unexpected(self, timeout: float = 30.0) -> dict[str, Any]:
        """The next message that answers no request of known id, an error with the id null for one."""
        deadline = time.monotonic() + timeout
        while not self.unexpected:
            self._read(deadline)
        return self.unexpected.pop(0)

    def next_notification(self, timeout: float = 30.0) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while not self.notifications:
            self._read(deadline)
        return self.notifications.pop(0)

    def _read(self, deadline: float) -> None:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        readable, _, _ = select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))
        if not readable:
            raise NoAnswer(f"no answer in time from process {self.pid}")
        data = os.read(descriptor, 1 << 20)
        if not data:
            raise NoAnswer(f"process {self.pid} ended")
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, message: dict[str, Any]) -> None:
        if "method" in message:
            self.notifications.append(message)
        elif message.get("id") is not None and ("result" in message or "error" in message):
            if message["id"] in self._answers:
                self.unexpected.append(message)
            self._answers[message["id"]] = message
        else:
            self.unexpected.append(message)

    def close(self, timeout: float = 10.0) -> float:
        """Close stdin as a client that leaves does; the seconds until the process is gone."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        began = time.monotonic()
        self.process.wait(timeout)
        self._release()
        return time.monotonic() - began

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End the process, as a crash does."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(10)
        self._release()

    def _release(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
