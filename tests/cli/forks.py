"""Processes that have imported the program already: a run costs what it does, not its imports.

Run as a program, this is the server: it reads a request a line, forks, and writes the exit status.
"""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


class Forks:
    """The server, started by `with`."""

    def __enter__(self) -> Self:
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=os.environ | {"PYTHONPATH": str(root)},
        )
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.communicate(timeout=10)

    def run(
        self, words: list[str], stdin: str, environ: Mapping[str, str], folder: Path
    ) -> subprocess.CompletedProcess[str]:
        """One command line in a process of its own."""
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            paths = [Path(scratch, name) for name in ("in", "out", "err")]
            paths[0].write_text(stdin, "utf-8")
            request = {
                "words": words,
                "environ": dict(environ),
                "folder": str(folder),
                "paths": [str(path) for path in paths],
            }
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            status = int(self._process.stdout.readline())
            output, errors = (path.read_text("utf-8") for path in paths[1:])
        return subprocess.CompletedProcess(words, status, output, errors)


def _serve() -> None:
    import session_buddy.bootstrap
    import session_buddy.cli.demo
    import session_buddy.cli.tables
    import session_buddy.serve.control  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, flush=True)


def _become(request: dict[str, Any]) -> None:
    from session_buddy.__main__ import main

    for target, path in enumerate(request["paths"]):
        flags = os.O_RDONLY if target == 0 else os.O_WRONLY | os.O_CREAT
        os.dup2(os.open(path, flags, 0o600), target)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir(request["folder"])
    _give_up_root()
    status = main(request["words"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _give_up_root() -> None:
    """Lose root's right to write everywhere, so that permissions count where root runs the tests, too."""
    if sys.platform == "linux" and os.geteuid() == 0:
        _drop_capabilities()


def _drop_capabilities() -> None:
    class Header(ctypes.Structure):
        _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))

    class Data(ctypes.Structure):
        _fields_ = (
            ("effective", ctypes.c_uint32),
            ("permitted", ctypes.c_uint32),
            ("inheritable", ctypes.c_uint32),
        )

    libc = ctypes.CDLL(None, use_errno=True)
    header, data = Header(0x20080522, 0), (Data * 2)()
    libc.capget(ctypes.byref(header), data)
    for right in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, right, 0, 0, 0)  # for what the command starts
        data[0].effective &= ~(1 << right)
        data[0].permitted &= ~(1 << right)
    libc.capset(ctypes.byref(header), data)


if __name__ == "__main__":
    _serve()
