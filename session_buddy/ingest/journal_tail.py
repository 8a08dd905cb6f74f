"""Reading the journals of all processes: what was acknowledged, and what of it is not folded yet.

Only the leader reads. A journal is read from the offset that the database holds for it, so a fold that
commits the events and the offset together takes each line exactly once. A line that is no event goes to
the quarantine, where a person can look at it, and is counted; it never stops what comes after it.

A journal that is far behind, as after an import, is not parsed here at all: its lines are handed out as they
stand, for a store that can take them so, which costs a third of the time and a tenth of the memory.
"""

import logging
import os
import re
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import RLock

from pydantic import ValidationError

from session_buddy.ingest.archive import archive_if_done
from session_buddy.models.events import JournalEvent, parse_event
from session_buddy.models.values import Batch, Lines

_log = logging.getLogger(__name__)

READ_BYTES = 4 * 1024 * 1024
BACKLOG_BYTES = 2 * READ_BYTES
"""What is further behind than this was not written by somebody at work."""
BESIDE_BACKLOG_BYTES = 256 * 1024
"""The same, where another journal is that far behind: an import begins a new one now and then."""
QUARANTINE_LIMIT = 1_000
"""Files kept in the quarantine; further bad lines are only counted, so that garbage cannot fill a disk."""
_KEPT_UNREAD = 1_000
"""Events of this process that wait unread for a poll; more go by the disk, as an import's have to."""
_SETTLED_NANOSECONDS = 2_000_000_000
"""More than the tick of any file system's times."""

_AS_WRITTEN = re.compile(
    rb"(?:\{\"v\":1,\"id\":\"[0-9a-f-]{36}\",\"occurred_at\":\"[0-9T:.-]{19,32}Z\",[ -~\x80-\xff]*\}\n)+"
)
"""Lines as `to_line` makes them."""


@dataclass(slots=True)
class _Position:
    """How far a journal is read and folded; up to where it goes as it stands, and has to be parsed."""

    read: int
    folded: int
    backlog_end: int = 0
    careful_end: int = 0

    def is_behind(self, size: int, allowed: int) -> bool:
        """Whether what comes next is part of a backlog: of more than `allowed` bytes, not all done yet."""
        if self.read < self.careful_end:
            return False
        if size - self.read > allowed:
            self.backlog_end = size
        return self.read < self.backlog_end


@dataclass(frozen=True, slots=True)
class _Line:
    journal: str
    end: int
    event: JournalEvent | None


