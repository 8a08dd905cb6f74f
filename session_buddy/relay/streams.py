"""The client's two streams, taken away from everything else that runs in this process."""

import os
import sys
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread

from session_buddy.wire import Frames

_READ_BYTES = 64 * 1024


def claim_standard_streams() -> tuple[int, int]:
    """Descriptors of the client's stdin and stdout; in their place, stdin is empty and stdout is stderr.

    So a library that prints cannot tear the protocol, and nothing else reads the client's requests.
    """
    if sys.platform == "win32":
        import msvcrt  # the other systems have no text mode to leave

        for descriptor in (0, 1):
            msvcrt.setmode(descriptor, os.O_BINARY)
    client_in, client_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # started without stderr
        os.dup2(nothing, 1)
    os.close(nothing)
    return client_in, client_out


def read_lines(descriptor: int, on_line: Callable[[bytes | None], None]) -> None:
    """Call `on_line` with each line until the stream ends; None stands for one that is too long."""
    frames = Frames()
    try:
        while data := os.read(descriptor, _READ_BYTES):
            for line in frames.feed(data):
                if line is None or line.strip():
                    on_line(line)
    except OSError:
        return  # a terminal or pipe that was torn away has ended, too


class Output:
    """Lines to the client. `write` waits for a slow client, `post` never waits.

    on_broken: called once, from any thread, when the client reads no more.
    """

    def __init__(self, descriptor: int, on_broken: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._on_broken = on_broken
        self._lock = Lock()
        self._broken = False
        self._posted: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = Thread(target=self._write_posted, name="to client", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Write one line, after those that others are writing."""
        view = memoryview(line + b"\n")
        with self._lock:
            if self._broken:
                return
            try:
                while view:
                    view = view[os.write(self._descriptor, view) :]
            except OSError:
                self._broken = True
                self._on_broken()

    def post(self, line: bytes) -> None:
        """Write one line soon."""
        self._posted.put(line)

    def flush(self, patience: float) -> None:
        """Wait up to `patience` seconds until the client has what was posted; nothing is posted after it."""
        self._posted.put(None)
        self._thread.join(patience)

    def _write_posted(self) -> None:
        while (line := self._posted.get()) is not None:
            self.write(line)
