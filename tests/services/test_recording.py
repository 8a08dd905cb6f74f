"""Reports find the use they speak of, are recorded once, and are refused with a reason."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from session_buddy.errors import InvalidInput, NotFound
from session_buddy.models.ids import hashed_id, time_ordered_id
from session_buddy.models.values import Caller
from session_buddy.services import InvocationReport
from tests.services.conftest import Home
from tests.support.events import START, invocation_id, recorded, skill_event


def report(**fields: object) -> InvocationReport:
    return InvocationReport.checked(**{"skill_name": "review", "completed": True} | fields)


@pytest.mark.slow
def test_the_legacy_form_is_enough(home: Home, caller: Caller) -> None:
    said = InvocationReport.checked(skill_name="review", completed=False, duration_seconds=3)
    home.recorder.record_invocation(said, caller)
    [use] = home.reporter.session_analytics("morning", caller).invocations
    assert (use.outcome, use.outcome_source, use.duration_seconds) == ("failed", "reported", 3.0)
    assert use.invoked_at == START - timedelta(seconds=3)


def test_a_report_completes_the_use_that_was_observed(home: Home, caller: Caller) -> None:
    home.journal.append([recorded("a", outcome="failed", error_type="check_failed")])
    home.clock.pass_seconds(300)
    said = home.recorder.record_invocation(report(duration_seconds=1), caller)
    assert (said.attached, said.invocation_id) == (True, invocation_id("a"))
    [use] = home.reporter.session_analytics("morning", caller).invocations
    assert (use.outcome, use.outcome_source) == ("completed", "reported")
    assert use.duration_seconds == 60, "the clock is a better witness of time than an agent"


def test_a_second_report_of_one_use_is_a_use_of_its_own(home: Home, caller: Caller) -> None:
    home.journal.append([recorded("a")])
    home.clock.pass_seconds(70)
    first = home.recorder.record_invocation(report(), caller)
    second = home.recorder.record_invocation(report(), caller)
    assert (first.attached, second.attached) == (True, False)


@pytest.mark.parametrize(("passed", "attached"), [(60 + 599, True), (60 + 601, False)])
def test_a_use_that_ended_ten_minutes_ago_is_not_the_one_reported(
    home: Home, caller: Caller, passed: int, *, attached: bool
) -> None:
    home.journal.append([recorded("a")])
    home.folder.fold_all()
    home.clock.pass_seconds(passed)
    assert home.recorder.record_invocation(report(), caller).attached is attached


def test_another_sessions_use_is_not_the_one_reported(home: Home, caller: Caller) -> None:
    home.journal.append([recorded("a", session_id="evening")])
    assert not home.recorder.record_invocation(report(), caller).attached


def test_a_connections_session_is_the_one_that_its_latest_hook_named(home: Home, caller: Caller) -> None:
    home.recorder.ingest_tool_calls("after-clear", [], caller)
    home.recorder.record_invocation(report(), caller)
    assert home.reporter.session_analytics(None, caller).session_id == "after-clear"


@pytest.mark.slow
@pytest.mark.parametrize("make_key", [lambda: "toolu_01", time_ordered_id, uuid4], ids=["client", "v7", "v4"])
def test_the_same_request_twice_is_recorded_once(
    home: Home, caller: Caller, make_key: Callable[[], object]
) -> None:
    key = str(make_key())
    first = home.recorder.record_invocation(report(request_key=key), caller)
    again = home.recorder.record_invocation(report(request_key=key), caller)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert first.invocation_id == again.invocation_id
    home.folder.fold_all()
    assert home.recorder.record_invocation(report(request_key=key), caller).duplicate
    assert home.reporter.skill_metrics("review").skills[0].invocation_count == 1


def test_a_request_that_an_earlier_leader_recorded_is_told_apart(home: Home, caller: Caller) -> None:
    key = "toolu_02"
    event = skill_event("x", "reported", id=hashed_id("request", key, "reported"))
    home.journal.append([event])
    home.folder.fold_all()
    assert home.recorder.record_invocation(report(request_key=key), caller).duplicate


def test_a_report_may_name_its_invocation(home: Home, caller: Caller) -> None:
    home.journal.append([recorded("a"), recorded("b", 10)])
    said = home.recorder.record_invocation(report(invocation_id=str(invocation_id("a"))), caller)
    assert said.invocation_id == invocation_id("a")


def test_an_unknown_invocation_is_said_so(home: Home, caller: Caller) -> None:
    with pytest.raises(NotFound, match="leave invocation_id out"):
        home.recorder.record_invocation(report(invocation_id=str(uuid4())), caller)


def test_an_invocation_of_another_skill_is_refused(home: Home, caller: Caller) -> None:
    home.journal.append([recorded("a")])
    with pytest.raises(InvalidInput, match="not of 'deploy'"):
        home.recorder.record_invocation(
            report(skill_name="deploy", invocation_id=str(invocation_id("a"))), caller
        )


def test_contradicting_outcomes_are_refused(home: Home, caller: Caller) -> None:
    with pytest.raises(InvalidInput, match="contradicts"):
        home.recorder.record_invocation(report(outcome="failed"), caller)


@pytest.mark.parametrize("offset", [timedelta(hours=1), timedelta(days=-365 * 20)])
def test_a_time_that_cannot_be_is_refused(home: Home, caller: Caller, offset: timedelta) -> None:
    with pytest.raises(InvalidInput, match="invoked_at"):
        home.recorder.record_invocation(report(invoked_at=(START + offset).isoformat()), caller)


def test_a_secret_in_a_report_never_reaches_the_disk(home: Home, caller: Caller) -> None:
    secret = "ghp_" + "a1B2" * 9
    home.recorder.record_invocation(
        report(note=f"used {secret}", query=f"deploy with {secret}", error_type=secret, workflow_step=secret),
        caller,
    )
    home.folder.fold_all()
    home.keeper.fold_now()
    files = [path for path in home.root.rglob("*") if path.is_file()]
    assert files
    assert all(secret.encode() not in path.read_bytes() for path in files)
    [use] = home.reporter.session_analytics("morning", caller).invocations
    assert use.note == "used [redacted:github-token]"


@pytest.mark.slow
def test_a_rating_is_of_the_newest_use_in_the_session(home: Home, caller: Caller) -> None:
    home.journal.append([recorded("a"), recorded("b", 100), recorded("c", 200, session_id="evening")])
    rated = home.recorder.rate("review", 4, "clear", None, caller)
    assert rated.invocation_id == invocation_id("b")
    metrics = home.reporter.skill_metrics("review").skills[0]
    assert (metrics.rating_mean, metrics.rating_count) == (4, 1)


def test_rating_what_was_never_used_is_said_so(home: Home, caller: Caller) -> None:
    with pytest.raises(NotFound, match="record it first"):
        home.recorder.rate("review", 4, None, None, caller)
