"""What can be seen of a home from outside, without opening the database."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError, NotFound
from session_buddy.private_files import private_directory

_OURS = (
    "journal",
    "archive",
    "leader.lock",
    "hash.key",
    "config.toml",
    "session-buddy.duckdb",
    "hook-errors.log",
    "installed",
)


@dataclass(frozen=True, slots=True)
class Files:
    """Sizes on the disk, in bytes; `journals` are those that are not archived yet."""

    database_bytes: int
    journals: int
    journal_bytes: int
    archives: int
    archive_bytes: int
    quarantined: int


def require_home(settings: Settings) -> None:
    """Refuse to answer from a folder that holds no record, rather than make a mistyped one a home.

    Raises:
        NotFound: there is no such folder, or nothing of ours is in it.
        ConfigurationError: it is no folder, or this user may not read it.
    """
    try:
        there = not set(_OURS).isdisjoint(os.listdir(settings.home))
    except FileNotFoundError:
        there = False
    except NotADirectoryError as error:
        raise ConfigurationError(
            f"the home {settings.home} is no folder. Name one with --home or SESSION_BUDDY_HOME."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"the home {settings.home} cannot be read: {error.strerror or error}. Run this as its owner, or "
            "name a folder of your own with --home or SESSION_BUDDY_HOME."
        ) from error
    owner = os.stat(settings.home).st_uid if there and os.name == "posix" else None
    if owner is not None and owner != os.geteuid():
        raise ConfigurationError(
            f"the home {settings.home} belongs to the user with id {owner}, not to you. Run this as its "
            "owner, or name a folder of your own with --home or SESSION_BUDDY_HOME."
        )
    if not there:
        raise NotFound(
            f"there is no record at {settings.home}. 'session-buddy install claude' or 'session-buddy "
            "import' begins one there; --home or SESSION_BUDDY_HOME names another folder."
        )


def begin_record(settings: Settings) -> None:
    """Make the home, so that commands find a record that is empty, not one that is missing.

    Raises:
        ConfigurationError: it cannot be made or written.
    """
    private_directory(settings.home)
    private_directory(settings.journal)


def files_of(settings: Settings) -> Files:
    """Look at the folders of a home; what is not there counts as empty."""
    journals = _sizes(Path(settings.journal), ".jsonl")
    archives = _sizes(Path(settings.archive), ".gz")
    database = Path(settings.database)
    return Files(
        # By the folder's entries: the file itself is the leader's alone, even to look at.
        database_bytes=sum(_sizes(database.parent, database.name))
        + sum(_sizes(database.parent, ".duckdb.wal")),
        journals=len(journals),
        journal_bytes=sum(journals),
        archives=len(archives),
        archive_bytes=sum(archives),
        quarantined=len(_sizes(Path(settings.quarantine), "")),
    )


def _sizes(folder: Path, ending: str | tuple[str, ...]) -> list[int]:
    try:
        with os.scandir(folder) as entries:
            return [
                entry.stat().st_size for entry in entries if entry.name.endswith(ending) and entry.is_file()
            ]
    except OSError:
        return []


def too_open(settings: Settings) -> list[Path]:
    """Paths under the home that others than its owner may read or write."""
    if os.name != "posix":
        return []  # on Windows a profile's folders are its user's alone
    found = []
    home = Path(settings.home)
    for path in (home, *home.rglob("*")):
        try:
            mode = path.lstat().st_mode
        except OSError:
            continue  # it went while we looked
        if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) & 0o077:
            found.append(path)
    return found


def tighten(paths: Iterable[Path]) -> list[Path]:
    """Take others' permissions away; returns the paths where that was refused."""
    refused = []
    for path in paths:
        try:
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & 0o700)
        except OSError:
            refused.append(path)
    return refused
