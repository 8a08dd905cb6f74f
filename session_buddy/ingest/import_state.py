"""How far each file has been imported, so that an import goes on where it was stopped.

The state says only what the journal has acknowledged. If it is lost or damaged, the import begins again;
events that the record knows change nothing.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from session_buddy.errors import JournalError
from session_buddy.ingest.sources import Source

READER: Final = 1
"""Version of what is read from a file; files imported by another version are read again."""
_HEAD: Final = 4096


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one file was imported when it looked like `identity`.

    identity: of the file and its parts; begins: of its first line. Acknowledged are offset and lines of an
    export, events of a transcript. done: all of it.
    """

    identity: str
    begins: str
    size: int
    offset: int = 0
    lines: int = 0
    events: int = 0
    done: bool = False
    reader: int = READER


class ImportState:
    """The state file, held in memory between saves."""

    def __init__(self, path: Path) -> None:
        """path: `import-state.json` in the home; what cannot be read of it counts as not imported."""
        self._path = path
        self._files: dict[str, Progress] = {}
        for name, entry in _read(path).items():
            try:
                self._files[name] = Progress(**entry)
            except TypeError:
                continue

    def before(self, source: Source, now: Progress) -> Progress | None:
        """What was imported of a file that is now as `now` says; None if it is new or another file."""
        then = self._files.get(str(source.path))
        if then is None or then.reader != READER or then.begins != now.begins or then.size > now.size:
            return None
        if then.identity == now.identity:
            return then
        return then if source.kind == "export" else None

    def save(self, files: Mapping[Path, Progress]) -> None:
        """Take note of files whose events are acknowledged, and put the state on the disk.

        Raises:
            JournalError: the disk did not take it.
        """
        self._files |= {str(path): progress for path, progress in files.items()}
        text = json.dumps({name: asdict(progress) for name, progress in self._files.items()})
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            new.replace(self._path)
        except OSError as error:
            raise JournalError(
                f"cannot write {self._path}: {error.strerror or error}. What was imported is recorded; "
                "free disk space or make that folder writable, and import again."
            ) from error


def look_at(source: Source) -> Progress:
    """A file as it is now, nothing of it imported. Raises `OSError` if it cannot be read."""
    digest = hashlib.sha256()
    size = 0
    for path in (source.path, *source.parts):
        found = path.stat()
        size += found.st_size
        digest.update(f"{path.name}\0{found.st_size}\0{found.st_mtime_ns}\0".encode("utf-8", "surrogatepass"))
    with source.path.open("rb") as file:
        head = file.read(_HEAD).split(b"\n", 1)[0]
    begins = hashlib.sha256(head).hexdigest()
    digest.update(begins.encode())
    return Progress(identity=digest.hexdigest(), begins=begins, size=size)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {name: entry for name, entry in value.items() if isinstance(entry, dict)}
