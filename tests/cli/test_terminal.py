"""What only happens in a terminal: questions, progress, Ctrl-C."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest

RECORDINGS = Path(str(files("session_buddy") / "assets" / "demo" / "projects"))
_PATIENCE_SECONDS = 30.0


class Terminal:
    """A command in a terminal of 80 columns; `shown` is all that it has displayed."""

    def __init__(self, words: list[str], environ: Mapping[str, str]) -> None:
        self._own, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "session_buddy", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - nothing else runs in this test's process
        )
        os.close(theirs)
        self.shown = ""

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            assert self._read(), self.shown

    def type(self, keys: str) -> None:
        os.write(self._own, keys.encode())

    def end(self, press: str = "") -> int:
        """Wait for the command's end, pressing a key now and then, as a person would."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        again = time.monotonic()
        while self._read():
            assert time.monotonic() < deadline, self.shown
            if press and time.monotonic() > again:
                self.type(press)
                again = time.monotonic() + 5
        return self._process.wait(_PATIENCE_SECONDS)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._own)

    def _read(self) -> bool:
        """Take what there is to see; False once nothing more can come."""
        if not select.select([self._own], [], [], 0.5)[0]:
            return self._process.poll() is None
        try:
            data = os.read(self._own, 65536)
        except OSError:  # the other end is closed
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def _terminal(words: list[str], environ: Mapping[str, str]) -> Iterator[Terminal]:
    terminal = Terminal(words, environ)
    try:
        yield terminal
    finally:
        terminal.close()


def _take_terminal() -> None:
    """Make the terminal the session's controlling one, by opening it: Ctrl-C is a signal then."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))


@pytest.mark.slow
def test_a_no_deletes_nothing(recorded: Path, environ: dict[str, str]) -> None:
    with _terminal(["forget", "review"], environ) as terminal:
        terminal.wait_for("Delete it? [y/N]")
        assert "the skill review with 3 invocations, from 2026-03-01" in terminal.shown
        assert "cannot be brought back" in " ".join(terminal.shown.split())
        terminal.type("n\n")
        assert terminal.end() == 1
        assert "nothing was changed" in terminal.shown


@pytest.mark.slow
def test_a_yes_deletes(recorded: Path, environ: dict[str, str]) -> None:
    with _terminal(["forget", "review"], environ) as terminal:
        terminal.wait_for("Delete it? [y/N]")
        terminal.type("y\n")
        assert terminal.end() == 0
        assert "Forgotten: 3 invocations." in terminal.shown


@pytest.mark.slow
def test_ctrl_c_at_a_question_ends_the_command_quietly(recorded: Path, environ: dict[str, str]) -> None:
    with _terminal(["forget", "review"], environ) as terminal:
        terminal.wait_for("Delete it? [y/N]")
        # a signal that comes just before the read begins is seen by the next key only
        assert terminal.end(press="\x03") == 130
        assert "Traceback" not in terminal.shown


@pytest.mark.slow
def test_an_import_shows_its_progress(environ: dict[str, str]) -> None:
    with _terminal(["import", str(RECORDINGS)], environ) as terminal:
        terminal.wait_for("importing")
        assert terminal.end() == 0
        assert "uses found" in terminal.shown
