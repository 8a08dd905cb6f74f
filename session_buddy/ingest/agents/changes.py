"""Carrying plans out: files change as a whole or not at all, and what they held before is kept.

What each file held before the install lies, byte for byte, in the home (`installed/<agent>.json`). An
uninstall gives that back where the file is still as the install left it; where the user or the agent
changed it since, only our entries are taken out.
"""

import base64
import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from session_buddy.ingest.agents.protocol import Change


@dataclass(frozen=True, slots=True)
class Kept:
    """What a file held before an install (None: there was no file), and the digest of what it got."""

    before: bytes | None
    after_digest: str


def read_file(path: Path) -> bytes | None:
    """The file's bytes, None if there is none.

    Raises:
        ConfigurationError: it is there and cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {error.strerror or error}. Nothing was changed; correct that and try again."
        ) from error


def install(settings: Settings, agent: str, changes: Sequence[Change]) -> None:
    """Carry out what `plan_install` of an adapter said, and keep what was there.

    Raises:
        ConfigurationError: a file changed since the plan was made or cannot be written. The message
            names it; files before it in the plan are done.
    """
    kept, folders = dict(kept_files(settings, agent)), list(_made_folders(settings, agent))
    for change in changes:
        _refuse_if_changed(change)
        kept[str(change.path)] = _keep(kept.get(str(change.path)), change)
        folders += [str(folder) for folder in reversed(change.path.parents) if not folder.exists()]
        _save(settings, agent, kept, folders)  # first: a backup without an install harms nobody
        _carry_out(change)


def uninstall(settings: Settings, agent: str, changes: Sequence[Change]) -> None:
    """Carry out what `plan_uninstall` said, and drop what was kept; errors as `install`.

    Folders that an install made go, too, if they are empty by then.
    """
    for change in changes:
        _refuse_if_changed(change)
        _carry_out(change)
    for folder in reversed(_made_folders(settings, agent)):
        with suppress(OSError):  # it is gone, or somebody else's files lie in it
            Path(folder).rmdir()
    _record(settings, agent).unlink(missing_ok=True)


def restored(
    settings: Settings, agent: str, path: Path, without_ours: Callable[[bytes], bytes | None]
) -> tuple[bytes | None, bytes | None]:
    """(what the file holds, what it should hold once nothing of ours is in it).

    without_ours: takes our entries out of bytes that were changed since the install; it gives bytes
    without such entries back as they are.
    """
    current = read_file(path)
    if current is None:
        return None, None
    kept = kept_files(settings, agent).get(str(path))
    if kept is not None and kept.after_digest == _digest(current):
        return current, None if kept.before is None else without_ours(kept.before)
    return current, without_ours(current)


def kept_files(settings: Settings, agent: str) -> Mapping[str, Kept]:
    """What the last install kept, by path; empty if there was none.

    Raises:
        ConfigurationError: the record is damaged.
    """
    document = _kept(settings, agent)
    try:
        return {
            name: Kept(None if entry["before"] is None else base64.b64decode(entry["before"]), entry["after"])
            for name, entry in document["files"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(_record(settings, agent)) from error


def _made_folders(settings: Settings, agent: str) -> Sequence[str]:
    """Folders that installs made, outer ones first; an install of an earlier version did not note them."""
    folders = _kept(settings, agent).get("folders", [])
    if not isinstance(folders, list) or not all(isinstance(folder, str) for folder in folders):
        raise _damaged(_record(settings, agent))
    return folders


def _kept(settings: Settings, agent: str) -> dict[str, Any]:
    data = read_file(_record(settings, agent))
    if data is None:
        return {"files": {}}
    try:
        document = json.loads(data)
    except ValueError as error:
        raise _damaged(_record(settings, agent)) from error
    if not isinstance(document, dict):
        raise _damaged(_record(settings, agent))
    return document


def _damaged(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path}, which holds what was there before the install, is damaged. Remove it; an uninstall "
        "then takes out only session-buddy's entries."
    )


def _keep(known: Kept | None, change: Change) -> Kept:
    """An install on top of an untouched install keeps the file from before both."""
    after = _digest(change.after or b"")
    if known is not None and change.before is not None and known.after_digest == _digest(change.before):
        return Kept(known.before, after)
    return Kept(change.before, after)


def _refuse_if_changed(change: Change) -> None:
    if read_file(change.path) != change.before:
        raise ConfigurationError(
            f"{change.path} was changed by another program just now; nothing was written to it. Try again."
        )


def _carry_out(change: Change) -> None:
    target = Path(os.path.realpath(change.path))  # a link, as dotfile collections use them, stays a link
    try:
        if change.after is None:
            target.unlink(missing_ok=True)
        else:
            _replace(target, change.after)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {change.path}: {error.strerror or error}. It is as it was; make it and its folder "
            "writable, then try again."
        ) from error


def _replace(target: Path, data: bytes) -> None:
    """Write a file so that everybody sees the old or the new one, whole, with the mode it had."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(mode)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _record(settings: Settings, agent: str) -> Path:
    return Path(settings.home, "installed", f"{agent}.json")


def _save(settings: Settings, agent: str, kept: Mapping[str, Kept], folders: Sequence[str]) -> None:
    path = _record(settings, agent)
    files = {
        name: {
            "before": None if entry.before is None else base64.b64encode(entry.before).decode("ascii"),
            "after": entry.after_digest,
        }
        for name, entry in kept.items()
    }
    try:
        Path(settings.home).mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(path, json.dumps({"files": files, "folders": folders}, indent=1).encode())
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {path}: {error.strerror or error}. Nothing was installed; make {settings.home} "
            "writable, then try again."
        ) from error


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
