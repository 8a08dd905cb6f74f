"""Claude Code's transcript records, made by hand, one second apart unless a test says otherwise."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

BEGAN = datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC)


class Conversation:
    """Writes the records of one session; every method gives the record that it added."""

    def __init__(self, session: str = "session-1", thread: str | None = None) -> None:
        self.session = session
        self.thread = thread
        self.now = BEGAN
        self.records: list[dict[str, Any]] = []

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def add(self, kind: str, **fields: Any) -> dict[str, Any]:
        self.now += timedelta(seconds=1)
        record = {
            "type": kind,
            "uuid": f"{self.session}-{self.thread or 'main'}-{len(self.records)}",
            "sessionId": self.session,
            "cwd": "/home/dev/shop",
            "timestamp": self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **fields,
        }
        if self.thread:
            record |= {"isSidechain": True, "agentId": self.thread}
        self.records.append(record)
        return record

    def prompt(self, text: str = "please", **fields: Any) -> dict[str, Any]:
        return self.user(text, permissionMode="default", **fields)

    def user(self, content: Any, **fields: Any) -> dict[str, Any]:
        return self.add("user", message={"role": "user", "content": content}, **fields)

    def say(self, text: str = "done", stop: str | None = None) -> dict[str, Any]:
        return self.assistant([{"type": "text", "text": text}], stop)

    def end_turn(self, text: str = "done") -> dict[str, Any]:
        return self.say(text, "end_turn")

    def assistant(self, content: list[dict[str, Any]], stop: str | None = None) -> dict[str, Any]:
        return self.add("assistant", message={"role": "assistant", "content": content, "stop_reason": stop})

    def call(self, use_id: str, name: str, **given: Any) -> dict[str, Any]:
        return self.assistant([{"type": "tool_use", "id": use_id, "name": name, "input": given}], "tool_use")

    def answer(self, use_id: str, text: str = "ok", *, error: bool = False, **outcome: Any) -> dict[str, Any]:
        block = {"type": "tool_result", "tool_use_id": use_id, "content": text, "is_error": error}
        return self.user([block], toolUseResult=outcome or text)

    def skill(self, use_id: str, name: str, args: str | None = None, body: str | None = None) -> None:
        given = {"skill": name} if args is None else {"skill": name, "args": args}
        self.call(use_id, "Skill", **given)
        self.answer(use_id, f"Launching skill: {name}", success=True, commandName=name)
        if body is not None:
            self.user([{"type": "text", "text": body}], isMeta=True, sourceToolUseID=use_id)

    def unknown_skill(self, use_id: str, name: str) -> None:
        self.call(use_id, "Skill", skill=name)
        self.answer(use_id, f"<tool_use_error>Unknown skill: {name}</tool_use_error>", error=True)

    def slash(self, name: str, args: str = "", body: str = "Do it.", **fields: Any) -> None:
        tags = f"<command-message>{name}</command-message>\n<command-name>/{name}</command-name>"
        self.user(f"{tags}\n<command-args>{args}</command-args>", **fields)
        self.user([{"type": "text", "text": body}], isMeta=True)

    def bash(self, use_id: str, command: str, text: str = "ok", *, error: bool = False) -> None:
        self.call(use_id, "Bash", command=command)
        self.answer(use_id, text, error=error)

    def interrupt(self) -> None:
        self.user([{"type": "text", "text": "[Request interrupted by user]"}])

    def lines(self) -> bytes:
        return as_lines(self.records)


def as_lines(records: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)
