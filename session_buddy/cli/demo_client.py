"""A small MCP client over stdio, as an agent would be one; standard library only."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, Self

from session_buddy import __file__ as package
from session_buddy import __version__
from session_buddy.errors import LeaderUnavailable, SessionBuddyError

_PROTOCOL = "2025-11-25"
_ANSWER_SECONDS = 30.0
_END_SECONDS = 5.0


class StdioClient:
    """A server process of this program, started as an agent starts it, and the MCP session with it."""

    def __init__(self, home: str, environ: Mapping[str, str]) -> None:
        """Start the server on a home, with `environ` in its environment, and shake hands.

        Raises:
            LeaderUnavailable: the server ended or did not answer in 30 s.
        """
        self._calls = 0
        self._process = subprocess.Popen(  # our own interpreter and module, no input of anybody's in it
            [sys.executable, "-P", "-m", "session_buddy", "serve", "--home", home],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=_environment(os.environ) | dict(environ),
        )
        self.pid = self._process.pid
        self._lines: Queue[str] = Queue()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        client = {"name": "session-buddy-demo", "version": __version__}
        self.server = self._request(
            "initialize", {"protocolVersion": _PROTOCOL, "capabilities": {}, "clientInfo": client}
        )
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def call_tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool and return its structured answer.

        Raises:
            SessionBuddyError: the tool answered with an error, which is the message.
        """
        result = self._request("tools/call", {"name": name, "arguments": dict(arguments)})
        if result.get("isError"):
            raise SessionBuddyError(" ".join(part.get("text", "") for part in result.get("content", [])))
        answer = result.get("structuredContent")
        if not isinstance(answer, dict):
            raise SessionBuddyError(f"the tool {name} gave no structured answer.")
        return answer

    def close(self) -> None:
        """Close the server's stdin, as an agent's window does, and see it end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put("")

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._process.stdin is None:
            raise LeaderUnavailable("the demo's server has no input.")
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise LeaderUnavailable("the demo's server ended; its message stands above.") from error

    def _request(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        self._calls += 1
        self._send({"jsonrpc": "2.0", "id": self._calls, "method": method, "params": params})
        while True:
            try:
                line = self._lines.get(timeout=_ANSWER_SECONDS)
            except Empty:
                raise LeaderUnavailable(f"the demo's server did not answer {method} in 30 s.") from None
            if not line:
                raise LeaderUnavailable(f"the demo's server ended before it answered {method}.")
            answer = json.loads(line)
            if answer.get("id") != self._calls:
                continue  # a notification, which the demo has no use for
            if "error" in answer:
                raise SessionBuddyError(str(answer["error"].get("message")))
            result: dict[str, Any] = answer["result"]
            return result


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a server that is this very program, and no part of an agent's session.

    An agent that runs the demo has put its session there; a folder that the demo is run in may hold
    another version of the package.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith("CLAUDE")}
    paths = [str(Path(package).parents[1]), *filter(None, [environ.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(paths)}
