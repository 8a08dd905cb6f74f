"""Records the sessions that `session-buddy demo` shows, by really running Claude Code.

    python -m tests.claude_code.record_demo

Two invented projects, six invented skills (`session_buddy/assets/demo/skills`), eight sessions. The model
is scripted below; the client, the commands that it runs and the transcripts that it writes are real. The
programs that the projects would need (`pytest`, `alembic`, `make`) are stand-ins of a few lines. Record uuids
and agent ids differ from recording to recording; session ids, tool_use ids and outcomes do not. The clock is
stretched (see `recording.Clock`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .client import ALLOWED_TOOLS, ClaudeCode, Stream, find_claude, is_result, uses_tool
from .recording import Clock, Scrubber, save_session
from .scripted_api import Script, ScriptedMessagesApi, ToolUse, Turn, say, use

DEMO = Path(__file__).resolve().parents[2] / "session_buddy" / "assets" / "demo"

PROGRAMS = {
    "pytest": """#!/bin/sh
unfinished=$(grep -rls UNFINISHED src | head -1)
if [ -n "$unfinished" ]; then
  echo "FAILED tests/test_$(basename "$unfinished")::test_example - AssertionError"
  echo "1 failed, 11 passed in 0.42s"
  exit 1
fi
echo "12 passed in 0.38s"
""",
    "alembic": """#!/bin/sh
echo "INFO  Running upgrade 3c1f -> 8ab2, $2"
if [ "$2" = head ]; then sleep 20; fi
""",
    "make": """#!/bin/sh
sleep 1
echo "site: 14 pages"
""",
}

FILES = {
    "shop": {
        "src/prices.py": "def total(prices):\n    return sum(prices)  # UNFINISHED: round to cents\n",
        "tests/test_prices.py": "def test_round_to_cents():\n    ...\n",
    },
    "atlas": {
        "src/search.py": "def search(words):\n    return []  # UNFINISHED: rank\n",
        "docs/install.md": "# Install\n",
        "docs/search.md": "# Search\n",
    },
}


@dataclass(frozen=True)
class Step:
    """One thing that the person does: a prompt, and perhaps an interrupt while a tool runs."""

    prompt: str
    interrupt_in: str | None = None
    wait: float = 0.0
    """Seconds until the next step, for a background task to report."""


@dataclass(frozen=True)
class DemoSession:
    """One recorded session."""

    project: str
    start: str
    steps: tuple[Step, ...]
    scripts: tuple[Script, ...]


def skill(use_id: str, name: str) -> Turn:
    """The assistant uses a skill."""
    return use(f"toolu_demo_{use_id}", "Skill", skill=name)


def bash(use_id: str, command: str, *, background: bool = False) -> Turn:
    """The assistant runs a command."""
    call = {"command": command, **({"run_in_background": True} if background else {})}
    return Turn(tools=(ToolUse(f"toolu_demo_{use_id}", "Bash", call),))


def discount_code() -> DemoSession:
    """Three skills in sequence: a test first, a review, a commit. All of it goes well."""
    prompt = "Round prices to cents, with a test"
    turns = (
        skill("01_test", "test-first"),
        bash("01_red", "pytest -q"),
        bash("01_fix", "sed -i 's/sum(prices).*/round(sum(prices), 2)/' src/prices.py"),
        bash("01_green", "pytest -q"),
        skill("01_review", "code-review"),
        bash("01_diff", "git diff --stat"),
        skill("01_commit", "commit-helper"),
        bash("01_git", "git commit -qam 'Round prices to cents' && git log --oneline -1"),
        say("Prices are rounded to cents; the suite is green and the change is committed."),
    )
    return DemoSession("shop", "2026-11-02T09:12:00+00:00", (Step(prompt),), (Script(prompt, turns),))


def refund_fails() -> DemoSession:
    """The last check inside the skill's span fails, and the assistant gives up."""
    prompt = "Make refunds round the same way"
    turns = (
        skill("02_test", "test-first"),
        bash("02_write", "echo 'def refund(price): return -price  # UNFINISHED' > src/refunds.py"),
        bash("02_red", "pytest -q"),
        bash("02_try", "sed -i 's/-price/-round(price)/' src/refunds.py"),
        bash("02_still_red", "pytest -q tests/test_prices.py"),
        say("The refund test still fails: the rounding of halves differs. I need a decision on that."),
    )
    return DemoSession("shop", "2026-11-03T13:40:00+00:00", (Step(prompt),), (Script(prompt, turns),))


