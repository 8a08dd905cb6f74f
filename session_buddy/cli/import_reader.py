"""The process that reads a large import, seen from the command that folds beside it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import IO, Any, Self

from session_buddy.cli.client import error_of
from session_buddy.config import Settings
from session_buddy.errors import JournalError
from session_buddy.ingest.import_process import INTERRUPTED
from session_buddy.ingest.importing import ImportProgress, ImportSummary
from session_buddy.ingest.sources import Skipped

WORTH_A_PROCESS_BYTES = 16 * 1024 * 1024
"""What is smaller is read sooner than a second Python starts."""
WORTH_A_PROCESS_FILES = 20_000
WORTH_FOLDING_EVENTS = 20_000
"""With so many in its journal, the reader stays far enough ahead that they need not be parsed one by one."""
_END_SECONDS = 5.0


def worth_a_process(paths: Sequence[Path]) -> bool:
    """Whether there is so much to read that a process of its own pays."""
    size = 0
    for number, file in enumerate(_below(paths)):
        if number >= WORTH_A_PROCESS_FILES:
            return True  # to look for what there is takes long, and is done where its progress is told
        try:
            size += file.stat().st_size if ".json" in file.name or file in paths else 0
        except OSError:
            continue  # whoever reads it will say so
        if size >= WORTH_A_PROCESS_BYTES:
            return True
    return False


def _below(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
        for folder, _, names in os.walk(path):
            yield from (Path(folder, name) for name in names)


class ImportReader:
    """Reads paths into a journal of its own. Use it with `with`; what is left of it ends with the block."""

    def __init__(
        self,
        settings: Settings,
        paths: Sequence[Path],
        told: Callable[[ImportProgress], None],
        *,
        again: bool,
        claude: Path | None,
    ) -> None:
        """told: called by a thread with each progress; the rest as `Importer` takes it."""
        self._told = told
        self._ended = Event()
        self._worth_folding = Event()
        self._last: dict[str, Any] = {}
        self._read = self._folded = 0
        package = str(Path(__file__).parents[2])
        found = os.environ.get("PYTHONPATH")
        with _without_ctrl_c() as flags:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "session_buddy.ingest.import_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                env=os.environ | {"PYTHONPATH": os.pathsep.join([package, *filter(None, [found])])},
                creationflags=flags,
            )
        self._to, self._from = _pipes(self._process)
        asked = {
            "settings": list(settings),
            "paths": [str(path) for path in paths],
            "again": again,
            "claude": claude and str(claude),
        }
        with suppress(OSError):  # it has ended already; `summary` says how
            self._to.write(json.dumps(asked) + "\n")
            self._to.flush()
        self._thread = Thread(target=self._listen, name="session-buddy-import", daemon=True)
        self._thread.start()

    @property
    def reading(self) -> bool:
        """Whether it is still at work."""
        return not self._ended.is_set()

    def wait_until_worth_folding(self, seconds: float) -> bool:
        """Wait for so long at most until much is read since this was last true, or all; whether it is."""
        if not self._worth_folding.wait(seconds):
            return False
        self._folded = self._read
        self._worth_folding.clear()
        return True

    def summary(self) -> ImportSummary:
        """What it found, when it has ended.

        Raises:
            SessionBuddyError: what stopped it.
            KeyboardInterrupt: Ctrl-C did.
        """
        self._thread.join()
        status = self._process.wait()
        if "summary" in self._last:
            found = self._last["summary"]
            return ImportSummary(**found | {"skipped": tuple(Skipped(**each) for each in found["skipped"])})
        if "error" in self._last:
            raise error_of(self._last["error"])
        if status == INTERRUPTED:
            raise KeyboardInterrupt
        raise JournalError(
            f"the process that reads what is imported ended with status {status}. What it had read is "
            "recorded; the same command goes on from there."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        """Have it end if it has not, the batch under way written: its stdin ends."""
        with suppress(OSError):
            self._to.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join()
        self._from.close()

    def _listen(self) -> None:
        try:
            for line in self._from:
                try:
                    self._last = json.loads(line)
                except ValueError:
                    break  # it was killed in the middle of a word
                if "progress" in self._last:
                    progress = ImportProgress(**self._last["progress"])
                    self._told(progress)
                    self._read = progress.events
                    if self._read - self._folded >= WORTH_FOLDING_EVENTS:
                        self._worth_folding.set()
        finally:
            self._ended.set()
            self._worth_folding.set()


@contextmanager
def _without_ctrl_c() -> Iterator[int]:
    """What starts in this block never hears of Ctrl-C: it would stop in any place, while it is only starting.

    Gives the flags that say the same on Windows.
    """
    if sys.platform == "win32":
        yield subprocess.CREATE_NEW_PROCESS_GROUP
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield 0
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pipes(process: "subprocess.Popen[str]") -> tuple[IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None:
        raise AssertionError
    return process.stdin, process.stdout
