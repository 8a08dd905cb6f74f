"""Folded journals, kept compressed: what `rebuild` reads and `forget` rewrites."""

import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from session_buddy.ingest.hook import flush_to_disk, try_lock
from session_buddy.models.events import JournalEvent, parse_event
from session_buddy.private_files import private_directory, remove, write_private

_REBUILDING = "rebuild-under-way"
SHARED_JOURNAL_PREFIX = "hooks-"
"""Journals that short-lived hooks share by day; they may grow until their day is over everywhere."""


def archive_if_done(journal_directory: str, archive_directory: str, name: str, size: int) -> bool:
    """Compress a journal into the archive if it is `size` bytes long and nobody can write to it any more.

    The compressed file is complete under its name before the journal goes, so a crash in between leaves
    both, and the next call ends it.
    """
    path = os.path.join(journal_directory, name)
    if name.startswith(SHARED_JOURNAL_PREFIX) and not _day_is_over(name):
        return False
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        if os.fstat(descriptor).st_size != size or not try_lock(descriptor):
            return False
        if size:
            _compress(path, archive_directory, f"{name}.gz")
        os.unlink(path)
    finally:
        os.close(descriptor)
    return True


class JournalArchive:
    """The archives and, for forgetting, the closed journals of one home."""

    def __init__(self, archive: str, journal: str, quarantine: str) -> None:
        """archive, journal, quarantine: directories."""
        self._archive = archive
        self._journal = journal
        self._quarantine = quarantine

    def events(self) -> Iterator[JournalEvent]:
        """Every archived event, oldest journal first; a line that is no event was set aside when folded."""
        for path in _paths(self._archive, ".jsonl.gz"):
            with gzip.open(path, "rb") as file:
                for line in file:
                    event = _event_of(line)
                    if event is not None:
                        yield event

    def waiting(self) -> Iterator[JournalEvent]:
        """Every event in the journals that are not archived yet, folded or not."""
        for path in _paths(self._journal, ".jsonl"):
            with open(path, "rb") as file:
                for line in file:
                    event = _event_of(line)
                    if event is not None:
                        yield event

    def rewrite(self, keep: Callable[[JournalEvent], bool]) -> int:
        """Remove the events that `keep` does not want; returns how many went.

        Lines that are no events go too: nobody can say what they hold. So does the whole quarantine.
        """

        def wanted(line: bytes) -> bool:
            event = _event_of(line)
            return event is not None and keep(event)

        dropped = sum(rewrite_archive(path, wanted) for path in _paths(self._archive, ".jsonl.gz"))
        dropped += sum(rewrite_journal(path, wanted) for path in _paths(self._journal, ".jsonl"))
        for path in _paths(self._quarantine, ".txt"):
            os.unlink(path)
        return dropped

    def size_bytes(self) -> int:
        """Bytes of all archives."""
        return sum(os.path.getsize(path) for path in _paths(self._archive, ".jsonl.gz"))

    def quarantined(self) -> int:
        """Bad lines that were set aside."""
        return len(_paths(self._quarantine, ".txt"))

    def begin_rebuild(self) -> None:
        """Leave a file that a killed rebuild leaves behind."""
        private_directory(self._archive)
        write_private(os.path.join(self._archive, _REBUILDING), b"")

    def end_rebuild(self) -> None:
        """Remove that file."""
        remove(os.path.join(self._archive, _REBUILDING))

    def rebuild_was_cut_short(self) -> bool:
        """Whether that file is there."""
        return os.path.exists(os.path.join(self._archive, _REBUILDING))


def _event_of(line: bytes) -> JournalEvent | None:
    try:
        return parse_event(line.strip())
    except ValidationError:
        return None


def _paths(directory: str, suffix: str) -> list[str]:
    """Files of a directory; a journal's name begins with its time, so they sort by age."""
    if not os.path.isdir(directory):
        return []
    return sorted(os.path.join(directory, name) for name in os.listdir(directory) if name.endswith(suffix))


def rewrite_archive(path: str, keep: Callable[[bytes], bool]) -> int:
    """Write an archive anew with the lines that `keep` wants; returns how many lines went."""
    dropped = 0
    part = f"{path}.part"
    with gzip.open(path, "rb") as source, _create_compressed(part) as target:
        for line in source:
            if keep(line):
                target.write(line)
            else:
                dropped += 1
    if dropped:
        os.replace(part, path)
    else:
        os.unlink(part)
    return dropped


def rewrite_journal(path: str, keep: Callable[[bytes], bool]) -> int:
    """The same for a journal that is not archived yet, under its lock; returns the lines that went.

    A journal that its owner holds is left alone: the owner must close it first.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        if not try_lock(descriptor):
            return 0
        with open(path, "rb") as source:
            lines = source.readlines()
        kept = [line for line in lines if keep(line)]
        if len(kept) < len(lines):
            part = f"{path}.part"
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
                target.writelines(kept)
                target.flush()
                flush_to_disk(target.fileno())
            os.replace(part, path)
        return len(lines) - len(kept)
    finally:
        os.close(descriptor)


def _compress(path: str, archive_directory: str, name: str) -> None:
    os.makedirs(archive_directory, mode=0o700, exist_ok=True)
    target_path = os.path.join(archive_directory, name)
    part = f"{target_path}.part"
    with open(path, "rb") as source, _create_compressed(part) as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
    os.replace(part, target_path)


@contextmanager
def _create_compressed(path: str) -> Iterator[gzip.GzipFile]:
    """A new gzip file, readable by the user alone, on the disk when the block ends.

    Level 1: an archive is written once, on a user's time.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1, mtime=0) as target:
            yield target
        raw.flush()
        flush_to_disk(raw.fileno())


def _day_is_over(name: str) -> bool:
    """Whether no hook can still write to a day's journal: a day later than it ended anywhere on earth."""
    day = name.removeprefix(SHARED_JOURNAL_PREFIX).removesuffix(".jsonl")
    try:
        last = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return True
    return datetime.now(UTC) > last + timedelta(days=2)
