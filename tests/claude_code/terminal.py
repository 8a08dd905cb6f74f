"""Runs Claude Code in a pseudo-terminal, as a person sees it (POSIX only).

Nothing is read off the screen: what has happened is told by the transcript, which is also what is tested.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from .client import ClaudeCode, ClientError

ROWS, COLUMNS = 40, 120


class Terminal:
    """A context manager around one interactive client; it keeps to one conversation."""

    def __init__(self, claude: ClaudeCode, session_id: str) -> None:
        self.claude = claude
        self.session_id = session_id
        self.shown = 0
        """Bytes that the client has drawn: it can take keys once it has drawn its prompt."""

    def __enter__(self) -> Self:
        self._skip_the_welcome()
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        tools = ",".join(self.claude.allowed_tools)
        self.process = subprocess.Popen(
            [str(self.claude.binary), "--session-id", self.session_id, "--allowedTools", tools],
            cwd=self.claude.project,
            env={**self.claude.variables(), "TERM": "xterm-256color"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        threading.Thread(target=self._drain, daemon=True).start()
        self._wait(lambda: self.shown > 0, "start")
        self._settle()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.master)

    def type_prompt(self, text: str) -> None:
        """Type a prompt, press Enter, and wait for the end of the turn."""
        before = self._turns()
        self._type(text)
        self._wait(lambda: self._turns() > before, f"end the turn of {text!r}")
        self._settle()

    def leave(self) -> None:
        """Type `/exit` and wait for the process to end."""
        self._type("/exit")
        self._wait(lambda: self.process.poll() is not None, "leave")

    def _type(self, text: str) -> None:
        os.write(self.master, text.encode())
        # Enter in the same write would be taken for a pasted line break.
        self._settle()
        os.write(self.master, b"\r")

    def _turns(self) -> int:
        with suppress(ClientError):
            return self.claude.transcript(self.session_id).read_text().count('"turn_duration"')
        return 0

    def _settle(self) -> None:
        """Wait until the client has drawn nothing for a second."""
        shown = -1
        while shown != self.shown:
            shown = self.shown
            time.sleep(1.0)

    def _wait(self, condition: Callable[[], bool], purpose: str) -> None:
        deadline = time.monotonic() + self.claude.timeout
        while not condition():
            if time.monotonic() > deadline:
                raise ClientError(f"the client in the terminal did not {purpose}")
            time.sleep(0.05)

    def _drain(self) -> None:
        with suppress(OSError):  # the terminal is gone when the client is
            while chunk := os.read(self.master, 65536):
                self.shown += len(chunk)

    def _skip_the_welcome(self) -> None:
        """Answer beforehand what the client asks a new user: theme, key and trust in the folder."""
        path = self.claude.home / ".claude.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        answers = {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "customApiKeyResponses": {"approved": [self.claude.variables()["ANTHROPIC_API_KEY"][-20:]]},
            "projects": {str(self.claude.project): {"hasTrustDialogAccepted": True}},
        }
        path.write_text(json.dumps({**known, **answers}))
