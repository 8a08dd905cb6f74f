"""Real transcripts of two projects, against a counter that shares nothing with the reader."""

import gzip
import json
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from session_buddy.ingest.importing import Importer
from session_buddy.models.events import SkillEvent, parse_event
from tests.support.transcripts import READING, final, read_all

CHECKOUT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("SESSION_BUDDY_SHARED_DATA") or CHECKOUT.parent / "shared" / "data")
FILES = sorted((SHARED / "transcripts").glob("*/*.jsonl.gz"))
BUILT_IN = {
    "/clear",
    "/compact",
    "/exit",
    "/ide",
    "/login",
    "/mcp",
    "/model",
    "/plan",
    "/release-notes",
    "/skills",
}


def test_the_real_transcripts_are_there_where_they_are_required(shared_data: Path) -> None:
    assert len(FILES) == 28


def counted(path: Path) -> Counter[str]:
    """Distinct Skill tool_use ids, skills typed by the user, unknown skills, unparseable lines."""
    counts: Counter[str] = Counter()
    skills: set[str] = set()
    unknown: set[str] = set()
    typed: dict[str, str] = {}
    for line in gzip.decompress(path.read_bytes()).splitlines():
        try:
            record: dict[str, Any] = json.loads(line)
        except ValueError:
            counts["unparseable"] += 1
            continue
        content = record.get("message", {}).get("content", "")
        for block in content if isinstance(content, list) else []:
            if block["type"] == "tool_use" and block["name"] == "Skill":
                skills.add(block["id"])
            elif block["type"] == "tool_result" and "Unknown skill" in str(block["content"]):
                unknown.add(block["tool_use_id"])
        if isinstance(content, str) and content.startswith("<command-name>"):
            typed[record["uuid"]] = content.removeprefix("<command-name>").split("<")[0]
    counts["skill calls"] = len(skills)
    counts["unknown"] = len(unknown & skills)
    counts["typed"] = sum(name not in BUILT_IN for name in typed.values())
    return counts


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name[:8])
def test_a_real_transcript_gives_what_an_independent_counter_counts(path: Path) -> None:
    expected = counted(path)
    events = [event for event in read_all(path) if isinstance(event, SkillEvent)]
    started = [event for event in events if event.kind == "started"]
    assert len({event.id for event in events}) == len(events)
    assert sum(event.origin == "agent" for event in started) == expected["skill calls"]
    assert sum(event.origin == "user" for event in started) == expected["typed"]
    assert sum(event.error_type == "unknown_skill" for event in events) == expected["unknown"]
    assert expected["unparseable"] == 0
    assert all(one.outcome is not None and one.ended_at is not None for one in final(events))


@pytest.mark.skipif(not FILES, reason="the test above says where they have to be")
def test_importing_the_real_transcripts_twice_gives_the_same_events(tmp_path: Path) -> None:
    journal: list[str] = []
    importer = Importer(journal.extend, tmp_path / "state.json", READING, str, lambda: datetime.now(UTC))
    first = importer.run([SHARED / "transcripts"])
    known = {parse_event(line).id for line in journal}
    assert len(known) == len(journal) == first.events
    assert (first.skill_calls, first.slash_commands, first.unknown_skills, first.unparseable) == (
        46,
        19,
        11,
        0,
    )

    untouched = importer.run([SHARED / "transcripts"])
    assert (untouched.files, untouched.unchanged, untouched.events) == (0, 28, 0)

    del journal[:]
    again = importer.run([SHARED / "transcripts"], again=True)
    assert again.events == first.events
    assert {parse_event(line).id for line in journal} == known


@pytest.mark.skipif(not FILES, reason="the test above says where they have to be")
def test_active_time_leaves_out_what_makes_a_real_span_hours_long() -> None:
    spans = [one for path in FILES for one in final(read_all(path)) if one.error_type != "unknown_skill"]
    active = sorted(one.duration_seconds or 0.0 for one in spans)
    wall = sorted((one.ended_at - one.invoked_at).total_seconds() for one in spans if one.ended_at)
    assert 60 < active[len(active) // 2] < 150
    assert active[-3] < 900 < wall[-3]
    assert all(one <= other for one, other in zip(active, wall, strict=True))
