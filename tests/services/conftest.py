"""Real services over a real store and real journals, folding only when a test says so."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from session_buddy.ingest.archive import JournalArchive
from session_buddy.ingest.journal import JournalFile
from session_buddy.ingest.journal_tail import JournalReader
from session_buddy.ingest.live_spans import LiveSpans
from session_buddy.ingest.recorded_sessions import TranscriptFiles
from session_buddy.ingest.redaction import redact
from session_buddy.ingest.transcripts import Reading
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.values import Caller
from session_buddy.services import Folder, Keeper, Recorder, Reporter
from session_buddy.services.keeping import Identity
from session_buddy.services.record import Record
from session_buddy.storage.duckdb_store import DuckDBStore
from tests.support.events import START


def hashed(text: str) -> str:
    return f"hash of {len(text)} {text[::-1]}"


def keep_query(text: str) -> tuple[str | None, str, int]:
    return None, hashed(text), len(text)


@dataclass
class Clock:
    """A clock that the test moves."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def pass_seconds(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Home:
    """One home's services; nothing folds unless it is asked to."""

    root: Path
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        places = [str(self.root / name) for name in ("journal", "archive", "quarantine")]
        self.store: SkillsStorageProtocol = DuckDBStore(":memory:", hashed)
        self.store.open()
        tail = JournalReader(*places, self.store.journal_offsets())
        self.journal = JournalFile(places[0], tail.appended)
        self.archive = JournalArchive(places[1], places[0], places[2])
        self.record = Record(self.store, tail, self.clock)
        transcripts = TranscriptFiles(Reading(keep_query))
        self.folder = Folder(self.record, self.journal, transcripts, 1.0, self.clock)
        self.recorder = Recorder(
            self.journal, self.record, LiveSpans(keep_query), redact, keep_query, self.clock
        )
        self.reporter = Reporter(self.record, self.clock, self.recorder.session_of)
        identity = Identity("0", 1, str(self.root), START)
        self.keeper = Keeper(
            self.record, self.folder, self.journal, self.archive, hashed, self.clock, identity
        )


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.journal.close()
    made.store.close()


@pytest.fixture
def caller() -> Caller:
    return Caller(connection_id="c1", session_id="morning", project="/home/ada/shop")
