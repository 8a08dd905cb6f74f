"""Installing into any agent: seen before it is done, done once, and taken back without a trace."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from session_buddy.cli.agents import ADAPTERS, agent_findings
from session_buddy.config import Settings, load_settings
from session_buddy.errors import ConfigurationError
from session_buddy.ingest.agents.changes import install, uninstall
from session_buddy.ingest.agents.jsonc import plain
from session_buddy.ingest.agents.protocol import AgentAdapter, Check

OTHERS = [name for name in ADAPTERS if name != "claude"]

CONFIG_TOML = """# mine
model = "gpt-5"   # the good one

[mcp_servers.files]
command = "files"
args = [
    "--root", "/srv",
]

[mcp_servers.files.env]
TOKEN = 'x'

[[hooks.state.list]]
a = 1
"""
WITH_COMMENTS = """// mine
{
    /* servers */ "mcpServers": {
        "files": {"command": "files", "args": ["//not a comment"]}, // the first
    },
    "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]},
}
"""
SEED: dict[str, dict[str, str]] = {
    "codex": {
        ".codex/config.toml": CONFIG_TOML,
        ".codex/hooks.json": '{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"say done"}]}]}}',
    },
    "cursor": {
        ".cursor/mcp.json": '{\r\n\t"mcpServers": {"files": {"command": "files"}}\r\n}\r\n',
        ".cursor/hooks.json": '{"version": 1, "hooks": {"stop": [{"command": "./mine.sh"}]}}',
    },
    "gemini": {".gemini/settings.json": WITH_COMMENTS},
    "vscode": {
        ".config/Code/User/mcp.json": WITH_COMMENTS.replace("mcpServers", "servers"),
        ".copilot/hooks/mine.json": "{}",
    },
}


class Person:
    """A home, and what lies in it beside our own record."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.settings: Settings = load_settings({}, {"HOME": str(home)})

    def has(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())

    def files(self) -> dict[str, bytes]:
        own = Path(self.settings.home)
        found = (path for path in self.home.rglob("*") if path.is_file() and not path.is_relative_to(own))
        return {str(path.relative_to(self.home)): path.read_bytes() for path in found}

    def folders(self) -> set[Path]:
        own = Path(self.settings.home)
        return {path for path in self.home.rglob("*") if path.is_dir() and not path.is_relative_to(own)}

    def install(self, adapter: AgentAdapter) -> int:
        plan = adapter.plan_install(self.settings)
        install(self.settings, adapter.name, plan)
        return len(plan)

    def uninstall(self, adapter: AgentAdapter) -> int:
        plan = adapter.plan_uninstall(self.settings)
        uninstall(self.settings, adapter.name, plan)
        return len(plan)

    def checks(self, adapter: AgentAdapter) -> dict[str, Check]:
        return {check.name: check for check in adapter.checks(self.settings, self.home)}


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CODEX_HOME", "GEMINI_CLI_HOME", "COPILOT_HOME", "XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    return Person(tmp_path)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("seeded", [False, True])
def test_an_uninstall_gives_every_file_back_byte_for_byte(name: str, seeded: bool, person: Person) -> None:
    adapter = ADAPTERS[name]
    person.has(SEED[name] if seeded else {})
    before, folders = person.files(), person.folders()
    assert person.install(adapter) == len(SEED[name])
    assert person.files() != before
    person.uninstall(adapter)
    assert person.files() == before
    assert person.folders() == folders
    assert not adapter.installed(person.settings)


@pytest.mark.parametrize("name", OTHERS)
def test_a_second_install_changes_nothing(name: str, person: Person) -> None:
    adapter = ADAPTERS[name]
    person.has(SEED[name])
    person.install(adapter)
    after = person.files()
    assert person.install(adapter) == 0
    assert person.files() == after


@pytest.mark.parametrize("name", OTHERS)
def test_what_the_user_had_is_still_there_after_an_install(name: str, person: Person) -> None:
    person.has(SEED[name])
    person.install(ADAPTERS[name])
    for path, text in SEED[name].items():
        installed = (person.home / path).read_bytes().decode()
        assert all(comment in installed for comment in ("// mine", "/* servers */") if comment in text)
        if path.endswith(".toml"):
            assert installed.startswith(text)
        else:
            had, has = (json.loads(plain(each)) for each in (text, installed))
            assert all(
                has[key].items() >= value.items() for key, value in had.items() if key.endswith("ervers")
            )
        assert ("say done" in installed) == ("say done" in text)
        assert ("mine.sh" in installed) == ("mine.sh" in text)


@pytest.mark.parametrize("name", OTHERS)
def test_what_the_user_added_since_stays_when_ours_is_taken_out(name: str, person: Person) -> None:
    adapter = ADAPTERS[name]
    person.has(SEED[name])
    before = person.files()
    person.install(adapter)
    for path in SEED[name]:
        target = person.home / path
        comment = "# later\n" if path.endswith(".toml") else " \n"
        target.write_bytes(target.read_bytes() + comment.encode())
    person.uninstall(adapter)
    for path, text in before.items():
        left = (person.home / path).read_bytes().decode()
        assert "session-buddy" not in left
        assert "hook.py" not in left
        if path.endswith(".toml"):
            assert tomllib.loads(left) == tomllib.loads(text.decode())
            assert left.endswith("# later\n")


