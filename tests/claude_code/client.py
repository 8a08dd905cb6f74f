"""Runs a real Claude Code, headless, in a home and a project of its own.

Nothing of the person who runs the tests leaks in (the environment is built from nothing), and nothing
leaves the machine: the only endpoint the client knows is the scripted API on loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

BINARY_VARIABLE = "SESSION_BUDDY_CLAUDE"
ALLOWED_TOOLS = ("Bash", "Skill", "Agent", "Read", "mcp__session-buddy__*")
NO_NETWORK = {
    "ANTHROPIC_API_KEY": "scripted",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
}


class ClientError(RuntimeError):
    """The client could not be run to the point that a test needs."""


def find_claude(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the client's binary: the named one, else the one on PATH, else an npm install beside us."""
    named = environment.get(BINARY_VARIABLE)
    if named:
        return Path(named) if Path(named).exists() else None
    found = shutil.which("claude", path=environment.get("PATH"))
    if found:
        return Path(found)
    roots = [Path.cwd(), *Path(__file__).resolve().parents]
    local = (root / "node_modules" / ".bin" / "claude" for root in roots)
    return next((path for path in local if path.exists()), None)


@dataclass(frozen=True)
class Run:
    """What one run of the client left behind."""

    returncode: int
    stdout: str
    stderr: str
    messages: list[Json]

    @property
    def result(self) -> Json:
        """The client's closing `result` message; empty if it was killed before it could write one."""
        return next((m for m in reversed(self.messages) if m.get("type") == "result"), {})

    @property
    def session_id(self) -> str:
        """The conversation's id, under which its transcript is filed."""
        return next((str(m["session_id"]) for m in self.messages if m.get("session_id")), "")


