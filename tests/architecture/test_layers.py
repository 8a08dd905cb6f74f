"""Who may import whom (the contracts stand in pyproject.toml), and what a fast start leaves out."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGE, ROOT, name_of

PROBE = """
import sys
import {module}
loaded = {{name.partition(".")[0] for name in sys.modules}}
standard = sys.stdlib_module_names | {{"session_buddy", "__main__", "sitecustomize", "usercustomize"}}
print(*sorted(name for name in loaded - standard if not name.startswith("_")))
"""


def light_modules() -> list[Path]:
    """The modules that a start of `serve` or a hook pays for."""
    files = ("__main__", "config", "errors", "private_files", "wire", "ingest/hook", "relay/front")
    return sorted({PACKAGE / f"{name}.py" for name in files} | set((PACKAGE / "relay").glob("*.py")))


def dotted(module: Path) -> str:
    name = name_of(module).removesuffix(".py").replace("/", ".")
    return name.removesuffix(".__init__")


@pytest.mark.slow
def test_every_import_contract_is_kept() -> None:
    linted = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.slow
@pytest.mark.parametrize("module", light_modules(), ids=dotted)
def test_a_fast_start_loads_the_standard_library_alone(module: Path) -> None:
    probe = PROBE.format(module=dotted(module))
    probed = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert probed.stdout.split() == []


def test_the_installed_hook_runs_without_this_package_on_its_path() -> None:
    hook = PACKAGE / "ingest" / "hook.py"
    program = f"import runpy; runpy.run_path({str(hook)!r}, run_name='probe')"
    imported = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        capture_output=True,
        text=True,
    )
    assert imported.returncode == 0, imported.stderr
