"""Runs the real Codex CLI and the real Gemini CLI, headless, in a home and a project of their own.

Nothing of the person who runs the tests leaks in (the environment is built from nothing), and nothing leaves
the machine: the only model that the clients know is the scripted one on loopback.
"""

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agents.scripted_models import ScriptedModel, Turn, scripted_model

SECONDS = 90
SKILL = """---
name: {name}
description: {description}
---
{body}
"""


@dataclass(frozen=True)
class Run:
    """What one run of a client left behind, and what it asked its model."""

    returncode: int
    stdout: str
    stderr: str
    model: ScriptedModel


@dataclass(frozen=True)
class Client:
    """One installation: a home with the client's settings, and a project."""

    modules: Path
    home: Path
    project: Path

    def prepare(self) -> None:
        """Make the project, with a check that passes or fails as told (`make test STATUS=1`)."""
        self.project.mkdir(parents=True)
        (self.project / "Makefile").write_text("test:\n\t@exit $(STATUS)\n")
        subprocess.run(["git", "init", "-q", str(self.project)], check=True, timeout=SECONDS)

    def skill(self, folder: str, name: str, description: str = "Helps.", body: str = "Do it.") -> Path:
        """Install a skill below the home; its `SKILL.md`."""
        path = self.home / folder / "skills" / name / "SKILL.md"
        path.parent.mkdir(parents=True)
        path.write_text(SKILL.format(name=name, description=description, body=body))
        return path

    def _run(self, words: Sequence[str], environment: dict[str, str], model: ScriptedModel) -> Run:
        node = self.modules / ".bin"
        path = os.pathsep.join([str(node), os.environ.get("PATH", "")])
        done = subprocess.run(
            words,
            cwd=self.project,
            env={"PATH": path, "HOME": str(self.home), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        return Run(done.returncode, done.stdout, done.stderr, model)


@dataclass(frozen=True)
class CodexClient(Client):
    """Codex CLI with the scripted model as its provider."""

    def prepare(self) -> None:
        """The project, and settings that name the model's provider."""
        super().prepare()
        config = self.home / ".codex" / "config.toml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(
            'model = "gpt-5"\nmodel_provider = "scripted"\n\n[model_providers.scripted]\nname = "scripted"\n'
            'base_url = "http://127.0.0.1:1/v1"\nenv_key = "SCRIPTED_KEY"\nwire_api = "responses"\n'
            "request_max_retries = 0\nstream_max_retries = 0\n"
        )

    def run(self, script: Sequence[Turn], *words: str) -> Run:
        """`codex exec` with these words, answered by the script."""
        with scripted_model(script) as model:
            return self._run(
                [
                    str(self.modules / ".bin" / "codex"),
                    "exec",
                    "--dangerously-bypass-approvals-and-sandbox",
                    "-c",
                    f'model_providers.scripted.base_url="{model.url}/v1"',
                    *words,
                ],
                {"SCRIPTED_KEY": "scripted"},
                model,
            )

    def hooks(self) -> list[dict[str, Any]]:
        """What Codex itself says of the hooks it found (`hooks/list` of its app server)."""
        ask = [
            {"id": 0, "method": "initialize", "params": {"clientInfo": {"name": "test", "version": "1"}}},
            {"id": 1, "method": "hooks/list", "params": {"cwds": [str(self.project)]}},
        ]
        with subprocess.Popen(
            [str(self.modules / ".bin" / "codex"), "app-server"],
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.home), "SCRIPTED_KEY": "scripted"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            try:
                server.stdin.write("".join(f"{json.dumps(line)}\n" for line in ask))
                server.stdin.flush()
                for line in server.stdout:
                    answer = json.loads(line)
                    if answer.get("id") == 1:
                        return [hook for entry in answer["result"]["data"] for hook in entry["hooks"]]
            finally:
                server.kill()
        raise AssertionError("codex app-server did not list its hooks")

    def trust(self) -> None:
        """Trust every hook that Codex found, as `/hooks` does."""
        config = self.home / ".codex" / "config.toml"
        lines = [
            f'[hooks.state."{hook["key"]}"]\ntrusted_hash = "{hook["currentHash"]}"\n'
            for hook in self.hooks()
        ]
        config.write_text(config.read_text() + "\n" + "\n".join(lines))

    def sessions(self) -> list[Path]:
        """Its rollouts, oldest first."""
        return sorted((self.home / ".codex" / "sessions").rglob("*.jsonl"))


@dataclass(frozen=True)
class GeminiClient(Client):
    """Gemini CLI with the scripted model in place of Google's."""

    def prepare(self) -> None:
        """The project, and settings under which it starts without a question."""
        super().prepare()
        settings = self.home / ".gemini" / "settings.json"
        settings.parent.mkdir(parents=True, exist_ok=True)
        chosen = {
            "security": {"auth": {"selectedType": "gemini-api-key"}},
            "privacy": {"usageStatisticsEnabled": False},
            "general": {"enableAutoUpdate": False},
        }
        settings.write_text("// made by a test\n" + json.dumps(chosen, indent=2) + "\n")

    def run(self, script: Sequence[Turn], prompt: str, *words: str) -> Run:
        """One prompt, answered by the script."""
        with scripted_model(script) as model:
            return self._run(
                [
                    str(self.modules / ".bin" / "gemini"),
                    "--yolo",
                    "--skip-trust",
                    "-m",
                    "gemini-2.5-flash",
                    *words,
                    "-p",
                    prompt,
                ],
                {"GEMINI_API_KEY": "scripted", "GOOGLE_GEMINI_BASE_URL": model.url},
                model,
            )

    def sessions(self) -> list[Path]:
        """Its session records, oldest first."""
        return sorted((self.home / ".gemini" / "tmp").glob("*/chats/*.jsonl"))


def anonymous(text: str, client: Client) -> str:
    """A session's file as it is committed: no path of this machine, none of the client's own prompts."""
    text = text.replace(str(client.project), "/home/dev/shop").replace(str(client.home), "/home/dev")
    return re.sub(r"/home/dev/?\S*?/(shell_snapshots|tmp)/\S+", "/home/dev/elsewhere", text)
