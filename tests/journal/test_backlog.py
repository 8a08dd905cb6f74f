"""A journal that is far behind is folded as it stands; what is not plain in it is read with care."""

from pathlib import Path

import pytest

from session_buddy.ingest import journal_tail
from session_buddy.ingest.journal import JournalFile
from session_buddy.ingest.journal_tail import JournalReader
from session_buddy.models.events import SkillEvent
from session_buddy.models.values import ForgetRequest
from session_buddy.services import record
from tests.services.conftest import Home
from tests.support.events import recorded, session_event

COUNT = 60


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some events are a backlog, and few of them are taken at once."""
    monkeypatch.setattr(journal_tail, "READ_BYTES", 4_000)
    monkeypatch.setattr(journal_tail, "BACKLOG_BYTES", 8_000)
    monkeypatch.setattr(record, "CATCH_UP_SECONDS", 60.0)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def uses(count: int = COUNT, **fields: str) -> list[SkillEvent]:
    return [recorded(f"use {number}", number, **fields) for number in range(count)]


def only_journal(home: Home) -> Path:
    return next((home.root / "journal").iterdir())


def reader(home: Home) -> JournalReader:
    places = [str(home.root / name) for name in ("journal", "archive", "quarantine")]
    return JournalReader(*places, {})


def test_the_lines_come_whole_in_order_and_each_once(home: Home) -> None:
    home.journal.append(uses())
    tail = reader(home)
    assert tail.poll() == []
    assert tail.backlogged
    parts = []
    while (lines := tail.take_lines()) is not None:
        assert lines.end - lines.start == len(lines.text.encode()) <= 4_000
        parts.append(lines.text)
        tail.lines_done(lines, folded=True)
    assert "".join(parts) == only_journal(home).read_text()
    assert len(parts) > 3
    assert tail.poll() == []
    assert not tail.backlogged
    assert tail.behind() == 0


def test_lines_that_were_refused_are_polled(home: Home) -> None:
    home.journal.append(uses())
    tail = reader(home)
    tail.poll()
    lines = tail.take_lines()
    assert lines is not None
    tail.lines_done(lines, folded=False)
    assert [event.id for event in tail.poll()][:3] == [event.id for event in uses()][:3]


@pytest.mark.slow
def test_a_backlog_is_in_every_answer_and_counts_once(home: Home) -> None:
    home.journal.append(uses())
    assert home.record.totals("review") is not None
    home.folder.fold_all()
    totals = home.record.totals("review")
    assert totals is not None
    assert totals.invocation_count == COUNT
    home.journal.append(uses(COUNT + 1))
    home.folder.fold_all()
    again = home.record.totals("review")
    assert again is not None
    assert again.invocation_count == COUNT + 1
    assert home.record.tail.pending == 0


@pytest.mark.slow
def test_garbage_in_a_backlog_is_quarantined_and_the_rest_is_folded(home: Home) -> None:
    another = JournalFile(str(home.root / "journal"))  # what its own process wrote is not read again
    another.append(uses())
    another.close()
    path = only_journal(home)
    lines = path.read_bytes().splitlines(keepends=True)
    odd = [b'{"v":1,"kind":"nonsense"}\n', b"\xff\xfe\x00 torn\n", b"x" * 9_000 + b"\n"]
    path.write_bytes(b"".join([*lines[:20], odd[0], *lines[20:40], odd[1], odd[2], *lines[40:], b'{"v":1,']))
    home.folder.fold_all()
    totals = home.record.totals("review")
    assert totals is not None
    assert totals.invocation_count == COUNT
    assert home.record.tail.rejected == len(odd)
    assert len(list((home.root / "quarantine").iterdir())) == len(odd)


@pytest.mark.slow
def test_whatever_else_stands_in_a_backlog_is_folded_too(home: Home) -> None:
    beginnings = [
        session_event("session_started", "morning", 0),
        session_event("session_ended", "morning", 99),
    ]
    home.journal.append([*uses(30), beginnings[0], *uses(COUNT, project="Zürich")[30:], beginnings[1]])
    home.folder.fold_all()
    session = home.store.sessions(1)[0]
    assert (session.started_at, session.ended_at) == (beginnings[0].occurred_at, beginnings[1].occurred_at)
    assert session.invocation_count == COUNT


@pytest.mark.slow
def test_what_is_recorded_during_a_backlog_is_answered_with_it(home: Home) -> None:
    home.journal.append(uses())
    other = JournalFile(str(home.root / "journal"))
    other.append([recorded("meanwhile", 99, outcome="failed")])
    totals = home.record.totals("review")
    assert totals is not None
    assert (totals.invocation_count, totals.failed_count) == (COUNT + 1, 1)
    other.close()


@pytest.mark.slow
def test_a_forgotten_skill_does_not_come_back_by_a_backlog(home: Home) -> None:
    home.journal.append(uses(2))
    home.folder.fold_all()
    home.clock.pass_seconds(3_600)
    home.keeper.forget(ForgetRequest(skill_name="review"))
    home.journal.append(uses())
    home.folder.fold_all()
    assert home.store.counts()["skill_invocation"] == 0


@pytest.mark.slow
def test_an_archive_of_a_backlog_is_complete(home: Home) -> None:
    home.journal.append(uses())
    home.journal.close()
    home.folder.fold_all()
    home.record.archive_done()
    assert [event.id for event in home.archive.events()] == [event.id for event in uses()]


def test_a_journal_that_begins_beside_a_backlog_is_one_of_its_parts(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import goes on in another file now and then, of which there is little at first."""
    monkeypatch.setattr(journal_tail, "BESIDE_BACKLOG_BYTES", 500)
    home.journal.append(uses())
    home.journal.close()
    home.journal.append(uses(5, skill_name="deploy"))
    home.journal.close()
    home.journal.append(uses(1, skill_name="test"))
    tail = reader(home)
    assert [event.skill_name for event in tail.poll()] == ["test"], "the work of others does not wait"
    text = ""
    while (lines := tail.take_lines()) is not None:
        text += lines.text
        tail.lines_done(lines, folded=True)
    assert text.count("\n") == COUNT + 5
