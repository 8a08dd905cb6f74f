"""What `doctor` looks at on this machine and in the files of a home."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from session_buddy.cli.formats import count, size
from session_buddy.cli.home import files_of, require_home, tighten, too_open
from session_buddy.config import Settings
from session_buddy.errors import SessionBuddyError
from session_buddy.ingest.hook import flush_to_disk

OLDEST_PYTHON = (3, 11)
DUCKDB_FROM, DUCKDB_BELOW = (1, 5, 5), (2,)
_SLOW_FLUSH_SECONDS = 0.5
_LITTLE_SPACE = 100_000_000
_CLOCK_TOLERANCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. remedy: what to do. A warning leaves the exit status 0: uses are recorded."""

    check: str
    state: Literal["ok", "repaired", "warning", "problem"]
    detail: str
    remedy: str | None = None


def ok(check: str, detail: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", detail)


def problem(check: str, detail: str, remedy: str) -> Finding:
    """Something is wrong, and what to do about it."""
    return Finding(check, "problem", detail, remedy)


def machine() -> list[Finding]:
    """Versions of what this program stands on."""
    return [_python(), _duckdb()]


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        return problem(
            "python", f"{found} at {sys.executable}", "Install session-buddy with Python 3.11 or newer."
        )
    return ok("python", f"{found} at {sys.executable}")


def _duckdb() -> Finding:
    wanted = f">={'.'.join(map(str, DUCKDB_FROM))},<{DUCKDB_BELOW[0]}"
    try:
        found = version("duckdb")
    except PackageNotFoundError:
        return problem(
            "duckdb", "not installed", f"Install it beside session-buddy: pip install 'duckdb{wanted}'."
        )
    numbers = tuple(int(part) for part in found.split(".") if part.isdigit())
    if not DUCKDB_FROM <= numbers < DUCKDB_BELOW:
        return problem("duckdb", f"{found}, which is outside {wanted}", f"Run: pip install 'duckdb{wanted}'.")
    return ok("duckdb", found)


def files(settings: Settings) -> list[Finding]:
    """The home: there, one's own, writable, durable, with nothing set aside."""
    try:
        require_home(settings)
    except SessionBuddyError as error:
        detail, _, remedy = str(error).partition(". ")
        return [problem("home", detail, remedy)]
    checks: Sequence[Callable[[Settings], Finding]] = (
        _permissions,
        _space,
        _journal,
        _quarantine,
        _clock,
    )
    return [check(settings) for check in checks]


def _permissions(settings: Settings) -> Finding:
    found = too_open(settings)
    if not found:
        return ok("home", f"{settings.home}, readable by you alone")
    refused = tighten(found)
    if refused:
        remedy = f"Run: chmod -R go-rwx {settings.home} (as the owner of {refused[0]})."
        return problem("home", f"others can read {count(len(refused), 'path')}, such as {refused[0]}", remedy)
    return Finding("home", "repaired", f"others could read {count(len(found), 'path')}, such as {found[0]}")


def _space(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.home).free
    if free < _LITTLE_SPACE:
        return problem(
            "disk", f"{size(free)} free at {settings.home}", "Free disk space: a full disk records nothing."
        )
    return ok("disk", f"{size(free)} free")


def _journal(settings: Settings) -> Finding:
    """Write and flush a small file beside the journals, as an acknowledgement does."""
    path = Path(settings.journal, f"doctor-{os.getpid()}.tmp")
    began = time.monotonic()
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, b"x" * 512)
            flush_to_disk(descriptor)
        finally:
            os.close(descriptor)
            path.unlink()
    except OSError as error:
        remedy = (
            f"Make {settings.journal} writable for you and free disk space; until then nothing is recorded."
        )
        return problem("journal", f"cannot be written: {error.strerror or error}", remedy)
    took = time.monotonic() - began
    if took > _SLOW_FLUSH_SECONDS:
        remedy = "Each record waits so long; move the home to a local disk (SESSION_BUDDY_HOME)."
        return problem("journal", f"flushing to the disk takes {took:.1f} s", remedy)
    return ok("journal", f"written and flushed in {took * 1000:.1f} ms")


def _quarantine(settings: Settings) -> Finding:
    found = files_of(settings).quarantined
    if not found:
        return ok("quarantine", "empty")
    remedy = (
        f"Each file in {settings.quarantine} holds a line and why it could not be read. Look at them, then "
        "delete them; nothing else depends on them."
    )
    return problem("quarantine", f"{count(found, 'journal line')} could not be read", remedy)


def _clock(settings: Settings) -> Finding:
    """A file of ours from the future means that the clock was set back since."""
    now = time.time()
    folders = (Path(settings.home), Path(settings.journal), Path(settings.archive))
    paths = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    newest, where = max(((_changed(path), str(path)) for path in paths), default=(0.0, ""))
    if newest > now + _CLOCK_TOLERANCE_SECONDS:
        detail = f"{where} was written {newest - now:.0f} s in the future"
        return problem(
            "clock", detail, "Set the system's clock right; uses recorded meanwhile have its wrong times."
        )
    return ok("clock", time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(now)))


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0  # it went while we looked
