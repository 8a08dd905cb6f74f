"""The hook for Cursor, whose own transcripts have neither times nor results: it keeps what hooks say.

Run as `<python> -I -S hook_cursor.py [--home DIR] --agent cursor`. It adds a line to the conversation's file
in the home's `records`, then does what `hook.py` beside it does: the leader reads that file as it reads
other agents' transcripts. As silent, and as free of imports, as `hook.py`.
"""

import json
import os
import re
import sys

try:
    from session_buddy.ingest import hook
except ImportError:  # as Cursor runs it: `-I -S` leaves no place to import the package from
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))
    import hook  # type: ignore[import-not-found, no-redef]

COMMAND_LIMIT = 4_000
CURSOR_FIELDS = (
    "hook_event_name",
    "conversation_id",
    "generation_id",
    "tool_name",
    "tool_use_id",
    "status",
    "failure_type",
)
OWN_ARGUMENTS = ("skill_name", "completed", "outcome")  # of our own tool, so that a report finds its use


def cursor_record(payload: dict[str, object], at: str) -> str:
    """What is kept of a hook of Cursor, as one line: what it was about, never what was said or read."""
    kept: dict[str, object] = {"at": at}
    for name in CURSOR_FIELDS:
        text = hook.text(payload, name)
        if text:
            kept[name] = text
    roots, given = payload.get("workspace_roots"), payload.get("tool_input")
    if isinstance(roots, list) and roots:
        kept["workspace_roots"] = [hook.text({"root": roots[0]}, "root")]
    if isinstance(given, dict):
        names = ("command", "file_path", "path", "target_file", *OWN_ARGUMENTS)
        kept["tool_input"] = {
            name: given[name]
            if isinstance(given[name], bool)
            else hook.redact(hook.field(given, name))[:COMMAND_LIMIT]
            for name in names
            if isinstance(given.get(name), (str, bool))
        }
    try:
        status = json.loads(hook.field(payload, "tool_output")).get("exitCode")
    except (ValueError, AttributeError):
        status = None
    if isinstance(status, int):
        kept["exit_code"] = status
    return json.dumps(kept, separators=(",", ":"))


def record(home: str, payload: object, now_ns: int, agent: str = "cursor") -> None:
    """Keep one payload and journal it; errors as `hook.record`."""
    if not isinstance(payload, dict):
        raise ValueError("the payload is no JSON object")  # noqa: TRY004 - a bad value, as JSON's own errors
    session = hook.field(payload, "conversation_id") or hook.field(payload, "session_id")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", session):
        raise ValueError("the payload names no usable conversation")
    payload.update(conversation_id=session, session_id=session)
    directory = os.path.join(home, "records")
    path = os.path.join(directory, f"cursor-{session}.jsonl")
    os.makedirs(directory, 0o700, exist_ok=True)
    hook.append_durably(directory, [cursor_record(payload, hook.stamp_of(now_ns))], now_ns, path)
    payload["transcript_path"] = path
    hook.record(home, payload, now_ns, agent)


if __name__ == "__main__":
    hook.run(sys.argv[1:], record)
    os._exit(0)  # as `hook.py`: nothing is buffered