@dataclass
class ClaudeCode:
    """One installation: a binary, a home and a project, all of them the test's own.

    `transcripts` and the methods after it read what the runs left behind.
    """

    binary: Path
    home: Path
    project: Path
    api_url: str
    environment: dict[str, str] = field(default_factory=dict)
    allowed_tools: tuple[str, ...] = ALLOWED_TOOLS
    timeout: float = 90.0

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.project.mkdir(parents=True, exist_ok=True)

    def write_settings(self, settings: Json) -> Path:
        """Write the user's settings, which is where hooks go."""
        return _write_json(self.home / ".claude" / "settings.json", settings)

    def write_mcp_servers(self, servers: Json) -> Path:
        """Write the user's MCP servers where `claude mcp add --scope user` writes them."""
        path = self.home / ".claude.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        return _write_json(path, {**known, "mcpServers": servers})

    def write_skill(self, name: str, body: str) -> Path:
        """Give the user a skill; `body` is the whole SKILL.md."""
        path = self.home / ".claude" / "skills" / name / "SKILL.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
        return path

    def command(self, *arguments: str) -> Run:
        """Run `claude ARGUMENTS` to its end."""
        done = subprocess.run(
            [str(self.binary), *arguments],
            cwd=self.project,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.timeout,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr, list(_messages(done.stdout.splitlines())))

    def prompt(self, text: str, *arguments: str) -> Run:
        """Run one prompt headless (`claude -p`) until the assistant ends its turn."""
        return self.command(*self._headless(), *arguments, "--", text)

    def resume(self, session_id: str, text: str, *, fork: bool = False) -> Run:
        """Go on with an earlier conversation, in its own transcript or, forked, in a copy of it."""
        return self.prompt(text, "--resume", session_id, *(("--fork-session",) if fork else ()))

    def converse(self, prompts: Iterable[str]) -> Run:
        """Send several prompts to one process, each after the answer to the one before."""
        with self.streaming() as stream:
            for text in prompts:
                stream.send_prompt(text)
                stream.read_until(is_result)
        return stream.finished()

    def interrupt(self, text: str, when: Callable[[Json], bool], *, settle: float = 0.5) -> Run:
        """Send a prompt and interrupt it, as Escape does, `settle` seconds after `when` is first true."""
        with self.streaming() as stream:
            stream.send_prompt(text)
            stream.read_until(when)
            time.sleep(settle)
            stream.send_interrupt()
            stream.read_until(is_result)
        return stream.finished()

    def kill(self, text: str, when: Callable[[Json], bool], *, settle: float = 0.5) -> Run:
        """Send a prompt and end the process, as Ctrl-C does, `settle` seconds after `when` is first true."""
        with self.streaming() as stream:
            stream.send_prompt(text)
            stream.read_until(when)
            time.sleep(settle)
            stream.signal(signal.SIGINT)
        return stream.finished()

    @contextmanager
    def streaming(self, *arguments: str) -> Iterator[Stream]:
        """Start the client with JSON messages on stdin and stdout; leaving the block closes its stdin."""
        command = [str(self.binary), *self._headless(), "--input-format", "stream-json", *arguments]
        process = subprocess.Popen(
            command,
            cwd=self.project,
            env=self.variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        stream = Stream(process, self.timeout)
        try:
            yield stream
        except BaseException:
            process.kill()
            raise
        finally:
            stream.close()

    def transcripts(self) -> list[Path]:
        """The main conversations' transcripts, oldest first."""
        found = (self.home / ".claude" / "projects").glob("*/*.jsonl")
        return sorted(found, key=lambda path: path.stat().st_mtime_ns)

    def transcript(self, session_id: str) -> Path:
        """The transcript of one conversation."""
        for path in self.transcripts():
            if path.stem == session_id:
                return path
        raise ClientError(f"no transcript of session {session_id!r} under {self.home}")

    def subagent_transcripts(self, session_id: str) -> list[Path]:
        """The transcripts of the subagents of one conversation."""
        folder = self.transcript(session_id).with_suffix("") / "subagents"
        return sorted(folder.glob("agent-*.jsonl"))

    def variables(self) -> dict[str, str]:
        """The client's whole environment."""
        base = {"HOME": str(self.home), "PATH": os.environ["PATH"], "ANTHROPIC_BASE_URL": self.api_url}
        return {**base, **NO_NETWORK, **self.environment}

    def _headless(self) -> Sequence[str]:
        tools = ",".join(self.allowed_tools)
        return ("-p", "--output-format", "stream-json", "--verbose", "--allowedTools", tools)


@dataclass
class Stream:
    """A running client that takes and gives one JSON message a line."""

    process: subprocess.Popen[str]
    timeout: float
    messages: list[Json] = field(default_factory=list)
    _rest: tuple[str, str] = ("", "")

    def send(self, message: Json) -> None:
        """Write one message."""
        if self.process.stdin is None or self.process.stdin.closed:
            raise ClientError("the client's stdin is closed")
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def send_prompt(self, text: str) -> None:
        """Type a prompt."""
        self.send({"type": "user", "message": {"role": "user", "content": text}})

    def send_interrupt(self) -> None:
        """Ask the client to stop what it does, as Escape does."""
        request = {"subtype": "interrupt"}
        self.send({"type": "control_request", "request_id": "interrupt-1", "request": request})

    def signal(self, number: int) -> None:
        """Send the process a signal."""
        self.process.send_signal(number)

    def read_until(self, condition: Callable[[Json], bool]) -> Json:
        """Return the first message for which `condition` holds.

        Raises:
            ClientError: the client ended first.
        """
        deadline = time.monotonic() + self.timeout
        for line in self.process.stdout or ():
            for message in _messages([line]):
                self.messages.append(message)
                if condition(message):
                    return message
            if time.monotonic() > deadline:
                break
        raise ClientError(f"the client did not get there; its last messages: {self.messages[-3:]}")

    def close(self) -> None:
        """Close stdin, which ends a client that is idle, and wait for it."""
        try:
            self._rest = self.process.communicate(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self._rest = self.process.communicate()

    def finished(self) -> Run:
        """What the client left behind."""
        stdout, stderr = self._rest
        messages = [*self.messages, *_messages(stdout.splitlines())]
        return Run(self.process.returncode, stdout, stderr, messages)


def is_result(message: Json) -> bool:
    """True for the message that closes the answer to one prompt."""
    return message.get("type") == "result"


def uses_tool(name: str) -> Callable[[Json], bool]:
    """Return a condition: the assistant has called the tool `name`."""

    def condition(message: Json) -> bool:
        content = message.get("message", {}).get("content", []) if message.get("type") == "assistant" else []
        return any(block.get("type") == "tool_use" and block.get("name") == name for block in content)

    return condition


def _messages(lines: Iterable[str]) -> Iterator[Json]:
    for line in lines:
        if line.startswith("{"):
            yield json.loads(line)


def _write_json(path: Path, value: Json) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2))
    return path
