"""A small client of the leader's socket, standard library only.

One connection, one call at a time. The wire is one JSON object a line: both say hello; the call is
`{"id", "call", "arguments"}`; the leader sends any number of `{"id", "progress"}` and `{"id", "lines"}`
and ends with `{"id", "result"}` or `{"id", "error"}`.
"""

import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from session_buddy import __version__, errors
from session_buddy.config import Settings
from session_buddy.errors import LeaderUnavailable, SessionBuddyError
from session_buddy.relay.election import leader_notice
from session_buddy.relay.link import connect
from session_buddy.wire import WIRE, encode, greeting

ANSWER_SECONDS = 30.0
"""How long a leader may be silent before it counts as not answering."""

Emit = Callable[[dict[str, Any]], None]
"""Takes what a call reports before its result: `{"progress": {...}}` or `{"lines": "..."}`."""


class NoLeader(Exception):
    """Nobody listens: there is no leader, or it is only starting or ending."""


class LeaderLeft(Exception):
    """The leader ended before it answered."""


class Client:
    """An open connection to the leader; use it with `with`.

    leader: what the leader said of itself (pid, version, since).
    """

    def __init__(self, connection: socket.socket, settings: Settings, token: str | None) -> None:
        """Say hello on an open connection; errors as `connect`."""
        self._socket = connection
        self._settings = settings
        self._timeout = connection.gettimeout()
        self._lines = connection.makefile("rb")
        self._calls = 0
        more = {} if token is None else {"token": token}
        session = os.environ.get("CLAUDE_CODE_SESSION_ID")
        try:
            self._send(greeting("client", __version__, cwd=_working_folder(), session=session, **more))
            self.leader = self._receive()
        except LeaderLeft as error:
            self.close()
            raise NoLeader from error
        except BaseException:
            self.close()
            raise
        refusal = _refusal(self.leader)
        if refusal is not None:
            self.close()
            raise LeaderUnavailable(refusal)

    @classmethod
    def to(cls, settings: Settings, timeout: float = ANSWER_SECONDS) -> Self:
        """Connect to the leader of a home; `timeout` seconds of silence are too many.

        Raises:
            NoLeader: nobody listens there.
            LeaderUnavailable: the leader does not answer, or refuses; the message says which and why.
        """
        try:
            connection, token = connect(settings)
        except OSError as error:
            raise NoLeader from error
        connection.settimeout(timeout)
        return cls(connection, settings, token)

    def call(self, name: str, arguments: Mapping[str, Any], emit: Emit, silence: float | None = None) -> Any:
        """Call one method and return its result; `emit` gets what is reported on the way.

        Raises:
            SessionBuddyError: what the leader answered, as the class it named.
            LeaderLeft: the connection ended first.
            LeaderUnavailable: the leader was silent for `silence` seconds.
        """
        self._calls += 1
        self._socket.settimeout(silence or self._timeout)
        self._send(encode({"id": self._calls, "call": name, "arguments": arguments}))
        while True:
            answer = self._receive()
            if "result" in answer:
                return answer["result"]
            if "error" in answer:
                raise error_of(answer["error"])
            emit(answer)

    def close(self) -> None:
        """End the connection."""
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _send(self, line: bytes) -> None:
        try:
            self._socket.sendall(line + b"\n")
        except TimeoutError as error:
            raise self._silent() from error
        except OSError as error:
            raise LeaderLeft from error

    def _receive(self) -> dict[str, Any]:
        try:
            line = self._lines.readline()
        except TimeoutError as error:
            raise self._silent() from error
        except OSError as error:
            raise LeaderLeft from error
        if not line.endswith(b"\n"):
            raise LeaderLeft
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise LeaderUnavailable(
                f"what listens at the leader's address of {self._settings.home} is no session-buddy."
            )
        return answer

    def _silent(self) -> LeaderUnavailable:
        pid = getattr(self, "leader", {}).get("pid") or leader_notice(self._settings).get("pid")
        who = f"the leader (process {pid})" if pid else "the leader"
        return LeaderUnavailable(
            f"{who} of {self._settings.home} did not answer for {self._socket.gettimeout():g} s; "
            "it may be stopped or overloaded. 'session-buddy doctor' looks into it."
        )


def _refusal(leader: Mapping[str, Any]) -> str | None:
    """Why the leader and this command cannot talk; None if they can."""
    if leader.get("session_buddy") == "leader" and leader.get("wire") == WIRE:
        return None
    if leader.get("session_buddy") == "leader":
        return (
            f"the leader (process {leader.get('pid')}) is session-buddy {leader.get('version')} and does not "
            f"understand this command, which is {__version__}. Restart the agent's windows."
        )
    return str(leader.get("message", "the leader refused this command."))


def _working_folder() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:
        return None  # it was removed under us; nothing here depends on it


def error_of(error: Mapping[str, Any]) -> SessionBuddyError:
    """The leader's error as the class that it named, as far as there is one here."""
    kind = getattr(errors, str(error.get("kind")), SessionBuddyError)
    if not (isinstance(kind, type) and issubclass(kind, SessionBuddyError)):
        kind = SessionBuddyError
    return kind(str(error.get("message")))
