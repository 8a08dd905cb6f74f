"""The client of the leader's socket, against a leader that says what the test wants."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from session_buddy import errors
from session_buddy.cli.client import Client, LeaderLeft, NoLeader
from session_buddy.config import Settings
from session_buddy.errors import LeaderUnavailable
from session_buddy.wire import WIRE
from tests.cli.scripted_leader import HELLO, Answer, ScriptedLeader, answering


@pytest.fixture(params=["unix", "tcp"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return Settings(home=str(tmp_path), transport=request.param)


@pytest.fixture
def lead(settings: Settings) -> Iterator[Callable[[Answer], ScriptedLeader]]:
    leaders: list[ScriptedLeader] = []

    def start(answer: Answer) -> ScriptedLeader:
        leaders.append(ScriptedLeader(settings, answer))
        return leaders[-1]

    yield start
    for leader in leaders:
        leader.close()


def _nothing(_report: dict[str, Any]) -> None:
    raise AssertionError("nothing was to be reported")


def test_both_say_hello_and_a_call_gets_its_result(
    settings: Settings, lead: Callable[[Answer], ScriptedLeader]
) -> None:
    leader = lead(answering({"id": 1, "result": {"a": 1}}))
    with Client.to(settings) as client:
        assert client.leader["pid"] == 42
        assert client.call("status", {"x": "y"}, _nothing) == {"a": 1}
    hello, call = leader.heard
    assert (hello["session_buddy"], hello["wire"], hello["pid"]) == ("client", WIRE, os.getpid())
    assert hello.get("token") == ("secret" if settings.transport == "tcp" else None)
    assert call == {"id": 1, "call": "status", "arguments": {"x": "y"}}


def test_what_is_reported_on_the_way_comes_in_order_before_the_result(
    settings: Settings, lead: Callable[[Answer], ScriptedLeader]
) -> None:
    lead(
        answering({"id": 1, "progress": {"events": 1}}, {"id": 1, "lines": "{}\n"}, {"id": 1, "result": None})
    )
    reports: list[dict[str, Any]] = []
    with Client.to(settings) as client:
        assert client.call("export", {}, reports.append) is None
    assert [list(report)[1] for report in reports] == ["progress", "lines"]


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("NotFound", errors.NotFound),
        ("InvalidInput", errors.InvalidInput),
        ("StorageError", errors.StorageError),
        ("SomethingNewer", errors.SessionBuddyError),
        ("annotations", errors.SessionBuddyError),
    ],
)
def test_an_error_of_the_leader_is_raised_as_what_it_is(
    settings: Settings, lead: Callable[[Answer], ScriptedLeader], kind: str, raised: type[Exception]
) -> None:
    lead(answering({"id": 1, "error": {"kind": kind, "message": "no such skill."}}))
    with Client.to(settings) as client, pytest.raises(raised, match=r"^no such skill\.$") as caught:
        client.call("describe_skill", {}, _nothing)
    assert type(caught.value) is raised


def test_where_nobody_listens_there_is_no_leader(settings: Settings) -> None:
    with pytest.raises(NoLeader):
        Client.to(settings)


def test_a_leader_that_hangs_up_at_once_is_none(
    settings: Settings, lead: Callable[[Answer], ScriptedLeader]
) -> None:
    lead(lambda _line: [])
    with pytest.raises(NoLeader):
        Client.to(settings)


def test_a_leader_that_goes_away_before_it_answered_has_left(
    settings: Settings, lead: Callable[[Answer], ScriptedLeader]
) -> None:
    lead(answering())
    with Client.to(settings) as client, pytest.raises(LeaderLeft):
        client.call("status", {}, _nothing)


@pytest.mark.slow
def test_half_an_answer_is_none(settings: Settings, lead: Callable[[Answer], ScriptedLeader]) -> None:
    lead(answering(b'{"id": 1, "resu'))
    with Client.to(settings, timeout=0.3) as client, pytest.raises(LeaderUnavailable, match="did not answer"):
        client.call("status", {}, _nothing)


@pytest.mark.slow
def test_a_silent_leader_is_named_after_the_time_that_it_had(
    settings: Settings, lead: Callable[[Answer], ScriptedLeader]
) -> None:
    lead(lambda line: [HELLO] if "session_buddy" in line else [b" "])
    with (
        Client.to(settings) as client,
        pytest.raises(LeaderUnavailable, match=r"process 42.*for 0.2 s") as caught,
    ):
        client.call("status", {}, _nothing, silence=0.2)
    assert "doctor" in str(caught.value)


@pytest.mark.parametrize(
    ("greeting", "said"),
    [
        ({"session_buddy": "error", "message": "only its owner may connect."}, "only its owner may connect"),
        (HELLO | {"wire": WIRE + 1, "version": "9.9.9"}, r"9\.9\.9"),
        ([1, 2], "no session-buddy"),
        (b"HTTP/1.1 400 Bad Request\r\n", "no session-buddy"),
    ],
)
def test_whoever_cannot_be_talked_to_is_refused_with_the_reason(
    settings: Settings, lead: Callable[[Answer], ScriptedLeader], greeting: Any, said: str
) -> None:
    lead(lambda _line: [greeting])
    with pytest.raises(LeaderUnavailable, match=said):
        Client.to(settings)
