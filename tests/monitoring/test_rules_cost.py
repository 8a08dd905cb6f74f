"""What the rules cost the Prometheus that evaluates them."""

from pathlib import Path

import pytest

from bench.rules import BOUND_MS, evaluations
from tests.support.waiting import promised


@pytest.mark.alone
@pytest.mark.slow
def test_all_rules_are_evaluated_within_the_bound_at_two_hundred_skills(
    prometheus_binary: Path, promtool: Path, tmp_path: Path
) -> None:
    """The quickest of several evaluations: what the rules cost, not what else the machine does meanwhile."""
    assert min(evaluations(prometheus_binary, promtool, tmp_path)) < promised(BOUND_MS)
