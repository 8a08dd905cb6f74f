"""Records the transcripts under `tests/fixtures/transcripts` by really running Claude Code.

    python -m tests.claude_code.record_fixtures

Each is as small as the client makes it; `expected.json` beside them, written from `FIXTURES` below, says what
an importer has to find in each. Torn and checkpointed files are made from recorded ones by cutting.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from .client import ClaudeCode, find_claude, is_result, uses_tool
from .recording import Json, Scrubber, save_session, write_records
from .scenarios import (
    Scenario,
    failing_command,
    good_skill,
    install_skills,
    interrupted_skill,
    play,
    scripts_of,
    subagent_skill,
    typed_skill,
    unknown_skill,
)
from .scripted_api import Script, ScriptedMessagesApi, ToolUse, Turn, say, use
from .terminal import Terminal

FIXTURES_FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "transcripts"


@dataclass(frozen=True)
class Expected:
    """What an importer has to find in one fixture, counted over all its files."""

    skill_calls: int = 0
    """Distinct tool_use ids of `Skill` calls, unknown skills included."""
    typed_skills: int = 0
    """Skills that a person typed; built-in commands such as /compact are none."""
    unknown_skills: int = 0
    unparseable_lines: int = 0
    prompts: int = 0
    """Prompts by a person: typed skills too; no notifications, summaries, interrupts or built-in commands."""


@dataclass
class Studio:
    """A client with the scenarios' skills, whose sessions are saved as fixtures."""

    claude: ClaudeCode
    api: ScriptedMessagesApi
    target: Path

    def session_id(self, name: str) -> str:
        """The session id of one fixture: the same at each recording."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"session-buddy:fixture:{name}"))

    def save(self, name: str, session_id: str) -> None:
        """Save a session as `NAME/SESSION.jsonl`, subagents beside it."""
        transcript = self.claude.transcript(session_id)
        save_session(transcript, self.target / name, Scrubber(self.claude.home))

    def play(self, name: str, *scenarios: Scenario) -> None:
        """Play scenarios in one conversation and save it."""
        self.api.scripts.extend(scripts_of(scenarios))
        self.save(name, play(self.claude, scenarios, "--session-id", self.session_id(name)).session_id)

    def converse(self, name: str, *prompts: str, wait: float = 0.0) -> None:
        """Send prompts to one process, `wait` seconds apart, and save the conversation."""
        session_id = self.session_id(name)
        with self.claude.streaming("--session-id", session_id) as stream:
            for text in prompts:
                stream.send_prompt(text)
                stream.read_until(is_result)
                time.sleep(wait)
        self.save(name, session_id)

    def script(self, prompt: str, *turns: Turn) -> None:
        """Add a script."""
        self.api.scripts.append(Script(prompt, turns))


def interactive(studio: Studio) -> None:
    """What the client writes in a terminal and not when headless: how a prompt came, how a turn ended."""
    studio.api.scripts.extend(scripts_of((good_skill(), typed_skill())))
    session_id = studio.session_id("interactive")
    with Terminal(studio.claude, session_id) as terminal:
        terminal.type_prompt(good_skill().prompt)
        terminal.type_prompt(typed_skill().prompt)
        terminal.leave()
    studio.save("interactive", session_id)


def compacted(studio: Studio) -> None:
    """The conversation is compacted between two uses of a skill."""
    for word in ("first", "second"):
        call = use(f"toolu_compact_{word}", "Skill", skill="commit-helper")
        studio.script(f"Commit the {word} half", call, say(f"The {word} half is committed."))
    studio.converse("compacted", "Commit the first half", "/compact", "Commit the second half")


def background_task(studio: Studio) -> None:
    """A command goes on after the turn has ended; its notification starts a turn of its own."""
    in_background(studio, "background_task", "sleep 1; echo built")


def background_failure(studio: Studio) -> None:
    """The command that went on fails: its call succeeded, only the notification tells."""
    in_background(studio, "background_failure", "sleep 1; exit 4")


def in_background(studio: Studio, name: str, command: str) -> None:
    """A skill starts a command in the background, and the turn ends before the command does."""
    call = {"command": command, "run_in_background": True}
    studio.script("<task-notification>", say("I have seen the result."))
    studio.script(
        "Build it in the background",
        use(f"toolu_{name}_skill", "Skill", skill="commit-helper"),
        Turn(tools=(ToolUse(f"toolu_{name}_bash", "Bash", call),)),
        say("It is being built."),
    )
    studio.converse(name, "Build it in the background", wait=4.0)


FORKED = (
    "---\nname: audit\ndescription: Audits the prices.\ncontext: fork\n---\nLook for totals. $ARGUMENTS\n"
)


def forked_skill(studio: Studio) -> None:
    """A skill that runs in a fork: its call lasts as long as its work, which is in the fork's transcript."""
    studio.claude.write_skill("audit", FORKED)
    prompt, arguments = "Audit the shop", "of the cart"
    work = use("toolu_forked_bash", "Bash", command="echo 'cart: ok'")
    studio.script(arguments, work, say("The cart is sound."))
    call = use("toolu_forked_skill", "Skill", skill="audit", args=arguments)
    studio.script(prompt, call, say("The audit found nothing."))
    studio.converse("forked_skill", prompt)