class JournalReader:
    """Tails every journal of a home. Thread-safe.

    rejected: lines that were no events, since this reader was made.
    """

    def __init__(self, journal: str, archive: str, quarantine: str, offsets: Mapping[str, int]) -> None:
        """journal, archive, quarantine: directories. offsets: journal file name -> bytes already folded."""
        self._journal = journal
        self._archive = archive
        self._quarantine = quarantine
        self._lock = RLock()
        self._positions = {name: _Position(offset, offset) for name, offset in offsets.items()}
        self._lines: deque[_Line] = deque()
        self._unread: list[_Line] = []
        self._listed: tuple[int, list[str]] | None = None
        self._told: set[str] = set()
        self.rejected = 0
        self.read_lines = 0
        self.backlogged = False
        self.cut_short = False

    @property
    def pending(self) -> int:
        """Lines that were read and are not folded."""
        return len(self._lines)

    @property
    def folded_lines(self) -> int:
        """How many of the lines that were read are folded."""
        return self.read_lines - len(self._lines)

    def appended(self, name: str, begin: int, events: Sequence[tuple[JournalEvent, int]]) -> None:
        """Take in what this process wrote: events, so many bytes each, at that offset of its journal.

        They are taken in without being read again, where nothing stands between; otherwise `poll` reads them.
        """
        with self._lock:
            position = self._positions.setdefault(name, _Position(0, 0))
            if position.read == begin and len(events) + len(self._unread) <= _KEPT_UNREAD:
                for event, size in events:
                    position.read += size
                    self._unread.append(_Line(name, position.read, event))

    def own(self) -> list[JournalEvent]:
        """Events that `appended` took in since the last call."""
        with self._lock:
            found = [line.event for line in self._unread if line.event is not None]
            self._take_in(self._unread)
            self._unread.clear()
            return found

    def poll(self) -> Sequence[JournalEvent]:
        """Events that appeared since the last call, at most some 4 MB of them; see `behind`."""
        with self._lock:
            found = self.own()
            budget = READ_BYTES
            self.backlogged = self.cut_short = False
            for name, size in self._sizes():
                position = self._positions.setdefault(name, _Position(0, 0))
                if position.is_behind(size, BESIDE_BACKLOG_BYTES if self.backlogged else BACKLOG_BYTES):
                    self.backlogged = True
                elif size > position.read:
                    begin, part = position.read, min(budget, size - position.read)
                    found.extend(self._read(name, position, part) if part > 0 else ())
                    read = position.read - begin
                    self.cut_short = self.cut_short or part <= 0 or (read > 0 and begin + part < size)
                    budget -= read
            return found

    def quiet(self) -> bool:
        """Whether `poll` would find nothing; False too while another thread reads, so it waits for none."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return not self._unread and all(
                name in self._positions and size == self._positions[name].read for name, size in self._sizes()
            )
        finally:
            self._lock.release()

    def behind(self) -> int:
        """Bytes in the journals that `poll` has not read yet: more than a torn tail means a backlog."""
        with self._lock:
            return sum(
                max(0, size - (self._positions[name].read if name in self._positions else 0))
                for name, size in self._sizes()
            )

    def take_lines(self) -> Lines | None:
        """The next lines of a journal that is far behind, as they stand; None if none is."""
        with self._lock:
            for name, size in self._sizes():
                position = self._positions.setdefault(name, _Position(0, 0))
                if position.read == position.folded and position.is_behind(size, BACKLOG_BYTES):
                    lines = self._lines_of(name, position)
                    if lines is not None:
                        return lines
            return None

    def lines_done(self, lines: Lines, *, folded: bool) -> None:
        """The lines are committed; or, if not `folded`, `poll` has to read them with care."""
        with self._lock:
            position = self._positions[lines.journal]
            if folded:
                position.read = position.folded = lines.end
            else:
                position.careful_end = lines.end

    def _lines_of(self, name: str, position: _Position) -> Lines | None:
        with open(os.path.join(self._journal, name), "rb") as file:
            file.seek(position.read)
            data = file.read(min(READ_BYTES, position.backlog_end - position.read))
        whole = data[: data.rfind(b"\n") + 1]
        text = whole.decode("utf-8", "ignore") if _AS_WRITTEN.fullmatch(whole) else ""
        if not text:  # a torn tail, one immense line, or garbage
            position.careful_end = position.read + max(1, len(whole))
            return None
        return Lines(name, position.read, position.read + len(whole), text)

    def take(self, limit: int) -> Batch:
        """The oldest `limit` lines that are read and not folded, with the offsets after them."""
        with self._lock:
            lines = [self._lines[index] for index in range(min(limit, len(self._lines)))]
        return Batch(
            events=tuple(line.event for line in lines if line.event is not None),
            offsets={line.journal: line.end for line in lines},
        )

    def folded(self, batch: Batch) -> None:
        """The batch that `take` gave is committed."""
        with self._lock:
            for name, offset in batch.offsets.items():
                self._positions[name].folded = offset
            while self._lines and self._lines[0].end <= self._positions[self._lines[0].journal].folded:
                self._lines.popleft()

    def archive_done(self) -> list[str]:
        """Archive the journals that are folded to their end and that nobody writes; returns their names."""
        with self._lock:
            candidates = [
                (name, position.folded)
                for name, position in self._positions.items()
                if position.folded == position.read
            ]
        done = [name for name, size in candidates if self._archived(name, size)]
        with self._lock:
            for name in done:
                self._positions.pop(name, None)
        return done

    def _archived(self, name: str, size: int) -> bool:
        """Archive one journal; one that cannot be moved stays where it is, and is tried again."""
        try:
            return archive_if_done(self._journal, self._archive, name, size)
        except OSError as error:
            if name not in self._told:
                self._told.add(name)
                _log.warning("the journal %s cannot be archived yet: %s", name, error)
            return False

    def restart(self, offsets: Mapping[str, int]) -> None:
        """Read every journal again from these offsets; others from their beginning."""
        with self._lock:
            self._lines.clear()
            self._unread.clear()
            self._positions = {name: _Position(offset, offset) for name, offset in offsets.items()}

    def _sizes(self) -> list[tuple[str, int]]:
        """Names and sizes of the journals, in order."""
        found = []
        for name in self._names():
            try:
                found.append((name, os.stat(os.path.join(self._journal, name)).st_size))
            except FileNotFoundError:  # archived since it was listed
                self._listed = None
        return found

    def _names(self) -> list[str]:
        """The journals. A directory whose time is as it was when it was listed is not listed again.

        Its time moves in ticks, so that is only true of one that had been left alone for a while by then.
        """
        try:
            changed = os.stat(self._journal).st_mtime_ns
            if self._listed is None or self._listed[0] != changed:
                names = sorted(name for name in os.listdir(self._journal) if name.endswith(".jsonl"))
                settled = abs(time.time_ns() - changed) > _SETTLED_NANOSECONDS
                self._listed = (changed if settled else -1, names)
        except FileNotFoundError:
            return []
        return self._listed[1]

    def _read(self, name: str, position: _Position, size: int) -> list[JournalEvent]:
        with open(os.path.join(self._journal, name), "rb") as file:
            file.seek(position.read)
            data = file.read(size)
            if b"\n" not in data and len(data) == size:
                data += file.readline()  # one line longer than the budget is still read whole
        whole = data[: data.rfind(b"\n") + 1]
        found = []
        end = position.read
        for line in whole.splitlines(keepends=True):
            end += len(line)
            event = self._parse(name, end - len(line), line.strip()) if line.strip() else None
            self._take_in([_Line(name, end, event)])
            if event is not None:
                found.append(event)
        position.read = end
        return found

    def _take_in(self, lines: Sequence[_Line]) -> None:
        self._lines.extend(lines)
        self.read_lines += len(lines)

    def _parse(self, name: str, offset: int, line: bytes) -> JournalEvent | None:
        try:
            return parse_event(line)
        except ValidationError as error:
            self.rejected += 1
            self._set_aside(f"{name}-{offset}.txt", line, str(error))
            return None

    def _set_aside(self, file_name: str, line: bytes, reason: str) -> None:
        """Keep a bad line with the reason; the name makes a second reading of it the same file."""
        os.makedirs(self._quarantine, mode=0o700, exist_ok=True)
        if len(os.listdir(self._quarantine)) >= QUARANTINE_LIMIT:
            return
        path = os.path.join(self._quarantine, file_name)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(line + b"\n" + reason.encode("utf-8", "replace") + b"\n")
