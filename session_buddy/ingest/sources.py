"""What there is to import: the files below the given paths, and what each of them is."""

import gzip
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from session_buddy.ingest.exported import RUNS
from session_buddy.ingest.jsonl import is_compressed
from session_buddy.ingest.recorded_sessions import reader_of
from session_buddy.ingest.transcripts import parse_line, subagent_files

Kind = Literal["transcript", "export"]

HEAD_BYTES: Final = 4 * 1024 * 1024
"""Bytes of a file in which something must be recognised."""
_STEP: Final = 64 * 1024
_TOLD_EVERY: Final = 2_000
"""Names between two words on how far a search is: some hundredths of a second."""
_SUFFIXES: Final = (".jsonl", ".jsonl.gz")
_RECORD_TYPES: Final = frozenset(
    (
        "user", "assistant", "system", "summary", "progress", "attachment", "file-history-snapshot",
        "queue-operation", "mode", "permission-mode", "last-prompt", "pr-link", "custom-title", "agent-name",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that was not imported, or not wholly, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Source:
    """A file to import; of a session's transcript, the main file, with its subagents' files as `parts`."""

    path: Path
    kind: Kind
    parts: tuple[Path, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the file and its parts; 0 for one that has gone."""
        return sum(_size(path) for path in (self.path, *self.parts))


def find_sources(
    paths: Sequence[Path], looking: Callable[[int], None] = lambda _names: None
) -> Iterator[Source | Skipped]:
    """Every transcript and export below `paths`, and every path that is neither, with the reason.

    A directory is searched for `*.jsonl` and `*.jsonl.gz`; a file that is named is taken by its content.
    looking: told now and then how many names were looked at in the directory that is being searched.
    """
    seen: set[Path] = set()
    for path in paths:
        for candidate in _below(path, looking):
            if isinstance(candidate, Skipped):
                yield candidate
            elif candidate not in seen:
                seen.add(candidate)
                yield recognise_file(candidate)


def recognise_file(path: Path) -> Source | Skipped:
    """What a file is, by its content."""
    try:
        if not path.is_file():
            missing = "it is not a regular file" if path.exists() else "it does not exist"
            return Skipped(str(path), missing)
        kind = _kind(path)
    except EOFError:
        return Skipped(str(path), "its compressed data is cut off before the first record")
    except (gzip.BadGzipFile, zlib.error):
        return Skipped(str(path), "its compressed data is damaged")
    except OSError as error:
        return Skipped(str(path), f"it cannot be read: {error.strerror or error}")
    if kind not in {"transcript", "export"}:
        return Skipped(str(path), kind)
    parts = tuple(subagent_files(path)) if kind == "transcript" else ()
    return Source(path, "transcript" if kind == "transcript" else "export", parts)


def _below(path: Path, looking: Callable[[int], None]) -> Iterator[Path | Skipped]:
    if not path.is_dir():
        yield path.absolute()
        return
    problems: list[Skipped] = []

    def note(error: OSError) -> None:
        problems.append(Skipped(str(error.filename), f"it cannot be read: {error.strerror or error}"))

    found = looked_at = told = 0
    for folder, folders, names in os.walk(path.absolute(), onerror=note):
        folders.sort()
        looked_at += len(names)
        if looked_at - told >= _TOLD_EVERY:
            told = looked_at
            looking(looked_at)
        for name in sorted(names):
            candidate = Path(folder, name)
            if name.endswith(_SUFFIXES) and not _has_main(candidate):
                found += 1
                yield candidate
    yield from problems
    if not found and not problems:
        yield Skipped(str(path), "no *.jsonl or *.jsonl.gz file is in this folder or below it")


def _has_main(path: Path) -> bool:
    """A subagent's file is read with its session's main file, if that is there."""
    if path.parent.name != "subagents":
        return False
    session = path.parent.parent
    return any(session.with_name(session.name + suffix).is_file() for suffix in _SUFFIXES)


def _kind(path: Path) -> str:
    """`transcript`, `export`, or the reason why it is neither."""
    head = b""
    looked = 0
    with gzip.open(path, "rb") if is_compressed(path) else path.open("rb") as file:
        while len(head) < HEAD_BYTES and (chunk := file.read(_STEP)):
            if b"\0" in chunk and not head:
                return "it is a binary file"
            head += chunk
            *lines, rest = head[looked:].split(b"\n")
            for line in lines:
                looked += len(line) + 1
                kind = _kind_of_line(line)
                if kind:
                    return kind
        ended = len(head) < HEAD_BYTES
        rest = head[looked:]
    if not head.strip():
        return "it is empty"
    if not ended and not looked:
        return f"its first line is longer than {HEAD_BYTES // 2**20} MB, which no transcript's is"
    return (
        ended and _kind_of_line(rest)
    ) or "it holds neither records of a transcript nor exported invocations"


def _kind_of_line(line: bytes) -> str | None:
    value = parse_line(line) if line.lstrip()[:1] == b"{" else None
    if not isinstance(value, dict):
        return None
    if value.get("kind") in RUNS:
        return "export"
    if "v" in value and "kind" in value and "occurred_at" in value:
        return "it is a journal of session-buddy; `session-buddy rebuild` reads those"
    if isinstance(value.get("skill_name"), str):
        return "export"
    if reader_of(value) is not None:
        return "transcript"
    named = value.get("type")
    recorded = isinstance(named, str) and (named in _RECORD_TYPES or "sessionId" in value)
    return "transcript" if recorded else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
