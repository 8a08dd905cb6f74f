"""kill -9 at random moments while everything that records is at work, and nothing acknowledged may be lost.

Four writers share one home: two agent windows (MCP), a session whose `Stop` hook runs after every skill
call of its transcript, and an import of exported files, one after the other. At random moments one of their
processes dies: the leader, a relay, a hook in its course, an import in its course. A writer then does again
what was not acknowledged, as a user would. An answer of a tool acknowledges, and an exit status 0 of the hook
or of the import. At the end `export` must show every acknowledged invocation once and no other, `top` must
say what a recount of that export says, and `rebuild` must give the same rows from the journals alone.

    python -m bench.kill [--kills 100] [--seed 0]
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.support import ENVIRONMENT, SERVE
from session_buddy.models.ids import invocation_id_of_tool_use
from tests.support.hooks import COMMAND as HOOK
from tests.support.records import Conversation, as_lines
from tests.support.stdio_client import NoAnswer, StdioClient

VICTIMS = ("leader", "leader", "relay", "hook", "import")
LONGEST_SECONDS = 0.5
PROGRESS_SHARE = 0.7
"""Of the kills that wait for an answer to a window first; the others meet starts and takeovers."""
PATIENCE_SECONDS = 30.0
IMPORTED_AT_ONCE = 300
OUTCOMES = ("completed", "failed", "abandoned")
_MODULE = (sys.executable, "-m", "session_buddy")


class Writer(threading.Thread):
    """Records until it is told to stop. acknowledged: the ids of the invocations; process: what may die."""

    kind = ""

    def __init__(self, number: int, folder: Path, stopped: threading.Event) -> None:
        super().__init__(name=f"{self.kind} {number}")
        self.folder = folder
        self.env = environment(folder)
        self.acknowledged: list[str] = []
        self.problems: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.repeated = 0
        self._number = number
        self._stopped = stopped
        self._shot: set[int] = set()
        self._random = random.Random(number)

    def run(self) -> None:
        """Write until the end, what was begun included."""
        try:
            while not self._stopped.is_set() and not self.problems:
                self.write()
        except (NoAnswer, OSError, AssertionError) as error:
            self.problems.append(f"{self.name}: {error}")
        finally:
            self.finish()

    def write(self) -> None:
        """Record something and note what was acknowledged."""
        raise NotImplementedError

    def finish(self) -> None:
        """Let go of what runs."""

    def shoot(self) -> bool:
        """End the process that runs now, if there is one, as a crash does."""
        process = self.process
        if process is None or process.poll() is not None:
            return False
        self._shot.add(process.pid)
        process.kill()
        return True

    def until_done(self, command: Sequence[str], given: bytes | None = None) -> None:
        """Run a command to its end, again and again while it is killed."""
        while True:
            self.process = subprocess.Popen(
                command,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            _, errors = self.process.communicate(given)
            if self.process.returncode == 0:
                return
            if self.process.pid not in self._shot:
                self.problems.append(f"{self.name}: {errors.decode(errors='replace').strip()}")
                return
            self.repeated += 1


class Window(Writer):
    """An agent's window: reports, one call at a time, each under a key of its own."""

    kind = "window"

    def write(self) -> None:
        """One report; sent again under the same key if the window dies meanwhile."""
        report = {
            "skill_name": f"kill:skill-{self._random.randrange(5)}",
            "outcome": self._random.choice(OUTCOMES),
            "duration_seconds": self._random.randrange(100),
            "request_key": str(uuid.uuid4()),
        }
        while True:
            try:
                result = self._client().call("record_skill_invocation", report, timeout=60)
            except (NoAnswer, OSError):
                if self.process is None or self.process.pid not in self._shot:
                    raise
                self.finish()
                self.repeated += 1
                continue
            if not result.get("isError"):
                self.acknowledged.append(result["structuredContent"]["invocation_id"])
                return
            # A command that leads answers no window until it is done: not acknowledged, and it says so.
            if not result["content"][0]["text"].lower().endswith("then call again."):
                self.problems.append(str(result["content"]))
                return
            self.repeated += 1

    def _client(self) -> StdioClient:
        if self.process is None:
            self._opened = StdioClient(SERVE, env=self.env)
            self.process = self._opened.process
            self._opened.handshake()
        return self._opened

    def finish(self) -> None:
        """End the process, whose answers have all arrived."""
        if self.process is not None:
            self._opened.kill()
            self.process = None


