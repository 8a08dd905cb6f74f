"""What is folded in one go: all that was acknowledged by then, and not for ever what comes meanwhile."""

from session_buddy.models.values import Caller
from session_buddy.services.reports import InvocationReport
from tests.services.conftest import Home


def test_who_records_without_a_pause_does_not_keep_a_fold_going(home: Home, caller: Caller) -> None:
    def record() -> None:
        home.recorder.record_invocation(InvocationReport(skill_name="greet", completed=True), caller)

    home.record.prepare_folds(lambda _events: record())
    record()
    assert home.folder.fold_all()
    home.record.refresh()
    assert home.record.tail.pending == 1
    assert home.record.catch_up()
    metrics = home.reporter.skill_metrics("greet")
    assert metrics.skills[0].invocation_count == 3
