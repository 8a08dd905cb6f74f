"""What a session used before, where the record is larger than what was learned of it."""

from pathlib import Path
from unittest import mock

import pytest

from session_buddy.models.values import Caller
from session_buddy.services import InvocationReport, Services, learned
from session_buddy.services.recommending import Asked
from tests.support.services import open_services

CALLER = Caller(connection_id="c1", session_id="now", project="/shop")


def use(services: Services, session_id: str, *skills: str) -> None:
    for skill in skills:
        report = InvocationReport(skill_name=skill, completed=True, session_id=session_id)
        services.recorder.record_invocation(report, CALLER)


@pytest.mark.slow
def test_of_a_session_that_was_let_go_the_record_is_asked_and_of_a_new_one_it_is_not(tmp_path: Path) -> None:
    with mock.patch.object(learned, "_SESSIONS_KEPT", 2), open_services(tmp_path / "home") as services:
        services.recommender.epsilon = 0.0
        services.recommender.learning.loaded(10)
        for session in ("old", "a", "b"):
            use(services, session, "plan", "test", "commit")
        record = services.recommender._record  # what it reads is what is tested
        record.catch_up()
        storage = record.storage
        with mock.patch.object(
            storage, "session_invocations", side_effect=storage.session_invocations
        ) as reading:
            of_old = services.recommender.suggest(Asked(session_id="old", remember=False), CALLER)
            assert [call.args for call in reading.call_args_list] == [("old",)]
            of_new = services.recommender.suggest(Asked(session_id="new", remember=False), CALLER)
            services.recommender.suggest(Asked(session_id="b", remember=False), CALLER)
            assert reading.call_count == 1
        again = Asked(session_id="old", recent_skills=["plan", "test", "commit"], remember=False)
        told = services.recommender.suggest(again, CALLER).suggestions
    assert [found.reason for found in of_old.suggestions] == [found.reason for found in told]
    assert of_new.suggestions