def forked_skill_typed(studio: Studio) -> None:
    """A person types a skill that runs in a fork: no `<command-name>` and no turn stand in the transcript."""
    studio.claude.write_skill("audit", FORKED)
    work = use("toolu_forked_typed_bash", "Bash", command="echo 'refunds: ok'")
    studio.script("of refunds", work, say("Refunds are sound."))
    studio.converse("forked_skill_typed", "/audit of refunds")


def refused_skill(studio: Studio) -> None:
    """The assistant calls a skill that only a person may call."""
    advice = "---\nname: deploy\ndescription: Deploys.\ndisable-model-invocation: true\n---\nDeploy.\n"
    studio.claude.write_skill("deploy", advice)
    studio.script("Put it online", use("toolu_refused_skill", "Skill", skill="deploy"), say("I may not."))
    studio.converse("refused_skill", "Put it online")


def interrupted_answer(studio: Studio) -> None:
    """The person interrupts while the model answers, not while a tool runs."""
    prompt = "Think about the cart"
    studio.script(prompt, use("toolu_answer_skill", "Skill", skill="code-reader"), say("Never.", delay=20.0))
    run = studio.claude.interrupt(prompt, lambda message: message.get("type") == "user")
    studio.save("interrupted_answer", run.session_id)


def ended_by_signal(studio: Studio) -> None:
    """The process is ended while a command runs: the transcript stops at the open call."""
    prompt = "Wait for the build"
    call = use("toolu_signal_bash", "Bash", command="sleep 30")
    studio.script(prompt, use("toolu_signal_skill", "Skill", skill="test-first"), call)
    with studio.claude.streaming() as stream:
        stream.send_prompt(prompt)
        stream.read_until(uses_tool("Bash"))
        time.sleep(0.5)
        stream.signal(signal.SIGTERM)
    studio.save("ended_by_signal", stream.finished().session_id)


def denied(studio: Studio) -> None:
    """Inside the skill's span the client refuses a tool that nobody has allowed."""
    prompt = "Write the missing file"
    call = use("toolu_denied_write", "Write", file_path="notes.txt", content="rounding")
    studio.script(prompt, use("toolu_denied_skill", "Skill", skill="test-first"), call, say("May I write?"))
    studio.converse("denied", prompt)


def built_in_commands(studio: Studio) -> None:
    """A person types a command that does not exist; nothing of it is a skill."""
    studio.converse("built_in_commands", "/no-such-command now")


def resumed(studio: Studio) -> None:
    """A conversation is resumed in its own file, then forked into a second file that repeats it."""
    for word in ("one", "two", "three"):
        call = use(f"toolu_resumed_{word}", "Skill", skill="commit-helper")
        studio.script(f"Commit part {word}", call, say(f"Part {word} is committed."))
    session_id = studio.session_id("resumed")
    studio.claude.prompt("Commit part one", "--session-id", session_id)
    studio.claude.resume(session_id, "Commit part two")
    fork = studio.claude.resume(session_id, "Commit part three", fork=True)
    for one in (session_id, fork.session_id):
        studio.save("resumed", one)