def typed_notes() -> DemoSession:
    """The person types a skill; then the assistant asks for one that nobody has."""
    arguments, polish = "for the shop since v1.4", "Polish the changelog too"
    notes = (
        bash("03_log", "git log --oneline | head -5"),
        say("v1.5\n\nFixed: prices are rounded to cents."),
    )
    polished = (
        skill("03_unknown", "changelog-polisher"),
        say("There is no skill of that name here; I left the changelog as it is."),
    )
    return DemoSession(
        "shop",
        "2026-11-05T16:05:00+00:00",
        (Step(f"/release-notes {arguments}"), Step(polish)),
        (Script(arguments, notes), Script(polish, polished)),
    )


def migration_interrupted() -> DemoSession:
    """The person stops a migration, then asks for it again on a copy."""
    first, second = "Rename the orders table", "Run it on the copy instead"
    stopped = (
        skill("04_migrate", "db-migrate"),
        bash("04_head", "alembic upgrade head"),
        say("Done."),
    )
    again = (
        skill("04_again", "db-migrate"),
        bash("04_copy", "alembic upgrade copy"),
        say("The copy is at 8ab2, up, down and up again."),
    )
    return DemoSession(
        "shop",
        "2026-11-09T08:55:00+00:00",
        (Step(first, interrupt_in="Bash"), Step(second)),
        (Script(first, stopped), Script(second, again)),
    )


def second_opinion() -> DemoSession:
    """A subagent uses a skill in a thread of its own."""
    prompt, task = "Get a second opinion on the prices module", "Review src/prices.py and report findings"
    call = {"description": "Review prices", "prompt": task, "subagent_type": "general-purpose"}
    parent = (
        Turn(tools=(ToolUse("toolu_demo_05_agent", "Agent", call),)),
        say("One finding: an empty cart returns an int."),
    )
    child = (
        skill("05_review", "code-review"),
        bash("05_cat", "cat src/prices.py"),
        say("src/prices.py:2: an empty list gives the int 0, not 0.0."),
    )
    return DemoSession(
        "shop", "2026-11-11T10:20:00+00:00", (Step(prompt),), (Script(prompt, parent), Script(task, child))
    )


def two_pages() -> DemoSession:
    """One skill twice, then another."""
    prompt = "Bring the install and search pages up to date"
    turns = (
        skill("06_install", "docs-writer"),
        bash("06_page", "echo 'Run pip install atlas.' >> docs/install.md"),
        skill("06_search", "docs-writer"),
        bash("06_page2", "echo 'Type a word and press Enter.' >> docs/search.md"),
        skill("06_commit", "commit-helper"),
        bash("06_git", "git commit -qam 'Docs: install and search' && git log --oneline -1"),
        say("Both pages are current and committed."),
    )
    return DemoSession("atlas", "2026-11-12T14:30:00+00:00", (Step(prompt),), (Script(prompt, turns),))


def site_in_background() -> DemoSession:
    """A build goes on in the background; its notification is no prompt of the person's."""
    prompt = "Build the site and correct the front page"
    turns = (
        skill("07_docs", "docs-writer"),
        bash("07_make", "make site", background=True),
        say("The site is being built; I will look at the result."),
    )
    noticed = (bash("07_ls", "ls docs"), say("The site has 14 pages; the front page is corrected."))
    return DemoSession(
        "atlas",
        "2026-11-16T09:45:00+00:00",
        (Step(prompt, wait=4.0),),
        (Script("<task-notification>", noticed), Script(prompt, turns)),
    )