class Session(Writer):
    """A session of Claude Code: its transcript grows by a skill call, and then its hook runs."""

    kind = "hook"

    def write(self) -> None:
        """One more skill call."""
        if not hasattr(self, "_conversation"):
            self._conversation = Conversation(str(uuid.UUID(int=self._number)))
        use_id, talk = f"toolu_kill_{self._number}_{len(self.acknowledged)}", self._conversation
        before = len(talk.records)
        talk.prompt()
        talk.skill(use_id, f"kill:skill-{self._random.randrange(5)}")
        talk.bash(f"{use_id}_check", "pytest", error=self._random.random() < 0.3)
        talk.end_turn()
        path = self.folder / "claude" / "projects" / "-home-dev-shop" / f"{talk.session}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(as_lines(talk.records[before:]))
        payload = {
            "session_id": talk.session,
            "transcript_path": str(path),
            "cwd": "/home/dev/shop",
            "hook_event_name": "Stop",
        }
        self.until_done([*HOOK, "--home", str(self.folder / "home")], json.dumps(payload).encode())
        self.acknowledged.append(str(invocation_id_of_tool_use(use_id)))


class Import(Writer):
    """Imports one exported file after the other."""

    kind = "import"

    def write(self) -> None:
        """One more file."""
        began = datetime.now(UTC) - timedelta(days=self._random.randrange(2, 90))
        uses = [self._use(began + timedelta(seconds=number)) for number in range(IMPORTED_AT_ONCE)]
        path = self.folder / f"export-{len(self.acknowledged)}.jsonl"
        path.write_text("".join(f"{json.dumps(use)}\n" for use in uses))
        self.until_done([*_MODULE, "import", "--json", str(path)])
        self.acknowledged += [use["invocation_id"] for use in uses]

    def _use(self, at: datetime) -> dict[str, Any]:
        outcome = self._random.choice(OUTCOMES)
        return {
            "invocation_id": str(uuid.uuid4()),
            "skill_name": f"kill:skill-{self._random.randrange(5)}",
            "session_id": f"imported-{self._random.randrange(20)}",
            "invoked_at": at.isoformat(),
            "ended_at": (at + timedelta(seconds=9)).isoformat(),
            "duration_seconds": 9.0,
            "outcome": outcome,
            "outcome_source": "inferred",
        }


def environment(folder: Path) -> dict[str, str]:
    """A user of the bench's own."""
    kept = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("SESSION_BUDDY")}
    own = {"SESSION_BUDDY_HOME": "home", "CLAUDE_CONFIG_DIR": "claude", "HOME": "user"}
    return kept | {name: str(folder / place) for name, place in own.items()} | {"SESSION_BUDDY_PORT": "0"}


def kill_all_over(folder: Path, kills: int, seed: int) -> tuple[list[Writer], Counter[str]]:
    """Write and kill; the writers, and how often each kind of process died."""
    chance, stopped = random.Random(seed), threading.Event()
    windows: list[Writer] = [Window(1, folder, stopped), Window(2, folder, stopped)]
    writers = [*windows, Session(3, folder, stopped), Import(4, folder, stopped)]
    choose: dict[str, Callable[[], Writer | None]] = {
        "leader": lambda: _leading(folder, writers),
        "relay": lambda: chance.choice([each for each in windows if each is not _leading(folder, writers)]),
        "hook": lambda: writers[2],
        "import": lambda: writers[3],
    }
    dead: Counter[str] = Counter()
    for writer in writers:
        writer.start()
    while dead.total() < kills and all(writer.is_alive() for writer in writers):
        if chance.random() < PROGRESS_SHARE:
            _wait_for_answers(windows)
        time.sleep(chance.uniform(0, LONGEST_SECONDS))
        victim = chance.choice(VICTIMS)
        target = choose[victim]()
        if target is not None and target.shoot():
            dead[victim] += 1
    stopped.set()
    for writer in writers:
        writer.join()
    return writers, dead


