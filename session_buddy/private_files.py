"""Directories and files that only their owner may read. Standard library only, for the relay."""

import os
import stat
import sys

from session_buddy.errors import ConfigurationError


def private_directory(path: str) -> None:
    """Make a directory that only this user can enter; one that others can enter is closed to them.

    Raises:
        ConfigurationError: it cannot be made or written, or it belongs to another user.
    """
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        found = os.stat(path)
    except OSError as error:
        raise ConfigurationError(
            f"cannot make the directory {path}: {error.strerror or error}. "
            "Make its parent writable, or set SESSION_BUDDY_HOME to a directory of your own."
        ) from error
    if sys.platform != "win32":
        _close_to_others(path, found)
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"cannot write to the directory {path}. "
            f"Make it writable (chmod u+rwx {path}), or set SESSION_BUDDY_HOME to another directory."
        )


def _close_to_others(path: str, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise ConfigurationError(
            f"the directory {path} belongs to the user with id {found.st_uid}, not to you. "
            "Set SESSION_BUDDY_HOME to a directory of your own."
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        try:
            os.chmod(path, 0o700)
        except OSError as error:
            raise ConfigurationError(
                f"other users can enter the directory {path}, and that cannot be changed: "
                f"{error.strerror or error}. Run: chmod 700 {path}"
            ) from error


def write_private(path: str, data: bytes) -> None:
    """Replace a file in one step; readers see the old bytes or the new ones, and only the owner reads.

    Meant for files with one writer: the name beside `path` is always the same, so that what a killed
    writer left is overwritten by the next one.

    Raises:
        OSError: the file could not be written; the old one stands.
    """
    beside = f"{path}.new"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
    os.replace(beside, path)


def remove(*paths: str) -> None:
    """Remove files that may be gone already; what cannot be removed is left for the next leader."""
    for path in paths:
        try:
            os.unlink(path)
        except OSError:
            continue


def remove_folder(path: str) -> None:
    """Remove a folder of files, if it is there; what cannot be removed is left for the next leader."""
    try:
        remove(*(entry.path for entry in os.scandir(path)))
        os.rmdir(path)
    except OSError:
        return
