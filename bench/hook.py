"""What a hook costs: its wall time as a ratio to a Python that only imports json and re.

Each run of the hook stands beside a run of the floor, in turn first and second; a ratio is that of one
pair. Reported is the median ratio with its 90 % interval (order statistics). The bound is missed if the
interval lies wholly above it; then the exit status is 1. Redaction and the flush to the disk are included.

    python bench/hook.py [--pairs 41] [--directory DIR]
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from session_buddy.ingest import hook
from session_buddy.ingest.agents.claude_hooks import hook_command

BOUND = 1.5
FLOOR = (sys.executable, "-I", "-S", "-c", "import json, re")
SESSION = "5f0c9a52-6f1e-4a53-9a0b-0c8a1f2e3d4c"
ORDINARY = {
    "session_id": SESSION,
    "transcript_path": f"/home/ada/.claude/projects/-home-ada-project/{SESSION}.jsonl",
    "cwd": "/home/ada/project",
    "prompt_id": "9206",
    "hook_event_name": "Stop",
    "last_assistant_message": "Done: all 12 tests pass.",
}
CODE = "a1B2" * 9
ONE_SECRET = {**ORDINARY, "hook_event_name": "SessionEnd", "reason": f"export GITHUB_TOKEN=ghp_{CODE}"}
EVERY_KIND = " ".join(
    [
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
        *(f"{prefix}{CODE}" for prefix in ("sk-ant-api03-", "sk-", "ghp_", "glpat-", "xoxb-", "AIza")),
        *(f"{prefix}{CODE}" for prefix in ("sk_live_", "npm_", "pypi-A", "hf_")),
        "AKIAA1B2A1B2A1B2A1B2",
        f"eyJ{CODE}.eyJ{CODE}.{CODE}",
        f"Authorization: Bearer {CODE}",
        "https://ada:hunter2@host/ password=hunter2 api_key=12345678 --token 12345678",
    ]
)
CASES = {
    "an ordinary Stop": ORDINARY,
    "one secret redacted": ONE_SECRET,
    "a secret of every kind redacted": {**ONE_SECRET, "reason": EVERY_KIND},
    "a payload of one megabyte": {**ORDINARY, "last_assistant_message": "word " * 200_000},
}


def main() -> int:
    """Measure, print the table, and say whether a bound was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=41, help="pairs of runs for each line, at least 9 [41]")
    parser.add_argument("--directory", help="where to write the journal; on a disk, so that flushing costs")
    arguments = parser.parse_args()
    pairs = max(9, arguments.pairs)
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        home = Path(directory) / "home"
        bare = (sys.executable, "-I", "-S", hook.__file__, "--home", str(home))
        lines = [measure(name, bare, payload, Path(directory), pairs) for name, payload in CASES.items()]
        shell = ("sh", "-c", hook_command(str(home)))
        lines.append(measure("as installed, through the shell", shell, ONE_SECRET, Path(directory), pairs))
        recorded = sum(1 for path in home.glob("journal/*.jsonl") for _ in path.open())
    print(f"{'hook':34}{'ms':>8}{'floor ms':>10}{'ratio':>8}{'90 % interval':>16}   bound {BOUND}")
    for line in lines:
        print(line[0])
    expected = (len(CASES) + 1) * (pairs + 1) + 3 * (pairs + 1)
    print(f"{pairs} pairs a line; {recorded} lines in the journal, {expected} expected")
    return int(any(missed for _, missed in lines) or recorded != expected)


def measure(
    name: str, command: Sequence[str], payload: object, directory: Path, pairs: int
) -> tuple[str, bool]:
    """(a line of the table, whether the bound was missed)."""
    stdin = directory / "payload.json"
    stdin.write_text(json.dumps(payload))
    run(command, stdin)
    run(FLOOR, stdin)
    ours: list[float] = []
    floor: list[float] = []
    for turn in range(pairs):
        for side, words in ((ours, command), (floor, FLOOR))[:: 1 if turn % 2 else -1]:
            side.append(run(words, stdin))
    ratios = sorted(mine / base for mine, base in zip(ours, floor, strict=True))
    low, high = interval(ratios)
    middle = statistics.median(ratios)
    milliseconds = f"{statistics.median(ours) * 1e3:8.1f}{statistics.median(floor) * 1e3:10.1f}"
    return f"{name:34}{milliseconds}{middle:8.2f}{f'{low:.2f} to {high:.2f}':>16}", low > BOUND


def run(command: Sequence[str], stdin: Path) -> float:
    """Seconds from the start of a process to its end."""
    with stdin.open("rb") as file:
        began = time.perf_counter()
        subprocess.run(command, stdin=file, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - began


def interval(ordered: Sequence[float]) -> tuple[float, float]:
    """The narrowest pair of order statistics that holds the median with at least 90 % confidence."""
    count = len(ordered)
    below, rank = 0.0, 0
    while below + math.comb(count, rank) / 2**count <= 0.05:
        below += math.comb(count, rank) / 2**count
        rank += 1
    return ordered[rank - 1], ordered[count - rank]


if __name__ == "__main__":
    sys.exit(main())
