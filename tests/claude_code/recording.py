"""Turns what a real run left on disk into a fixture that may be committed.

Three things change, and nothing else: paths of the machine (the home becomes `/home/dev`), the client's
own long listings (their text is replaced by its length), and, where a recording asks for it, the clock: a
scripted model answers at once, so the gaps are stretched to what such work takes.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Json = dict[str, Any]

LONGEST_TEXT = 300
"""Characters of an attachment's text that are kept as they are."""

ENDED_COMMANDS = ("Error: Exit code", "User rejected tool use")
"""How the result of a command begins that failed, or that a person interrupted."""

RUNTIME_ROOT = re.compile(r"/tmp/claude-\d+")


@dataclass(frozen=True)
class Scrubber:
    """Replaces the paths of one temporary home, in text and in the client's encoding of folder names."""

    home: Path
    public_home: str = "/home/dev"

    def text(self, text: str) -> str:
        """Return `text` with the home replaced wherever it stands."""
        text = text.replace(str(self.home), self.public_home)
        text = text.replace(encoded(str(self.home)), encoded(self.public_home))
        return RUNTIME_ROOT.sub("/tmp/claude-1000", text)

    def records(self, path: Path) -> list[Json]:
        """Return a transcript's records, scrubbed and shortened."""
        return [shortened(json.loads(self.text(line))) for line in path.read_text().splitlines()]


def encoded(path: str) -> str:
    """Return the client's name for the folder of a project's transcripts."""
    return re.sub(r"[^A-Za-z0-9]", "-", path)


def shortened(record: Json) -> Json:
    """Return the record with the long texts of an attachment replaced by their length."""
    if record.get("type") != "attachment":
        return record
    attachment = {key: _shortened_value(value) for key, value in record["attachment"].items()}
    return {**record, "attachment": attachment}


def _shortened_value(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) <= LONGEST_TEXT:
        return value
    return f"[{len(text)} characters]" if isinstance(value, str) else []


@dataclass
class Clock:
    """A monotone map from the times of a recording to the times of a plausible working day.

    Equal times stay equal and the order of any two times is kept, in all the files of one session, so
    the map invents no order that the client did not write.
    """

    start: datetime
    seed: str
    times: dict[str, str] = field(default_factory=dict)

    def learn(self, records: Iterable[Json]) -> None:
        """Lay out the times of all records of one session."""
        kinds: dict[str, str] = {}
        for record in records:
            if "timestamp" in record:
                kinds.setdefault(record["timestamp"], _kind(record))
        dice = random.Random(self.seed)  # a recording has to be repeatable, not secret
        now = self.start
        for time in sorted(kinds):
            now += timedelta(seconds=_gap(kinds[time], dice))
            self.times[time] = _stamp(now)

    def apply(self, record: Json) -> Json:
        """Return the record at its new time."""
        if "timestamp" not in record:
            return record
        return {**record, "timestamp": self.times[record["timestamp"]]}


GAPS = {
    "assistant": (3.0, 14.0),  # a model that thinks and writes
    "prompt": (20.0, 100.0),  # a person who reads and types
    "Bash": (4.0, 35.0),  # a command: tests, a migration, a build
    "tool": (0.02, 0.4),  # a file read, a skill loaded
    "other": (0.001, 0.02),  # what the client writes beside it
}
"""Seconds before a record of each kind, drawn evenly."""


def _gap(kind: str, dice: random.Random) -> float:
    return dice.uniform(*GAPS[kind])


def _kind(record: Json) -> str:
    if record["type"] == "assistant":
        return "assistant"
    if record["type"] != "user" or record.get("isMeta"):
        return "other"
    if "promptSource" in record:
        return "prompt"
    result = record.get("toolUseResult")
    ran = "stdout" in result if isinstance(result, dict) else str(result).startswith(ENDED_COMMANDS)
    return "Bash" if ran else "tool"


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def session_files(transcript: Path) -> list[Path]:
    """Return a transcript and, after it, those of its subagents."""
    return [transcript, *sorted((transcript.with_suffix("") / "subagents").glob("agent-*.jsonl"))]


def save_session(transcript: Path, target: Path, scrubber: Scrubber, clock: Clock | None = None) -> None:
    """Write one session, subagents and their notes included, below the folder `target`.

    Raises:
        ValueError: a path of this machine would be left in the fixture.
    """
    sources = session_files(transcript)
    records = {source: scrubber.records(source) for source in sources}
    if clock is not None:
        clock.learn(record for source in sources for record in records[source])
        records = {source: [clock.apply(record) for record in rows] for source, rows in records.items()}
    for source, rows in records.items():
        destination = target / source.relative_to(transcript.parent)
        write_records(destination, rows)
        notes = source.with_suffix(".meta.json")
        if notes.exists():
            shutil.copyfile(notes, destination.with_suffix(".meta.json"))


def write_records(path: Path, records: Iterable[Json]) -> None:
    """Write records one a line, as the client does.

    Raises:
        ValueError: a path of this machine would be left in the fixture.
    """
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in records)
    left = re.search(r"/tmp/(?!claude-1000)[^\s\"]*|/root\b", text)
    if left is not None:
        raise ValueError(f"{path.name} would show a path of this machine: {left.group()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
