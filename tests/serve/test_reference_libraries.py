"""The libraries that the methods were compared with stay out of the server, even where they are installed."""

import os
import re
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.storage.test_every_tool import CALLS
from tests.support.live import ask, free_port
from tests.support.stdio_client import StdioClient
from tests.support.waiting import wait_for

REFERENCES = {"pandas", "river", "scipy", "sklearn", "statsmodels"}
OF_A_PACKAGE = re.compile(r"^import time:.*\| +(\w+)\.[\w.]+$", re.MULTILINE)
"""A module within a package: of pandas alone the attempts of DuckDB stand there, which we let fail."""
CHECKOUT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_server_that_was_asked_everything_has_imported_no_reference_library(tmp_path: Path) -> None:
    assert find_spec("scipy"), "it could be imported"
    port, log = free_port(), tmp_path / "imports"
    environ = os.environ | {
        "SESSION_BUDDY_HOME": str(tmp_path / "home"),
        "SESSION_BUDDY_PORT": str(port),
        "CLAUDE_CONFIG_DIR": str(tmp_path / "claude"),
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONPROFILEIMPORTTIME": "1",
    }
    with StdioClient([sys.executable, "-m", "session_buddy", "serve"], env=environ, stderr=log) as window:
        window.handshake()
        for number in range(120):
            report = {
                "skill_name": f"skill-{number % 3}",
                "completed": number % 7 != 0,
                "duration_seconds": 5,
            }
            window.call("record_skill_invocation", report | {"session_id": f"s{number // 6}"})
        asked = {tool for tool, _ in CALLS}
        assert asked == {tool["name"] for tool in window.request("tools/list")["tools"]}
        answered = {tool for tool, given in CALLS if not window.call(tool, dict(given))["isError"]}
        assert answered >= asked - {"get_skill_trend", "get_skill_dependencies", "describe_skill"}
        for skill_tool in ("get_skill_trend", "get_skill_dependencies", "describe_skill"):
            assert not window.call(skill_tool, {"skill_name": "skill-1"})["isError"]
        for page in ("/", "/metrics"):
            wait_for(partial(_served, port, page), f"{page} is served")
        loaded = set(OF_A_PACKAGE.findall(log.read_text()))
    assert {"duckdb", "mcp", "session_buddy"} <= loaded, "imports are seen"
    assert not loaded & REFERENCES


def _served(port: int, page: str) -> bool:
    try:
        status, _, _ = ask(port, f"GET {page} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    except OSError:
        return False
    return status == 200
