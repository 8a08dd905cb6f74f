"""The drill in short: windows of the product record while leaders and relays are killed."""

import subprocess
import sys

import pytest

from tests.relay.conftest import CHECKOUT

pytestmark = pytest.mark.slow


def test_kills_at_random_lose_nothing_and_repeat_nothing() -> None:
    command = [sys.executable, "-m", "bench.drill", "--records", "120", "--kills", "8"]
    run = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=110)
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "lost 0, duplicates 0, never acknowledged 0" in run.stdout