@pytest.mark.parametrize("name", OTHERS)
def test_checks_say_what_is_missing_and_that_it_is_there(name: str, person: Person) -> None:
    adapter = ADAPTERS[name]
    missing = person.checks(adapter)
    assert all(check.level == "problem" and check.remedy for check in missing.values())
    person.install(adapter)
    there = person.checks(adapter)
    trust = there.pop("Codex CLI: trust", None)
    assert {check.level for check in there.values()} == {"ok"}
    assert (trust is not None) == (name == "codex")
    if trust is not None:
        assert (trust.level, "/hooks" in trust.remedy) == ("problem", True)


def test_codex_is_trusted_once_its_own_settings_say_so(person: Person) -> None:
    person.install(ADAPTERS["codex"])
    config = person.home / ".codex" / "config.toml"
    hooks = person.home / ".codex" / "hooks.json"
    state = f'\n[hooks.state."{hooks}:stop:0:0"]\ntrusted_hash = "sha256:00"\n'
    config.write_text(config.read_text() + state)
    assert person.checks(ADAPTERS["codex"])["Codex CLI: trust"].level == "ok"
    config.write_text(config.read_text() + "\n[features]\nhooks = false\n")
    assert "switches hooks off" in person.checks(ADAPTERS["codex"])["Codex CLI: trust"].message


def test_a_table_that_codex_keeps_below_our_server_survives_an_install_and_goes_with_it(
    person: Person,
) -> None:
    config = person.home / ".codex" / "config.toml"
    person.has(
        {
            ".codex/config.toml": '[mcp_servers."session-buddy"] # old\ncommand = "/old/session-buddy"\n'
            'args = ["serve"]\n\n[mcp_servers.session-buddy.tools.rate_skill]\napproval_mode = "approve"\n'
            '\n[tui]\ntheme = "x"\n'
        }
    )
    person.install(ADAPTERS["codex"])
    document = tomllib.loads(config.read_text())
    assert document["mcp_servers"]["session-buddy"]["tools"] == {"rate_skill": {"approval_mode": "approve"}}
    assert document["mcp_servers"]["session-buddy"]["command"] != "/old/session-buddy"
    config.write_text(config.read_text() + "# changed\n")
    person.uninstall(ADAPTERS["codex"])
    assert tomllib.loads(config.read_text()) == {"tui": {"theme": "x"}}


BROKEN: dict[str, tuple[str, str]] = {
    "codex": (".codex/config.toml", "model = "),
    "cursor": (".cursor/mcp.json", "{"),
    "gemini": (".gemini/settings.json", "[]"),
    "vscode": (".config/Code/User/mcp.json", '{"servers": 1}'),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_broken_file_is_named_and_left_alone(name: str, person: Person) -> None:
    path, text = BROKEN[name]
    person.has({path: text})
    with pytest.raises(ConfigurationError) as caught:
        ADAPTERS[name].plan_install(person.settings)
    assert path in str(caught.value)
    assert "then try again" in str(caught.value)
    assert any(
        check.level == "problem" and path in check.message for check in person.checks(ADAPTERS[name]).values()
    )


TAKEN: dict[str, tuple[str, str]] = {
    "codex": (".codex/config.toml", '[mcp_servers.session-buddy]\nurl = "http://127.0.0.1"\n'),
    "cursor": (".cursor/mcp.json", '{"mcpServers": {"session-buddy": {"command": "other"}}}'),
    "gemini": (".gemini/settings.json", '{"mcpServers": {"session-buddy": {"url": "x"}}}'),
    "vscode": (".config/Code/User/mcp.json", '{"servers": {"session-buddy": {"command": "other"}}}'),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_server_of_our_name_that_is_not_ours_is_not_taken_over(name: str, person: Person) -> None:
    path, text = TAKEN[name]
    person.has({path: text})
    with pytest.raises(ConfigurationError, match="belongs to another program"):
        ADAPTERS[name].plan_install(person.settings)
    assert not ADAPTERS[name].plan_uninstall(person.settings)


def test_toml_that_cannot_be_edited_as_text_is_refused(person: Person) -> None:
    person.has({".codex/config.toml": 'mcp_servers = { files = { command = "files" } }\n'})
    with pytest.raises(ConfigurationError, match=r"by hand|not valid"):
        ADAPTERS["codex"].plan_install(person.settings)


def test_doctor_asks_nobody_to_install_into_every_agent(person: Person) -> None:
    person.has({".codex/x": "", ".gemini/x": "", ".cursor/x": "", ".config/Code/User/x": ""})
    person.install(ADAPTERS["gemini"])
    found = {finding.check: finding.state for finding in agent_findings(person.settings)}
    assert found == {
        "Gemini CLI: MCP server and hooks": "ok",
        "Codex CLI": "ok",
        "Cursor": "ok",
        "VS Code": "ok",
    }


def test_a_home_of_ones_own_is_passed_to_server_and_hooks(person: Person) -> None:
    settings = load_settings({"home": str(person.home / "elsewhere")}, {"HOME": str(person.home)})
    plan = {change.path.name: change.after or b"" for change in ADAPTERS["codex"].plan_install(settings)}
    assert f'"--home", "{person.home}/elsewhere"' in plan["config.toml"].decode()
    hooks: dict[str, Any] = json.loads(plan["hooks.json"])["hooks"]
    assert f"--home {person.home}/elsewhere --agent codex" in hooks["Stop"][0]["hooks"][0]["command"]