def search_ships() -> DemoSession:
    """Setup, execution, verification; the review is called where the tests are red, then again."""
    prompt = "Ship the search page"
    turns = (
        skill("08_migrate", "db-migrate"),
        bash("08_up", "alembic upgrade 8ab2"),
        skill("08_test", "test-first"),
        bash("08_red", "pytest -q"),
        bash("08_fix", "sed -i 's/return .*/return sorted(words)/' src/search.py"),
        bash("08_green", "pytest -q"),
        skill("08_review", "code-review"),
        bash("08_diff", "git diff --stat"),
        skill("08_notes", "release-notes"),
        bash("08_log", "git log --oneline | head -3"),
        skill("08_commit", "commit-helper"),
        bash("08_git", "git commit -qam 'Rank search results' && git log --oneline -1"),
        say("Search is ranked, reviewed, noted and committed."),
    )
    return DemoSession("atlas", "2026-11-18T11:00:00+00:00", (Step(prompt),), (Script(prompt, turns),))


SESSIONS = (
    discount_code,
    refund_fails,
    typed_notes,
    migration_interrupted,
    second_opinion,
    two_pages,
    site_in_background,
    search_ships,
)


def record(binary: Path, target: Path) -> None:
    """Record every session below `target`/projects, replacing what was there."""
    shutil.rmtree(target / "projects", ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        for project, files in FILES.items():
            make_project(home / project, files)
        shutil.copytree(target / "skills", home / ".claude" / "skills")
        programs = make_programs(Path(folder) / "programs")
        for session in (build() for build in SESSIONS):
            record_session(binary, home, programs, session, target)


def record_session(binary: Path, home: Path, programs: Path, session: DemoSession, target: Path) -> None:
    """Play one session and save its transcripts."""
    environment = {"PATH": f"{programs}:{os.environ['PATH']}"}
    with ScriptedMessagesApi(list(session.scripts)) as api:
        tools = (*ALLOWED_TOOLS, "Write", "Edit")
        claude = ClaudeCode(binary, home, home / session.project, api.url, environment, tools)
        session_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"session-buddy:{session.start}"))
        with claude.streaming("--session-id", session_id) as stream:
            for step in session.steps:
                play_step(stream, step)
        transcript = claude.transcript(session_id)
    clock = Clock(datetime.fromisoformat(session.start).astimezone(UTC), seed=session.start)
    scrubber = Scrubber(home)
    folder = scrubber.text(transcript.parent.name)
    save_session(transcript, target / "projects" / folder, scrubber, clock)


def play_step(stream: Stream, step: Step) -> None:
    """Do what the person does."""
    stream.send_prompt(step.prompt)
    if step.interrupt_in is not None:
        stream.read_until(uses_tool(step.interrupt_in))
        time.sleep(0.5)
        stream.send_interrupt()
    stream.read_until(is_result)
    time.sleep(step.wait)


def make_project(folder: Path, files: dict[str, str]) -> None:
    """Make a repository with one commit."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    author = ("-c", "user.name=Dev", "-c", "user.email=dev@example.org")
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), (*author, "commit", "-qm", "Start")):
        subprocess.run(["git", *command], cwd=folder, check=True)
    # Commits of the session itself run in a home without a git configuration.
    for key, value in (("user.name", "Dev"), ("user.email", "dev@example.org")):
        subprocess.run(["git", "config", key, value], cwd=folder, check=True)


def make_programs(folder: Path) -> Path:
    """Write the stand-ins for the programs that the projects would use."""
    folder.mkdir()
    for name, text in PROGRAMS.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


if __name__ == "__main__":
    found = find_claude()
    if found is None:
        sys.exit("no Claude Code found: see tests/claude_code/client.py")
    record(found, DEMO)
