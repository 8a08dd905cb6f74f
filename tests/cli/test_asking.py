"""Finding whoever answers: the leader, the next one, or this process itself."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from session_buddy.cli.asking import Leader, find_lead
from session_buddy.config import Settings
from session_buddy.errors import LeaderUnavailable, NotFound
from session_buddy.relay.election import Election
from tests.cli.scripted_leader import HELLO, ScriptedLeader, answering


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "journal").mkdir(mode=0o700)
    return Settings(home=str(tmp_path))


@pytest.fixture
def elected(settings: Settings) -> Iterator[Election]:
    """Somebody holds the lead."""
    election = Election(settings)
    assert election.attempt()
    yield election
    election.resign()


@pytest.mark.slow
def test_a_leader_that_is_still_starting_is_waited_for(settings: Settings, elected: Election) -> None:
    started: list[ScriptedLeader] = []
    start = threading.Timer(
        0.2, lambda: started.append(ScriptedLeader(settings, answering({"id": 1, "result": 7})))
    )
    start.start()
    with Leader(settings) as leader:
        assert leader.call("status", {}) == 7
        assert leader.hello is not None
    start.join()
    started[0].close()


@pytest.mark.slow
def test_who_holds_the_lead_and_never_listens_is_named(settings: Settings, elected: Election) -> None:
    with pytest.raises(LeaderUnavailable, match=r"holds the lead of .* for 0\.2 s.*doctor"):
        find_lead(settings, patience=0.2)


@pytest.mark.slow
def test_a_command_that_leads_is_named_and_to_be_waited_for(settings: Settings) -> None:
    other = Election(settings, "session-buddy migrate down")
    assert other.attempt()
    try:
        with pytest.raises(LeaderUnavailable, match=r"^`session-buddy migrate down` .*Wait for it to end"):
            find_lead(settings, patience=0.2)
    finally:
        other.resign()


def test_where_nobody_leads_the_lead_is_won_and_can_be_given_back(settings: Settings) -> None:
    won = find_lead(settings)
    assert isinstance(won, Election)
    assert not Election(settings).attempt()
    won.resign()
    again = Election(settings)
    assert again.attempt()
    again.resign()


def _leaves_at_the_first_call() -> Any:
    calls: list[Any] = []

    def answer(line: dict[str, Any]) -> list[Any]:
        if "session_buddy" in line:
            return [HELLO]
        calls.append(line)
        return [{"id": line["id"], "result": "done"}] if len(calls) > 1 else []

    return answer


def test_a_question_is_asked_again_when_the_leader_goes_away(settings: Settings, elected: Election) -> None:
    scripted = ScriptedLeader(settings, _leaves_at_the_first_call())
    with Leader(settings) as leader:
        assert leader.call("skill_metrics", {}) == "done"
    assert [line["call"] for line in scripted.heard if "call" in line] == ["skill_metrics"] * 2
    scripted.close()


def test_what_must_not_be_done_twice_is_not_repeated(settings: Settings, elected: Election) -> None:
    scripted = ScriptedLeader(settings, _leaves_at_the_first_call())
    with Leader(settings) as leader, pytest.raises(LeaderUnavailable, match="run the command again"):
        leader.call("export", {}, repeatable=False)
    scripted.close()


def test_without_a_record_nobody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Leader(Settings(home=str(tmp_path / "missing")))
    with pytest.raises(NotFound):
        Leader(Settings(home=str(tmp_path)))
