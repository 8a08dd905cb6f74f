"""What every test gets: an environment without the developer's settings, and the real parts or a reason.

A real part that is not there skips its tests on a developer's machine; with CI set it fails them, so
that a green run never hides a part that was not tried.
"""

import os
import shutil
import signal
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

REAL_PARTS = frozenset(
    {
        "SESSION_BUDDY_CHROMIUM",
        "SESSION_BUDDY_CLAUDE",
        "SESSION_BUDDY_GBSTATS",
        "SESSION_BUDDY_NODE_MODULES",
        "SESSION_BUDDY_POSTGRES",
        "SESSION_BUDDY_SHARED_DATA",
    }
)

# The quick tests try few examples; `make test-rest` tries many of every property, the quick ones' too.
settings.register_profile("quick", deadline=None, print_blob=True, max_examples=25)
settings.register_profile("thorough", deadline=None, print_blob=True, max_examples=200)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# A job in the background of a script starts with Ctrl-C ignored, and what it starts inherits that; the
# programs of the tests are tried as a person starts them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

for _name in [name for name in os.environ if name.startswith("SESSION_BUDDY_") and name not in REAL_PARTS]:
    del os.environ[_name]


@pytest.fixture(autouse=True)
def _home_of_the_test(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test ever reads or writes the developer's own record, whatever it forgets to set."""
    monkeypatch.setenv("SESSION_BUDDY_HOME", str(tmp_path_factory.getbasetemp() / "unset-home"))
    monkeypatch.setenv("SESSION_BUDDY_PORT", "0")  # tests run side by side; who tests the feed names a port


@pytest.fixture(scope="session")
def claude_binary() -> Path:
    """The real Claude Code client."""
    return _real_part("SESSION_BUDDY_CLAUDE", "the claude binary, from npm's @anthropic-ai/claude-code")


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Directory with `.bin/node` (22 or newer), and the packages that `.ci/node/package.json` names."""
    return _real_part("SESSION_BUDDY_NODE_MODULES", "the node_modules that .ci/run installs")


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The real Chromium."""
    return _real_part("SESSION_BUDDY_CHROMIUM", "the chromium binary, from Debian's package")


@pytest.fixture(scope="session")
def postgres_binaries() -> Path:
    """Directory of a PostgreSQL's `postgres` and `initdb`."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if "SESSION_BUDDY_POSTGRES" not in os.environ and debian:
        return debian[-1].parent
    return _real_part("SESSION_BUDDY_POSTGRES", "the folder of `postgres` and `initdb`")


@pytest.fixture(scope="session")
def gbstats_python() -> Path:
    """A Python that has GrowthBook's gbstats."""
    return _real_part("SESSION_BUDDY_GBSTATS", "a Python with gbstats, in an environment of its own")


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Prometheus's own checker."""
    return _real_program("promtool", "prometheus")


@pytest.fixture(scope="session")
def prometheus_binary(promtool: Path) -> Path:
    """The real Prometheus, its checker beside it."""
    return _real_program("prometheus", "prometheus")


@pytest.fixture(scope="session")
def amtool() -> Path:
    """Alertmanager's own checker."""
    return _real_program("amtool", "prometheus-alertmanager")


@pytest.fixture(scope="session")
def alertmanager_binary() -> Path:
    """The real Alertmanager, under the name that Debian gives it."""
    return _real_program("prometheus-alertmanager", "prometheus-alertmanager")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Directory of the real transcripts and event logs that are not committed here."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    if "SESSION_BUDDY_SHARED_DATA" not in os.environ and beside.is_dir():
        return beside
    return _real_part("SESSION_BUDDY_SHARED_DATA", "the folder with the real transcripts")


def _real_part(variable: str, what: str) -> Path:
    value = os.environ.get(variable)
    if not value or not Path(value).exists():
        _missing(f"{variable} does not name {what}")
    return Path(value)


def _real_program(name: str, package: str) -> Path:
    found = shutil.which(name)
    if found is None:
        _missing(f"{name} is not on PATH; Debian's package {package} has it")
    return Path(found)


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; CI has to try it for real")
    pytest.skip(reason)
