"""Writing the journal: append, flush to the disk, only then acknowledge.

Each long-lived process owns one file `<uuid7>.jsonl` and holds its lock as long as it lives, so that the
leader can tell a journal that may still grow from one that a dead process left behind.
"""

import os
import sys
from collections.abc import Callable, Sequence
from threading import Lock

from session_buddy.errors import JournalError
from session_buddy.ingest.hook import flush_to_disk, try_lock
from session_buddy.models.events import JournalEvent, to_line
from session_buddy.models.ids import time_ordered_id

Appended = Callable[[str, int, Sequence[tuple[JournalEvent, int]]], None]
"""(name of the journal, offset of the first event, the events and the bytes of each)."""
ROTATE_BYTES = 64 * 1024 * 1024


class JournalFile:
    """A journal of this process's own: `append` returns when the disk has the events. Thread-safe."""

    def __init__(self, directory: str, appended: Appended | None = None) -> None:
        """directory: where journals lie; made (0700) with the first event.

        appended: told of the events of each `append`, in the order in which they lie there.
        """
        self._directory = directory
        self._appended = appended
        self._lock = Lock()
        self._descriptor: int | None = None
        self._size = 0
        self.name: str | None = None

    def append(self, events: Sequence[JournalEvent]) -> None:
        """Write events durably.

        Raises:
            JournalError: the disk did not take them; none of them is acknowledged.
        """
        self._append([to_line(event) for event in events], events)

    def append_lines(self, lines: Sequence[str]) -> None:
        """Write lines that `to_line` made, durably and in one piece; errors as `append`."""
        self._append(lines, None)

    def _append(self, lines: Sequence[str], events: Sequence[JournalEvent] | None) -> None:
        if not lines:
            return
        encoded = [f"{line}\n".encode("utf-8", "surrogatepass") for line in lines]
        with self._lock:
            try:
                self._write(b"".join(encoded))
            except OSError as error:
                raise JournalError(
                    f"cannot write to the journal in {self._directory}: {error.strerror or error}. "
                    "Nothing was recorded; free disk space or make that folder writable, then try again."
                ) from error
            if self._appended is not None and events is not None and self.name is not None:
                sizes = [len(line) for line in encoded]
                self._appended(self.name, self._size - sum(sizes), list(zip(events, sizes, strict=True)))

    def close(self) -> None:
        """Let the file go, so that the leader may archive it; a later append starts a new one."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
            self._descriptor, self.name, self._size = None, None, 0

    def _write(self, data: bytes) -> None:
        if self._descriptor is not None and self._size > ROTATE_BYTES:
            os.close(self._descriptor)
            self._descriptor = None
        descriptor = self._open() if self._descriptor is None else self._descriptor
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
            flush_to_disk(descriptor)
        except OSError:
            self._take_back(descriptor)
            raise
        self._size += len(data)

    def _take_back(self, descriptor: int) -> None:
        """Remove what was written of a failed call: it must not be read as if it had been acknowledged.

        A disk that refuses even that keeps a torn tail, which readers quarantine; a new file comes next.
        """
        try:
            os.ftruncate(descriptor, self._size)
        except OSError:
            os.close(descriptor)
            self._descriptor = None

    def _open(self) -> int:
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        name = f"{time_ordered_id()}.jsonl"
        path = os.path.join(self._directory, name)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        # Locked before it bears a journal's name: a leader archives a journal that nobody holds.
        descriptor = os.open(f"{path}.new", flags, 0o600)
        try_lock(descriptor)
        os.rename(f"{path}.new", path)
        _flush_directory(self._directory)
        self._descriptor, self.name, self._size = descriptor, name, 0
        return descriptor


def _flush_directory(path: str) -> None:
    if sys.platform == "win32":
        return  # a directory cannot be opened there, and NTFS journals its entries
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
