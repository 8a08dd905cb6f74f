"""Everything that records is killed in its course, and what it acknowledged is there once."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def test_whatever_is_killed_every_acknowledged_use_is_there_once_and_metrics_equal_a_recount() -> None:
    command = [sys.executable, "-m", "bench.kill", "--kills", "12"]
    run = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=300)
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
