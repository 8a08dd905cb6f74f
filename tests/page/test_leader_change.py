"""The page stays with its home when the process that serves it is killed."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.page.browser import Browser
from tests.page.conftest import is_served
from tests.support.live import free_port
from tests.support.stdio_client import StdioClient
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.node]

CHECKOUT = Path(__file__).parents[2]


def test_the_page_survives_a_change_of_leader(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    environ = os.environ | {
        "SESSION_BUDDY_HOME": str(tmp_path / "home"),
        "SESSION_BUDDY_PORT": str(port),
        "CLAUDE_CONFIG_DIR": str(tmp_path / "claude"),
        "PYTHONPATH": str(CHECKOUT),
    }
    command = [sys.executable, "-m", "session_buddy", "serve"]
    leader = StdioClient(command, env=environ)
    with leader:
        leader.handshake()
        wait_for(lambda: is_served(port), "the leader serves the page")
        with StdioClient(command, env=environ) as window:
            window.handshake()
            leader.call("record_skill_invocation", {"skill_name": "review", "completed": True})
            browser.open(f"http://127.0.0.1:{port}/")
            browser.wait_for_text("#skill-table tbody", "review")
            os.kill(leader.pid, signal.SIGKILL)
            browser.wait_for_text("#status", "Connection lost")
            assert browser.texts("#skill-table tbody a") == ["review"], "the last figures stay"
            window.call("record_skill_invocation", {"skill_name": "deploy", "completed": False})
            browser.wait_for_text("#status", "Live")
            browser.wait_for_text("#skill-table tbody", "deploy")
            assert sorted(browser.texts("#skill-table tbody a")) == ["deploy", "review"]
