"""What an agent's transcript says a moment after everybody had looked for the last time."""

from pathlib import Path

import pytest

from session_buddy.ingest.recorded_sessions import SessionFolder, TranscriptFiles
from session_buddy.ingest.transcripts import Reading
from session_buddy.models.answers import Invocation
from session_buddy.models.values import Window
from session_buddy.services import Folder
from tests.services.conftest import Home, keep_query
from tests.support.records import BEGAN, Conversation
from tests.support.waiting import wait_for


@pytest.fixture
def talk(tmp_path: Path) -> Conversation:
    """A conversation that is at a tool call inside a skill's span."""
    made = Conversation()
    made.prompt()
    made.skill("toolu_1", "deploy")
    made.call("toolu_2", "Bash", command="sleep 30")
    (tmp_path / "session-1.jsonl").write_bytes(made.lines())
    return made


def folder_of(home: Home) -> Folder:
    """The folder of a new leader in the home; it has read nothing yet."""
    home.clock.at = BEGAN
    transcripts = TranscriptFiles(Reading(keep_query), [SessionFolder(home.root, "{id}.jsonl")])
    return Folder(home.record, home.journal, transcripts, 0.05, home.clock)


def only_use(home: Home) -> Invocation:
    [[use]] = home.store.invocations(Window(None, None))
    return use


def told(home: Home) -> tuple[str | None, str | None]:
    return only_use(home).outcome, only_use(home).error_type


@pytest.mark.slow
def test_a_leader_looks_again_after_a_window_has_gone(home: Home, talk: Conversation) -> None:
    leader = folder_of(home)
    leader.start()
    leader.session_left("session-1")
    try:
        wait_for(lambda: any(home.store.invocations(Window(None, None))), "the use is folded")
        assert told(home) == ("abandoned", "session_ended")
        talk.interrupt()
        (home.root / "session-1.jsonl").write_bytes(talk.lines())
        wait_for(lambda: told(home) == ("abandoned", "interrupted"), "the interruption is seen")
    finally:
        leader.stop()


def test_who_answers_one_question_sees_first_how_a_session_really_ended(
    home: Home, talk: Conversation
) -> None:
    last = folder_of(home)
    last.session_left("session-1")
    last.stop()
    assert told(home) == ("abandoned", "session_ended")
    talk.interrupt()
    (home.root / "session-1.jsonl").write_bytes(talk.lines())
    command = folder_of(home)
    command.look_back()
    home.record.catch_up()
    assert told(home) == ("abandoned", "interrupted")


def test_looking_back_takes_nothing_to_be_over_and_journals_nothing_twice(
    home: Home, talk: Conversation
) -> None:
    first = folder_of(home)
    first.look_at("session-1")
    home.record.catch_up()
    assert told(home) == (None, None)
    written = journaled(home)
    folder_of(home).look_back()
    assert (told(home), journaled(home)) == ((None, None), written)
    talk.end_turn()
    talk.prompt()
    (home.root / "session-1.jsonl").write_bytes(talk.lines())
    folder_of(home).look_back()
    home.record.catch_up()
    assert told(home) == ("completed", None)
    assert len(journaled(home)) == len(written) + 1


def test_what_waits_to_be_folded_still_waits_after_looking_back(home: Home, talk: Conversation) -> None:
    folder_of(home).look_at("session-1")
    folder_of(home).look_back()
    assert home.store.counts()["skill_event"] == 0
    home.record.catch_up()
    assert home.store.counts()["skill_event"] == 1


def test_a_session_of_this_morning_is_left_to_the_next_leader(home: Home, talk: Conversation) -> None:
    last = folder_of(home)
    last.session_left("session-1")
    last.stop()
    talk.interrupt()
    (home.root / "session-1.jsonl").write_bytes(talk.lines())
    command = folder_of(home)
    home.clock.pass_seconds(4 * 3600)
    command.look_back()
    home.record.catch_up()
    assert told(home) == ("abandoned", "session_ended")
    leader = folder_of(home)
    leader.resume_unfinished()
    leader.stop()
    assert told(home) == ("abandoned", "interrupted")


def journaled(home: Home) -> list[bytes]:
    files = sorted((home.root / "journal").glob("*.jsonl"))
    return [line for path in files for line in path.read_bytes().splitlines()]
