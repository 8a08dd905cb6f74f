"""Record the sessions in `tests/fixtures/agents` anew: `python -m tests.agents.record_fixtures NODE_MODULES`.

They are what the real clients wrote when they played `scenarios`, without the clients' own instructions to
their model, and with paths of nobody's.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.agents.clients import Client, CodexClient, GeminiClient, anonymous
from tests.agents.scenarios import codex_session, gemini_session

FIXTURES = Path(__file__).parents[1] / "fixtures" / "agents"
_LEFT_OUT = frozenset(("world_state", "token_usage_record", "turn_context"))


def main(modules: Path) -> None:
    """Play each scenario once, and keep what was written."""
    with tempfile.TemporaryDirectory() as folder:
        codex = CodexClient(modules, Path(folder, "codex"), Path(folder, "codex", "shop"))
        codex.prepare()
        codex_session(codex)
        _keep(codex, codex.sessions()[0], FIXTURES / "codex" / "rollout.jsonl")
        gemini = GeminiClient(modules, Path(folder, "gemini"), Path(folder, "gemini", "shop"))
        gemini.prepare()
        gemini_session(gemini)
        chats = FIXTURES / "gemini" / "shop" / "chats"
        _keep(gemini, gemini.sessions()[-1], chats / "session.jsonl")
        (chats.parent / ".project_root").write_text("/home/dev/shop")


def _keep(client: Client, written: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.loads(line) for line in anonymous(written.read_text(), client).splitlines() if line.strip()]
    kept.write_text("".join(f"{json.dumps(line)}\n" for line in lines if _matters(line)))


def _matters(line: dict[str, Any]) -> bool:
    payload = line.get("payload", {})
    payload.pop("base_instructions", None)
    if line.get("type") in _LEFT_OUT or payload.get("role") == "developer":
        return False
    return not isinstance(line.get("$set"), dict) or "messages" not in line["$set"]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
