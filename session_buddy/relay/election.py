"""Who leads: the holder of an exclusive lock on one file, and nobody else.

The kernel lets the lock go when its holder dies, however it dies, so there is nothing to time out and
nothing to steal. The file is apart from the database, whose own lock is lost by any `close` of it.
"""

import json
import os
import sys
import time
from typing import Any

from session_buddy import __version__
from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from session_buddy.private_files import private_directory, remove, remove_folder, write_private
from session_buddy.wire import WIRE, encode

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class Election:
    """One process's attempts to lead one home. Not thread-safe: one thread attempts and resigns."""

    def __init__(self, settings: Settings, command: str | None = None) -> None:
        """command: what leads for the time that it takes, as a person typed it; None for a server."""
        self._settings = settings
        self._command = command
        self._descriptor: int | None = None

    @property
    def leading(self) -> bool:
        """Whether this process holds the lock."""
        return self._descriptor is not None

    def attempt(self) -> bool:
        """Lead, if nobody does. True means that this process holds the lock now and has said so.

        Raises:
            ConfigurationError: the home cannot be used; the message names the remedy.
        """
        if self._descriptor is not None:
            return True
        private_directory(self._settings.home)
        try:
            descriptor = _lock(self._settings.lock)
            if descriptor is None:
                return False
            self._descriptor = descriptor
            remove_folder(self._settings.spill)  # of a leader that was killed
            self._announce()
        except OSError as error:
            self.resign()
            raise ConfigurationError(
                f"cannot write to the home {self._settings.home}: {error.strerror or error}. "
                "Make it writable or free disk space there, or set SESSION_BUDDY_HOME to another directory."
            ) from error
        return True

    def resign(self) -> None:
        """Let others lead, leaving no file of this leadership behind; harmless when not leading."""
        self.remove_files()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def remove_files(self) -> None:
        """Remove the files of this leadership, the lock still held; harmless when not leading.

        Who opened the lock's file before sees that its name is gone, and opens anew.
        """
        if self.undisputed():
            remove_folder(self._settings.spill)  # DuckDB's own clean-up may not have had the time
            remove(self._settings.leader_file, f"{self._settings.leader_file}.new")
            if sys.platform != "win32":
                remove(self._settings.lock)

    def undisputed(self) -> bool:
        """Whether the lock that is held is the one that others try; not so once its file was removed."""
        return self._descriptor is not None and _still_named(self._descriptor, self._settings.lock)

    def _announce(self) -> None:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        address = self._settings.socket if self._settings.transport == "unix" else self._settings.token_file
        about = {
            "pid": os.getpid(),
            "version": __version__,
            "wire": WIRE,
            "since": since,
            "transport": self._settings.transport,
            "address": address,
        }
        if self._command is not None:
            about["command"] = self._command
        write_private(self._settings.leader_file, encode(about))


def leader_notice(settings: Settings) -> dict[str, Any]:
    """What the leader wrote about itself; empty if there is none or it cannot be read.

    A killed leader leaves it behind, so it tells where to look, not that anybody leads.
    """
    try:
        with open(settings.leader_file, "rb") as file:
            about = json.loads(file.read(65536).decode("utf-8"))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def command_at_work(settings: Settings) -> str | None:
    """The command that leads, in words, by what it wrote about itself; None if a server leads, or nobody."""
    about = leader_notice(settings)
    if not isinstance(about.get("command"), str):
        return None
    return f"`{about['command']}` (process {about.get('pid')}, since {about.get('since')})"


def _lock(path: str) -> int | None:
    """A descriptor that holds the lock of the file that bears this name; None if another holds it.

    Children do not inherit it (PEP 446), so none can keep the lock after this process is gone.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            locked = _try_lock(descriptor)
            current = locked and _still_named(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        if current:
            return descriptor
        os.close(descriptor)
        if not locked:
            return None


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _still_named(descriptor: int, path: str) -> bool:
    """Whether the locked file is the one that others open: a leader that left has removed its own."""
    try:
        named = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), named)
