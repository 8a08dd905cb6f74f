"""The SDK is imported without what a server over stdio never runs, and is whole all the same."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pydantic
import pytest

from session_buddy.models.fields import BUILT_AT_FIRST_USE
from session_buddy.serve import sdk_imports
from session_buddy.serve.sdk_imports import light_imports

PACKAGE = "deferred_for_a_test"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that counts how often it runs and looks at itself through a part that it imports."""
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "part.py").write_text(f"import {PACKAGE}\nearly = hasattr({PACKAGE}, 'late')\n")
    (folder / "apart.py").write_text("value = 1\n")
    (folder / "__init__.py").write_text(
        "import builtins\nbuiltins.runs_of_a_test.append(1)\nfrom .part import early\nlate = 'late'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("builtins.runs_of_a_test", [], raising=False)
    monkeypatch.setattr(sdk_imports, "PACKAGES", (PACKAGE, "nobody_has_installed_this"))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def _runs() -> int:
    import builtins

    return len(builtins.runs_of_a_test)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("package")
def test_a_submodule_is_imported_without_running_its_package() -> None:
    with light_imports():
        from deferred_for_a_test.apart import value  # type: ignore[import-not-found]
    assert value == 1
    assert _runs() == 0


@pytest.mark.usefixtures("package")
def test_a_deferred_package_runs_once_whoever_looks_first() -> None:
    with light_imports():
        import deferred_for_a_test as module  # type: ignore[import-not-found]
    seen: list[str] = []
    threads = [threading.Thread(target=lambda: seen.append(module.late)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["late"] * 8
    assert _runs() == 1
    assert type(module) is ModuleType


@pytest.mark.usefixtures("package")
def test_a_package_that_runs_has_no_names_that_it_has_not_come_to() -> None:
    with light_imports():
        from deferred_for_a_test import early
    assert early is False
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        sys.modules[PACKAGE].nothing_of_the_kind  # noqa: B018 - the look is the test


def test_a_package_that_fails_to_run_fails_again_and_works_once_mended(package: Path) -> None:
    whole = (package / "__init__.py").read_text()
    (package / "__init__.py").write_text("1 / 0\n")
    with light_imports():
        import deferred_for_a_test as module
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            module.late  # noqa: B018 - the look is what runs it
    (package / "__init__.py").write_text(whole + "# another length, so that no bytecode is taken for it\n")
    assert module.late == "late"


def test_a_package_that_is_imported_already_is_left_alone() -> None:
    before = {name: sys.modules.get(name) for name in ("mcp", "httpx2")}
    assert before["mcp"] is not None
    with light_imports():
        assert sys.modules["mcp"] is before["mcp"]


@pytest.mark.skipif(not BUILT_AT_FIRST_USE, reason="pydantic before 2.14 builds models at once")
def test_a_model_of_the_block_is_built_when_it_is_first_used_and_others_at_once() -> None:
    with light_imports():

        class Inside(pydantic.BaseModel):
            number: int

    class After(pydantic.BaseModel):
        number: int

    assert not Inside.__pydantic_complete__
    assert After.__pydantic_complete__
    assert Inside(number="1").number == 1  # type: ignore[arg-type]  # validated all the same
    assert Inside.__pydantic_complete__


_WHOLE = """
import sys
from session_buddy.serve.sdk_imports import light_imports

with light_imports():
    from session_buddy.serve.mcp_server import make_server
never_run = [name for name in ("mcp.client", "httpx2._client", "uvicorn", "click") if name in sys.modules]
assert not never_run, never_run

async def no_services():
    raise AssertionError("a list needs no services")

server = make_server(no_services)
import asyncio, mcp, uvicorn
from httpx2 import AsyncClient

async def ask():
    async with mcp.Client(server) as client:
        return len((await client.list_tools()).tools)

assert asyncio.run(ask()) == 22
assert callable(uvicorn.run) and callable(AsyncClient) and server.streamable_http_app().routes
"""


@pytest.mark.slow
def test_the_sdk_is_whole_where_it_was_imported_light() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _WHOLE], check=False, timeout=60, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