def _wait_for_answers(windows: Sequence[Writer]) -> None:
    """Until a window has had one more answer; the kills that come in a start's way do not wait."""
    before = [len(window.acknowledged) for window in windows]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if any(len(window.acknowledged) > count for window, count in zip(windows, before, strict=True)):
            return
        time.sleep(0.005)


def _leading(folder: Path, writers: Sequence[Writer]) -> Writer | None:
    """Whose process leads now: a window, or an import that found nobody leading."""
    try:
        pid = json.loads((folder / "home" / "leader.json").read_bytes())["pid"]
    except (OSError, ValueError):
        return None
    return next((each for each in writers if each.process is not None and each.process.pid == pid), None)


def told(folder: Path, *words: str) -> str:
    """What a command prints."""
    command = [*_MODULE, *words]
    done = subprocess.run(command, env=environment(folder), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"session-buddy {' '.join(words)} failed: {done.stderr}")
    return done.stdout


def recounted(rows: Sequence[dict[str, Any]]) -> dict[str, Counter[str]]:
    """What `top` has to say of each skill."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        of_skill = counts.setdefault(row["skill_name"], Counter())
        of_skill["invocation_count"] += 1
        if row["outcome"] is not None:
            of_skill[f"{row['outcome']}_count"] += 1
            of_skill[f"{row['outcome_source']}_count"] += 1
        if row["duration_seconds"] is not None:
            of_skill["samples"] += 1
    return counts


def shown(top: dict[str, Any]) -> dict[str, Counter[str]]:
    """The same of the answer of `top`; what is 0 is left out."""
    names = [f"{name}_count" for name in ("invocation", *OUTCOMES, "reported", "inferred")]
    counts = {}
    for skill in top["skills"]:
        samples = skill["duration"]["sample_count"] if skill["duration"] else 0
        counts[skill["skill_name"]] = +Counter({name: skill[name] for name in names} | {"samples": samples})
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100, help="kills in all [100]")
    parser.add_argument("--seed", type=int, default=0, help="decides when and whom [0]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        for place in ("user", "claude"):
            os.mkdir(folder / place)
        began = time.monotonic()
        writers, dead = kill_all_over(folder, arguments.kills, arguments.seed)
        seconds = time.monotonic() - began
        return report(folder, writers, dead, seconds)


def report(folder: Path, writers: Sequence[Writer], dead: Counter[str], seconds: float) -> int:
    """Print what came of it; the exit status."""
    exported = told(folder, "export", "--json").splitlines()
    rows = [json.loads(line) for line in exported]
    found = Counter(row["invocation_id"] for row in rows)
    acknowledged = Counter(identity for writer in writers for identity in writer.acknowledged)
    metrics_agree = shown(json.loads(told(folder, "top", "--json"))) == recounted(rows)
    told(folder, "rebuild")
    rebuilt = sorted(told(folder, "export", "--json").splitlines()) == sorted(exported)
    problems = [problem for writer in writers for problem in writer.problems]
    wrong = {
        "lost": len(acknowledged.keys() - found.keys()),
        "twice": sum(count > 1 for count in (found + Counter()).values()),
        "never acknowledged": len(found.keys() - acknowledged.keys()),
        "errors of what was not killed": len(problems),
        "metrics unlike a recount": int(not metrics_agree),
        "rows that rebuild changes": int(not rebuilt),
    }
    print(f"{seconds:.0f} s; killed: {', '.join(f'{kind} {count}' for kind, count in sorted(dead.items()))}")
    print(f"{'writer':12}{'acknowledged':>14}{'done again':>12}")
    for writer in writers:
        print(f"{writer.name:12}{len(writer.acknowledged):>14,}{writer.repeated:>12,}")
    for what, count in wrong.items():
        print(f"{what:40}{count:>6}")
    for problem in problems[:5]:
        print(f"  {problem}")
    return int(any(wrong.values()) or acknowledged.total() != len(acknowledged))


if __name__ == "__main__":
    sys.exit(main())
