"""What the journal acknowledges is on the disk, and every reader finds it once."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from session_buddy.errors import JournalError
from session_buddy.ingest.archive import JournalArchive, archive_if_done
from session_buddy.ingest.journal import JournalFile
from session_buddy.ingest.journal_tail import JournalReader
from session_buddy.models.events import JournalEvent, SkillEvent
from session_buddy.models.ids import time_ordered_id

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE and modes are POSIX")


def event(skill_name: str = "greet") -> SkillEvent:
    return SkillEvent(
        kind="reported",
        id=time_ordered_id(),
        invocation_id=time_ordered_id(),
        skill_name=skill_name,
        session_id="s1",
        source="mcp",
        authority=30,
        occurred_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )


class Home:
    """The directories of one home, and a reader over them."""

    def __init__(self, root: Path) -> None:
        self.journal, self.archive, self.quarantine = (
            str(root / name) for name in ("journal", "archive", "bad")
        )

    def reader(self, offsets: dict[str, int] | None = None) -> JournalReader:
        return JournalReader(self.journal, self.archive, self.quarantine, offsets or {})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_appended_events_are_read_in_order_and_once(home: Home) -> None:
    journal, reader = JournalFile(home.journal), home.reader()
    first, second = event("a"), event("b")
    journal.append([first])
    assert reader.poll() == [first]
    journal.append([second])
    assert reader.poll() == [second]
    assert reader.poll() == []


def test_a_reader_that_starts_at_an_offset_sees_only_what_came_after(home: Home) -> None:
    journal, reader = JournalFile(home.journal), home.reader()
    journal.append([event()])
    reader.poll()
    offsets = dict(reader.take(10).offsets)
    later = event()
    journal.append([later])
    assert home.reader(offsets).poll() == [later]


def test_what_this_process_wrote_is_taken_in_once_without_being_read(home: Home) -> None:
    reader = home.reader()
    journal, other = JournalFile(home.journal, reader.appended), JournalFile(home.journal)
    mine, theirs, third = event("mine"), event("theirs"), event("mine again")
    journal.append([mine])
    other.append([theirs])
    assert reader.own() == [mine]
    journal.append([third])
    assert sorted(said.skill_name for said in reader.poll()) == ["mine again", "theirs"]
    assert reader.own() == reader.poll() == []
    batch = reader.take(10)
    assert (reader.read_lines, reader.folded_lines) == (3, 0)
    assert {
        name: os.path.getsize(os.path.join(home.journal, name)) for name in batch.offsets
    } == batch.offsets
    reader.folded(batch)
    assert (reader.read_lines, reader.folded_lines) == (3, 3)


def test_what_was_read_before_its_writer_told_of_it_counts_once(home: Home) -> None:
    reader, told = home.reader(), []
    journal = JournalFile(home.journal, lambda *about: told.append(about))
    first, second = event("a"), event("b")
    journal.append([first])
    assert reader.poll() == [first]
    reader.appended(*told[0])
    journal.append([second])
    reader.appended(*told[1])
    assert reader.poll() == [second]


def test_a_journal_that_appears_in_a_folder_long_left_alone_is_found(home: Home) -> None:
    os.makedirs(home.journal)
    os.utime(home.journal, (1_700_000_000, 1_700_000_000))
    reader = home.reader()
    assert reader.poll() == []
    said = event()
    JournalFile(home.journal).append([said])
    assert reader.poll() == [said]


def test_a_torn_last_line_waits_for_its_end(home: Home) -> None:
    os.makedirs(home.journal)
    path = Path(home.journal) / "x.jsonl"
    whole = event().model_dump_json().encode() + b"\n"
    path.write_bytes(whole[:40])
    reader = home.reader()
    assert reader.poll() == []
    path.write_bytes(whole)
    assert len(reader.poll()) == 1


def test_garbage_is_quarantined_with_its_reason_and_what_follows_is_read(home: Home) -> None:
    journal, reader = JournalFile(home.journal), home.reader()
    good = event()
    journal.append_lines(["{ not json", '{"v":1,"kind":"nonsense"}'])
    journal.append([good])
    assert reader.poll() == [good]
    assert reader.rejected == 2
    kept = sorted(Path(home.quarantine).iterdir())
    assert len(kept) == 2
    assert b"{ not json" in kept[0].read_bytes()


def test_a_journal_is_archived_only_when_it_is_folded_and_its_owner_let_it_go(home: Home) -> None:
    journal, reader = JournalFile(home.journal), home.reader()
    said = event()
    journal.append([said])
    reader.poll()
    assert reader.archive_done() == []
    reader.folded(reader.take(10))
    assert reader.archive_done() == [], "its owner holds it"
    journal.close()
    assert len(reader.archive_done()) == 1
    assert os.listdir(home.journal) == []
    assert list(JournalArchive(home.archive, home.journal, home.quarantine).events()) == [said]


def test_a_journal_that_grew_meanwhile_is_not_archived(home: Home) -> None:
    journal = JournalFile(home.journal)
    journal.append([event()])
    assert journal.name is not None
    size = os.path.getsize(os.path.join(home.journal, journal.name))
    name = journal.name
    journal.append([event()])
    journal.close()
    assert not archive_if_done(home.journal, home.archive, name, size)
    assert os.listdir(home.journal) == [name]


def test_rewriting_removes_events_from_archives_and_closed_journals(home: Home) -> None:
    journal, reader = JournalFile(home.journal), home.reader()
    journal.append([event("keep"), event("drop")])
    reader.poll()
    reader.folded(reader.take(10))
    journal.close()
    reader.archive_done()
    journal.append([event("drop")])
    journal.close()
    archive = JournalArchive(home.archive, home.journal, home.quarantine)

    def keep(event: JournalEvent) -> bool:
        return isinstance(event, SkillEvent) and event.skill_name == "keep"

    assert archive.rewrite(keep) == 2
    assert [event.skill_name for event in archive.events() if isinstance(event, SkillEvent)] == ["keep"]
    assert all(b"drop" not in path.read_bytes() for path in Path(home.journal).iterdir())


@POSIX
def test_journals_are_readable_by_their_user_alone(home: Home) -> None:
    journal = JournalFile(home.journal)
    journal.append([event()])
    assert journal.name is not None
    assert os.stat(home.journal).st_mode & 0o777 == 0o700
    assert os.stat(os.path.join(home.journal, journal.name)).st_mode & 0o777 == 0o600


@pytest.mark.slow
@POSIX
def test_a_full_disk_acknowledges_nothing_and_leaves_no_half_line(home: Home) -> None:
    program = """
import resource, signal, sys
from tests.journal.test_journal import event
from session_buddy.errors import JournalError
from session_buddy.ingest.journal import JournalFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
journal, written = JournalFile(sys.argv[1]), 0
try:
    while True:
        journal.append([event()])
        written += 1
except JournalError as error:
    print(written, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, home.journal], capture_output=True, text=True, check=True, timeout=60
    )
    written, message = done.stdout.split(" ", 1)
    assert "free disk space" in message
    assert len(home.reader().poll()) == int(written) > 0
    data = next(Path(home.journal).iterdir()).read_bytes()
    assert data.endswith(b"\n")


def test_an_unwritable_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be")
    with pytest.raises(JournalError, match="Nothing was recorded"):
        JournalFile(str(tmp_path / "journal")).append([event()])
