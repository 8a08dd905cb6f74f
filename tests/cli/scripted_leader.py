"""A leader that says what a test wants."""

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from session_buddy import __version__
from session_buddy.config import Settings
from session_buddy.wire import WIRE

HELLO = {
    "session_buddy": "leader",
    "wire": WIRE,
    "version": __version__,
    "pid": 42,
    "since": "2026-03-01T00:00:00Z",
}
Answer = Callable[[dict[str, Any]], list[Any]]


class ScriptedLeader:
    """Answers each line with what `answer` gives for it; closes the connection after an empty list."""

    def __init__(self, settings: Settings, answer: Answer) -> None:
        self.heard: list[dict[str, Any]] = []
        self._answer = answer
        self._server = _tcp(settings) if settings.transport == "tcp" else _unix(settings)
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for connection in self._connections:
            connection.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connections.append(connection)
            self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            for line in lines:
                self.heard.append(json.loads(line))
                answers = self._answer(self.heard[-1])
                if not answers:
                    break
                for answer in answers:
                    raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode() + b"\n"
                    connection.sendall(raw)
        connection.close()


def answering(*answers: Any) -> Answer:
    """Greets, then answers every call so."""
    return lambda line: [HELLO] if "session_buddy" in line else list(answers)


def _unix(settings: Settings) -> socket.socket:
    path = Path(settings.socket)
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen()
    return server


def _tcp(settings: Settings) -> socket.socket:
    server = socket.create_server(("127.0.0.1", 0))
    about = {"port": server.getsockname()[1], "token": "secret"}
    Path(settings.token_file).write_text(json.dumps(about))
    return server
