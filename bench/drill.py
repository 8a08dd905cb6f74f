"""The drill: windows record while the leader or a relay is killed (-9) again and again, and nothing is lost.

Every window records under request keys of its own, one call at a time. When a window is killed its driver
starts it anew and sends the unanswered call again under the same key. At the end every acknowledged
invocation must be exported once, and no other; and no client but a killed process's own may have seen an
error. A pause is the time from the kill of a leader to the next answer that another window gets.

    python -m bench.drill [--windows 4] [--records 2000] [--kills 50] [--seed 0]
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.support import window
from tests.support.stdio_client import NoAnswer, StdioClient

SKILL = "bench:drill"
MAXIMUM_PAUSE_SECONDS = 5.0


class Driver(threading.Thread):
    """One agent window, and the person who opens it again when it dies."""

    def __init__(self, number: int, home: Path, records: int, drill: "Drill") -> None:
        super().__init__(name=f"window {number}")
        self._home = home
        self._records = records
        self._drill = drill
        self.client: StdioClient | None = None
        self.acknowledged: list[str] = []
        self.errors: list[str] = []
        self.answered_at: list[float] = []
        self.restarts = 0
        self.shot: set[int] = set()

    def run(self) -> None:
        """Record all, then close the window."""
        with self._opened():
            for _ in range(self._records):
                self._record(str(uuid.uuid4()))

    @contextmanager
    def _opened(self) -> Iterator[None]:
        self._open()
        try:
            yield
        finally:
            assert self.client is not None
            self.client.kill() if self.errors else self.client.close()

    def _open(self) -> None:
        self.client = window(self._home)
        self.client.handshake()

    def _record(self, key: str) -> None:
        arguments = {"skill_name": SKILL, "completed": True, "duration_seconds": 1, "request_key": key}
        while True:
            assert self.client is not None
            try:
                result = self.client.call("record_skill_invocation", arguments, timeout=60)
            except (NoAnswer, OSError) as error:
                if self.client.pid not in self.shot:
                    self.errors.append(f"a window that nobody killed did not answer: {error}")
                    raise
                self.client.kill()
                self.restarts += 1
                self._open()
                continue
            break
        if result.get("isError"):
            self.errors.append(str(result["content"]))
        else:
            self.acknowledged.append(result["structuredContent"]["invocation_id"])
        self.answered_at.append(time.monotonic())
        self._drill.progressed()


class Drill:
    """The kills: after so many answers, of the leader or of a relay at random."""

    def __init__(self, home: Path, windows: int, records: int, kills: int, seed: int) -> None:
        self._random = random.Random(seed)
        self._home = home
        self._answers = 0
        self._changed = threading.Condition()
        self._thresholds = sorted(self._random.sample(range(1, windows * records * 95 // 100), kills))
        self.drivers = [Driver(number, home, records, self) for number in range(windows)]
        self.leader_kills: list[tuple[float, Driver]] = []
        self.relay_kills = 0

    def progressed(self) -> None:
        """One more answer has arrived."""
        with self._changed:
            self._answers += 1
            self._changed.notify_all()

    def run(self) -> None:
        """Record and kill until all is recorded."""
        for driver in self.drivers:
            driver.start()
        for threshold in self._thresholds:
            with self._changed:
                while self._answers < threshold and any(driver.is_alive() for driver in self.drivers):
                    self._changed.wait(timeout=1)
            self._kill()
        for driver in self.drivers:
            driver.join()

    def _kill(self) -> None:
        leading = self._leader()
        others = [driver for driver in self.drivers if driver is not leading and driver.is_alive()]
        if leading is not None and (not others or self._random.random() < 0.6):
            self.leader_kills.append((time.monotonic(), leading))
            self._shoot(leading)
        elif others:
            self.relay_kills += 1
            self._shoot(self._random.choice(others))

    def _leader(self) -> Driver | None:
        try:
            pid = json.loads((self._home / "leader.json").read_bytes())["pid"]
        except (OSError, ValueError):
            return None
        return next((driver for driver in self.drivers if driver.client and driver.client.pid == pid), None)

    @staticmethod
    def _shoot(driver: Driver) -> None:
        client = driver.client  # once: its driver may be opening the next one
        if client is not None and client.process.poll() is None:
            driver.shot.add(client.pid)
            client.process.kill()

    def pauses(self) -> list[float]:
        """Seconds from each kill of a leader to the next answer that a surviving window got from another."""
        found = []
        for at, killed in self.leader_kills:
            for driver in self.drivers:
                # An answer that was already on its way arrives within milliseconds and ends no pause.
                later = [answer - at for answer in driver.answered_at if answer - at > 0.02]
                if driver is not killed and later and any(answer < at for answer in driver.answered_at):
                    found.append(later[0])
        return sorted(found)


def exported(home: Path) -> Counter[str]:
    """How often each invocation is in the record, as `session-buddy export` tells it."""
    command = [sys.executable, "-m", "session_buddy", "--home", str(home), "export", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    done.check_returncode()
    return Counter(json.loads(line)["invocation_id"] for line in done.stdout.splitlines())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--windows", type=int, default=4, help="agent windows [4]")
    parser.add_argument("--records", type=int, default=2000, help="records of each window [2000]")
    parser.add_argument("--kills", type=int, default=50, help="kills in all [50]")
    parser.add_argument("--seed", type=int, default=0, help="decides when and whom [0]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory) / "home"
        drill = Drill(home, arguments.windows, arguments.records, arguments.kills, arguments.seed)
        began = time.monotonic()
        drill.run()
        seconds = time.monotonic() - began
        return report(drill, exported(home), seconds)


def report(drill: Drill, found: Counter[str], seconds: float) -> int:
    """Print what came of it; the exit status."""
    acknowledged = Counter(identity for driver in drill.drivers for identity in driver.acknowledged)
    errors = [error for driver in drill.drivers for error in driver.errors]
    lost = [identity for identity in acknowledged if identity not in found]
    duplicates = [identity for identity, count in (found + Counter()).items() if count > 1]
    unknown = [identity for identity in found if identity not in acknowledged]
    pauses = drill.pauses()
    restarts = sum(driver.restarts for driver in drill.drivers)
    print(f"windows {len(drill.drivers)}, seconds {seconds:.1f}, restarts {restarts}")
    print(f"kills of the leader {len(drill.leader_kills)}, of a relay {drill.relay_kills}")
    print(f"acknowledged {acknowledged.total()}, exported {found.total()}")
    print(f"lost {len(lost)}, duplicates {len(duplicates)}, never acknowledged {len(unknown)}")
    print(f"errors of windows that were not killed {len(errors)}")
    for error in errors[:5]:
        print(f"  {error}")
    if pauses:
        print(f"failover p50 {pauses[len(pauses) // 2]:.2f} s, max {pauses[-1]:.2f} s")
    bad = lost or duplicates or unknown or errors or acknowledged.total() != len(acknowledged)
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