def checkpointed(studio: Studio) -> None:
    """Two snapshots of one growing transcript, as tools save them that keep checkpoints."""
    studio.play("checkpointed", good_skill(), failing_command(), unknown_skill())
    (whole,) = (studio.target / "checkpointed").glob("*.jsonl")
    records = _records(whole)
    whole.unlink()
    for number, length in enumerate((len(records) // 2, len(records)), start=1):
        write_records(whole.parent / f"checkpoint-{number}" / whole.name, records[:length])


def torn(studio: Studio) -> None:
    """Two lines that were cut or run together, and a last line that was never finished."""
    studio.play("torn", good_skill(), failing_command())
    (whole,) = (studio.target / "torn").glob("*.jsonl")
    lines = whole.read_text().splitlines()
    unimportant = [i for i, line in enumerate(lines) if json.loads(line)["type"] == "attachment"][:2]
    lines[unimportant[0]] = lines[unimportant[0]][:60]
    lines[unimportant[1]] = lines[unimportant[1]] + lines[unimportant[1]][:40]
    whole.write_text("\n".join([*lines, lines[-2][:80]]))


def _records(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text().splitlines()]


FIXTURES: dict[str, tuple[Callable[[Studio], None], Expected]] = {
    "good_skill": (lambda s: s.play("good_skill", good_skill()), Expected(1, prompts=1)),
    "failing_command": (lambda s: s.play("failing_command", failing_command()), Expected(1, prompts=1)),
    "unknown_skill": (lambda s: s.play("unknown_skill", unknown_skill()), Expected(1, 0, 1, prompts=1)),
    "slash_command": (lambda s: s.play("slash_command", typed_skill()), Expected(0, 1, prompts=1)),
    "subagent": (lambda s: s.play("subagent", subagent_skill()), Expected(1, prompts=1)),
    "interrupted": (lambda s: s.play("interrupted", interrupted_skill()), Expected(1, prompts=1)),
    "interrupted_answer": (interrupted_answer, Expected(1, prompts=1)),
    "ended_by_signal": (ended_by_signal, Expected(1, prompts=1)),
    "denied": (denied, Expected(1, prompts=1)),
    "built_in_commands": (built_in_commands, Expected()),
    "interactive": (interactive, Expected(1, 1, prompts=2)),
    "background_task": (background_task, Expected(1, prompts=1)),
    "background_failure": (background_failure, Expected(1, prompts=1)),
    "forked_skill": (forked_skill, Expected(1, prompts=1)),
    "forked_skill_typed": (forked_skill_typed, Expected(0, 1, prompts=1)),
    "refused_skill": (refused_skill, Expected(1, prompts=1)),
    "compacted": (compacted, Expected(2, prompts=2)),
    "resumed": (resumed, Expected(3, prompts=3)),
    "checkpointed": (checkpointed, Expected(3, 0, 1, prompts=3)),
    "torn": (torn, Expected(2, unparseable_lines=3, prompts=2)),
}


def record(binary: Path, target: Path) -> None:
    """Record every fixture below `target`, over what was there."""
    for name, (build, _) in FIXTURES.items():
        for old in (target / name).rglob("*.json*"):
            old.unlink()
        with tempfile.TemporaryDirectory() as folder, ScriptedMessagesApi() as api:
            home = Path(folder) / "home"
            claude = ClaudeCode(binary, home, home / "shop", api.url)
            install_skills(claude)
            build(Studio(claude, api, target))
    expected = {name: asdict(expected) for name, (_, expected) in FIXTURES.items()}
    (target / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")


if __name__ == "__main__":
    found = find_claude()
    if found is None:
        sys.exit("no Claude Code found: see tests/claude_code/client.py")
    record(found, FIXTURES_FOLDER)
