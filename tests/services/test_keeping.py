"""Forgetting reaches every copy, and a rebuild gives the same record again."""

from typing import Any

import pytest

from session_buddy.errors import InvalidInput
from session_buddy.models.values import Caller, ForgetRequest, Window
from tests.services.conftest import Home
from tests.support.events import at, installed, recorded, session_event, skill_event


def everything(home: Home) -> dict[str, Any]:
    return {
        "totals": home.store.all_totals(),
        "invocations": [use for batch in home.store.invocations(Window()) for use in batch],
        "sessions": home.store.sessions(100),
        "catalogue": home.store.catalogue(),
        "counts": dict(home.store.counts()),
    }


def fill(home: Home) -> None:
    home.journal.append(
        [session_event("session_started", "morning", 0), installed("review"), installed("unused")]
    )
    home.journal.append(
        [skill_event("a", "started", 1, invoked_at=at(1)), recorded("b", 2, outcome="failed")]
    )
    home.keeper.fold_now()
    home.journal.close()
    home.keeper.fold_now()
    home.journal.append([recorded("a", 3), skill_event("b", "rated", 4, rating=2)])
    home.journal.append([recorded("c", 5, session_id="evening", skill_name="deploy", error_type="timeout")])


@pytest.mark.slow
def test_a_rebuild_from_archives_and_journals_gives_the_same_record(home: Home) -> None:
    fill(home)
    home.folder.fold_all()
    before = everything(home)
    progress: list[int] = []
    home.keeper.rebuild(lambda report: progress.append(report["events"]))
    assert everything(home) == before
    assert progress[-1] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("request_", "gone", "left"),
    [
        (ForgetRequest(session_id="evening"), "deploy", {"review"}),
        (ForgetRequest(skill_name="deploy"), "deploy", {"review"}),
        (ForgetRequest(before=at(5)), None, {"deploy"}),
    ],
)
def test_what_is_forgotten_is_in_no_answer_and_no_file_and_stays_forgotten(
    home: Home, request_: ForgetRequest, gone: str | None, left: set[str]
) -> None:
    fill(home)
    home.clock.pass_seconds(3600)
    assert home.keeper.forget(request_) >= 1
    assert {totals.skill_name for totals in home.store.all_totals()} == left
    fill(home)
    home.keeper.rebuild(lambda _report: None)
    assert {totals.skill_name for totals in home.store.all_totals()} == left
    if gone is not None:
        home.keeper.forget(request_)
        lines = [event.model_dump_json() for event in home.archive.events()]
        assert lines
        assert not [line for line in lines if '"evening"' in line]


@pytest.mark.slow
def test_a_use_after_the_request_counts_again(home: Home, caller: Caller) -> None:
    fill(home)
    home.clock.pass_seconds(3600)
    home.keeper.forget(ForgetRequest(skill_name="deploy"))
    home.journal.append([recorded("new", 7200, skill_name="deploy")])
    assert home.reporter.skill_metrics("deploy").skills[0].invocation_count == 1


def test_a_request_must_name_one_thing(home: Home) -> None:
    with pytest.raises(InvalidInput, match="exactly one"):
        home.keeper.forget(ForgetRequest())
    with pytest.raises(InvalidInput, match="exactly one"):
        home.keeper.forget(ForgetRequest(session_id="a", skill_name="b"))


@pytest.mark.slow
def test_the_status_tells_what_is_pending_and_what_was_folded(home: Home) -> None:
    fill(home)
    before = home.keeper.status()
    assert before.pending_events == 3
    home.folder.fold_all()
    after = home.keeper.status()
    assert (after.pending_events, after.counts["skill_invocation"], after.schema_version) == (0, 3, 4)
