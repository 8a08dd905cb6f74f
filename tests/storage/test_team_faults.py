"""The bench of machines whose server and network fail, small: `python -m bench.team_faults` is the whole."""

from pathlib import Path

import pytest

from bench.team_faults import Work, found_wrong, tried

pytestmark = pytest.mark.slow
HOMES = 8
WORK = Work(records=60, seconds=20.0, outage=0.5)


@pytest.mark.timeout(400)
def test_machines_record_on_while_all_fails_and_nothing_is_lost_or_counted_twice(
    postgres_binaries: Path,
) -> None:
    with tried(postgres_binaries, HOMES, WORK) as (trial, store):
        assert found_wrong(trial, store) == []
        assert store.counts()["skill_invocation"] == HOMES * WORK.records
        assert sum(machine.kills for machine in trial.machines) == 3
        assert len(trial.faults) == 8
