"""Installing into Claude Code: seen before it is done, and taken back without a trace."""

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from session_buddy.config import Settings, load_settings
from session_buddy.errors import ConfigurationError
from session_buddy.ingest.agents import claude_checks
from session_buddy.ingest.agents.changes import install, uninstall
from session_buddy.ingest.agents.claude_code import ClaudeCode, server_entry
from session_buddy.ingest.agents.claude_hooks import hook_command, wanted_hooks
from session_buddy.ingest.agents.protocol import Check
from session_buddy.ingest.agents.settings_files import is_our_server
from tests.support.hooks import HOOK
from tests.support.settings_files import SERVERS, SETTINGS, written

ADAPTER = ClaudeCode()


class Person:
    """A home with Claude Code's two files in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.hooks = home / ".claude" / "settings.json"
        self.servers = home / ".claude.json"
        self.hooks.parent.mkdir(exist_ok=True)

    @property
    def settings(self) -> Settings:
        return load_settings({}, {"HOME": str(self.home)})

    def install(self) -> int:
        plan = ADAPTER.plan_install(self.settings)
        install(self.settings, ADAPTER.name, plan)
        return len(plan)

    def uninstall(self) -> int:
        plan = ADAPTER.plan_uninstall(self.settings)
        uninstall(self.settings, ADAPTER.name, plan)
        return len(plan)

    def checks(self) -> dict[str, Check]:
        return {check.name: check for check in ADAPTER.checks(self.settings, self.home / "project")}


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    monkeypatch.setattr(claude_checks, "managed_directory", lambda: tmp_path / "managed")
    return Person(tmp_path)


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8-sig"))
    return document


def test_an_install_into_nothing_makes_both_files(person: Person) -> None:
    assert person.install() == 2
    hooks = read(person.hooks)["hooks"]
    assert hooks == {event: [group] for event, group in wanted_hooks(hook_command(None)).items()}
    assert read(person.servers) == {"mcpServers": {"session-buddy": server_entry(None)}}
    assert stat.S_IMODE(person.hooks.stat().st_mode) == 0o600


def test_an_uninstall_after_it_leaves_nothing(person: Person) -> None:
    person.install()
    assert person.uninstall() == 2
    assert not person.hooks.exists()
    assert not person.servers.exists()
    assert not list(Path(person.settings.home, "installed").iterdir())


def test_what_is_written_names_absolute_paths(person: Person) -> None:
    person.install()
    command = read(person.hooks)["hooks"]["Stop"][0]["hooks"][0]["command"]
    assert command == f"{sys.executable} -I -S {HOOK} || true"
    entry = read(person.servers)["mcpServers"]["session-buddy"]
    assert Path(entry["command"]).is_absolute()
    assert entry["args"][-1] == "serve"


def test_a_home_of_its_own_is_told_to_both(person: Person) -> None:
    elsewhere = load_settings({"home": str(person.home / "else where")}, {})
    install(elsewhere, "claude", ADAPTER.plan_install(elsewhere))
    command = read(person.hooks)["hooks"]["Stop"][0]["hooks"][0]["command"]
    assert command.endswith(f"--home '{elsewhere.home}' || true")
    entry = read(person.servers)["mcpServers"]["session-buddy"]
    assert entry["args"][-3:] == ["serve", "--home", elsewhere.home]


def test_no_hook_at_the_end_is_asynchronous_or_unbounded(person: Person) -> None:
    for group in wanted_hooks(hook_command(None)).values():
        (handler,) = group["hooks"]
        assert "async" not in handler
        assert 0 < handler["timeout"] <= 10


def test_no_hook_hands_over_the_words_of_a_prompt(person: Person) -> None:
    written_down = json.dumps(wanted_hooks(hook_command(None)))
    for field in ("prompt", "command_args", "last_assistant_message"):
        assert f"${{{field}}}" not in written_down


def test_a_second_install_changes_nothing(person: Person) -> None:
    person.install()
    before = person.hooks.read_bytes(), person.servers.read_bytes()
    assert person.install() == 0
    assert (person.hooks.read_bytes(), person.servers.read_bytes()) == before


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(written(SETTINGS), written(SERVERS))
def test_any_settings_survive_install_and_uninstall_byte_for_byte(
    person: Person, hooks: bytes, servers: bytes
) -> None:
    person.hooks.write_bytes(hooks)
    person.servers.write_bytes(servers)
    assert person.install() == 2
    assert ADAPTER.plan_install(person.settings) == []
    installed = read(person.hooks)
    for key, value in json.loads(hooks.decode("utf-8-sig")).items():
        if key != "hooks":
            assert installed[key] == value
            continue
        for event, groups in value.items():
            assert installed["hooks"][event][: len(groups)] == groups
    person.uninstall()
    assert (person.hooks.read_bytes(), person.servers.read_bytes()) == (hooks, servers)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(written(SETTINGS), written(SERVERS))
def test_after_a_later_change_only_our_entries_go(person: Person, hooks: bytes, servers: bytes) -> None:
    person.hooks.write_bytes(hooks)
    person.servers.write_bytes(servers)
    person.install()
    for path in (person.hooks, person.servers):
        path.write_bytes(path.read_bytes() + b"\n")
    person.uninstall()
    for path, before in ((person.hooks, hooks), (person.servers, servers)):
        document = json.loads(before.decode("utf-8-sig"))
        assert without_empty(read(path)) == without_empty(document)
    assert ADAPTER.plan_uninstall(person.settings) == []


def without_empty(document: dict[str, Any]) -> dict[str, Any]:
    """Empty containers of hooks and servers mean the same as none."""
    if isinstance(document.get("hooks"), dict):
        document["hooks"] = {event: groups for event, groups in document["hooks"].items() if groups}
    return {key: value for key, value in document.items() if value or key not in {"hooks", "mcpServers"}}


def test_an_install_from_elsewhere_is_replaced_and_still_goes_without_a_trace(person: Person) -> None:
    person.hooks.write_text('{"model": "opus"}')
    person.install()
    old = person.hooks.read_text().replace(sys.executable, "/opt/old/bin/python")
    person.hooks.write_text(old)
    assert person.install() == 1
    hooks = read(person.hooks)["hooks"]
    assert [len(groups) for groups in hooks.values()] == [1] * len(hooks)
    person.uninstall()
    assert read(person.hooks) == {"model": "opus"}


def test_handlers_that_a_user_put_beside_ours_stay(person: Person) -> None:
    person.install()
    document = read(person.hooks)
    own = {"type": "command", "command": "say done"}
    document["hooks"]["Stop"][0]["hooks"].insert(0, own)
    person.hooks.write_text(json.dumps(document))
    person.uninstall()
    assert read(person.hooks) == {"hooks": {"Stop": [{"hooks": [own]}]}}


def test_the_change_is_shown_as_a_diff_without_secrets(person: Person) -> None:
    person.hooks.write_text('{\n  "env": {"GITHUB_TOKEN": "ghp_0123456789abcdefghijklmnopqrstuvwxyz"}\n}\n')
    change, _ = ADAPTER.plan_install(person.settings)
    diff = change.diff()
    assert f"--- {person.hooks}" in diff
    assert '+    "Stop": [' in diff
    assert "[redacted:github-token]" in diff
    assert "0123456789abcdef" not in diff


def test_a_plan_changes_nothing(person: Person) -> None:
    ADAPTER.plan_install(person.settings)
    assert not person.hooks.exists()
    assert not Path(person.settings.home).exists()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"hooks": {}', "is not valid JSON"),
        ("// comment\n{}", "is not valid JSON"),
        ("[]", "does not hold a JSON object"),
        ('{"hooks": []}', "hooks in .* is not an object"),
        ('{"hooks": {"Stop": {}}}', "hooks.Stop in .* is not a list"),
        ("[" * 100_000, "is not valid JSON"),
    ],
)
def test_settings_that_cannot_be_understood_are_left_alone(person: Person, text: str, complaint: str) -> None:
    person.hooks.write_text(text)
    with pytest.raises(ConfigurationError, match=complaint) as raised:
        ADAPTER.plan_install(person.settings)
    assert "\n" not in str(raised.value)
    assert person.hooks.read_text() == text


def test_a_server_of_another_program_under_our_name_is_left_alone(person: Person) -> None:
    person.servers.write_text(
        '{"mcpServers": {"session-buddy": {"command": "npx", "args": ["-y", "other"]}}}'
    )
    with pytest.raises(ConfigurationError, match="belongs to another program"):
        ADAPTER.plan_install(person.settings)
    assert ADAPTER.plan_uninstall(person.settings) == []


def test_our_server_is_known_wherever_it_was_installed() -> None:
    assert is_our_server(server_entry(None))
    assert is_our_server({"command": "/opt/x/bin/session-buddy", "args": ["serve"]})
    assert is_our_server({"command": "/usr/bin/python3", "args": ["-m", "session_buddy", "serve"]})
    assert not is_our_server({"command": "session-buddy", "args": []})
    assert not is_our_server({"url": "http://127.0.0.1"})
    assert not is_our_server(None)


def test_a_link_stays_a_link_and_a_mode_stays_a_mode(person: Person) -> None:
    real = person.home / "dotfiles.json"
    real.write_text("{}")
    real.chmod(0o640)
    person.hooks.symlink_to(real)
    person.install()
    assert person.hooks.is_symlink()
    assert "Stop" in read(real)["hooks"]
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    person.uninstall()
    assert person.hooks.is_symlink()
    assert real.read_text() == "{}"


def test_a_file_that_changed_since_the_plan_is_not_overwritten(person: Person) -> None:
    plan = ADAPTER.plan_install(person.settings)
    person.hooks.write_text('{"model": "opus"}')
    with pytest.raises(ConfigurationError, match="changed by another program"):
        install(person.settings, "claude", plan)
    assert person.hooks.read_text() == '{"model": "opus"}'


def test_a_file_that_cannot_be_written_says_so(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = ADAPTER.plan_install(person.settings)

    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ConfigurationError, match="Permission denied"):
        install(person.settings, "claude", plan)
    assert not person.hooks.exists()
    assert not list(person.home.rglob("*.part"))


def test_a_damaged_backup_is_named(person: Person) -> None:
    person.install()
    backup = Path(person.settings.home, "installed", "claude.json")
    backup.write_text("{}")
    with pytest.raises(ConfigurationError, match=r"is damaged\. Remove it"):
        ADAPTER.plan_uninstall(person.settings)
    backup.unlink()
    person.uninstall()
    assert read(person.hooks) == {}


def test_the_configuration_directory_can_be_elsewhere(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(person.home / "config"))
    person.install()
    assert "Stop" in read(person.home / "config" / "settings.json")["hooks"]
    assert "session-buddy" in read(person.home / "config" / ".claude.json")["mcpServers"]
    monkeypatch.delenv("CLAUDE_CONFIG_DIR")
    assert person.uninstall() == 2
    assert not (person.home / "config" / "settings.json").exists()


def test_an_agent_that_was_never_used_is_not_detected(person: Person) -> None:
    assert ADAPTER.detect() == person.hooks.parent
    person.hooks.parent.rmdir()
    assert ADAPTER.detect() is None


def test_a_fresh_install_has_nothing_to_complain_of(person: Person) -> None:
    person.install()
    assert {check.level for check in person.checks().values()} == {"ok"}


def test_without_an_install_the_remedy_is_to_install(person: Person) -> None:
    checks = person.checks()
    assert [(checks[name].level, checks[name].remedy) for name in ("hooks", "MCP server")] == [
        ("problem", "Run: session-buddy install claude")
    ] * 2


def test_an_installation_that_moved_is_noticed(person: Person) -> None:
    person.install()
    person.servers.write_text(
        '{"mcpServers": {"session-buddy": {"command": "/gone/session-buddy", "args": []}}}'
    )
    person.hooks.write_text(person.hooks.read_text().replace(sys.executable, "/gone/python"))
    checks = person.checks()
    assert (checks["MCP server"].level, checks["hooks"].level) == ("problem", "warning")


@pytest.mark.parametrize("where", [".claude/settings.json", "project/.claude/settings.local.json"])
def test_hooks_that_are_switched_off_are_noticed(person: Person, where: str) -> None:
    person.install()
    path = person.home / where
    path.parent.mkdir(parents=True, exist_ok=True)
    document = read(path) if path.exists() else {}
    path.write_text(json.dumps({**document, "disableAllHooks": True}))
    check = person.checks()["hooks switched off"]
    assert check.level == "problem"
    assert str(path) in check.message


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        ({"disableAllHooks": True}, "disableAllHooks"),
        ({"allowManagedHooksOnly": True}, "allowManagedHooksOnly"),
        ({"strictPluginOnlyCustomization": ["hooks"]}, "strictPluginOnlyCustomization"),
        ({"allowedMcpServers": [{"serverName": "github"}]}, "allowedMcpServers"),
        ({"deniedMcpServers": [{"serverName": "session-buddy"}]}, "deniedMcpServers"),
    ],
)
def test_what_an_administrator_forbids_is_named(person: Person, policy: dict[str, Any], named: str) -> None:
    person.install()
    managed = person.home / "managed" / "managed-settings.d"
    managed.mkdir(parents=True)
    (managed / "10-agents.json").write_text(json.dumps(policy))
    assert named in person.checks()["policy"].message


def test_a_policy_that_allows_us_is_no_problem(person: Person) -> None:
    person.install()
    (person.home / "managed").mkdir()
    policy = {"allowedMcpServers": [{"serverName": "session-buddy"}], "deniedMcpServers": []}
    (person.home / "managed" / "managed-settings.json").write_text(json.dumps(policy))
    assert "policy" not in person.checks()


def test_the_plugin_alone_is_enough_and_both_are_one_too_many(
    person: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    person.hooks.write_text('{"enabledPlugins": {"session-buddy@somewhere": true}}')
    program = tmp_path / "bin" / "session-buddy"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    assert {check.level for check in person.checks().values()} == {"ok"}
    person.install()
    assert person.checks()["hooks"].level == "warning"


def test_what_went_wrong_in_hooks_is_passed_on(person: Person) -> None:
    person.install()
    log = Path(person.settings.home, "hook-errors.log")
    log.write_text("first\n2026-01-01T00:00:00Z OSError: no space\n")
    assert person.checks()["hook errors"].message.endswith(
        "2 lines; the last: 2026-01-01T00:00:00Z OSError: no space"
    )


def test_a_file_that_is_no_json_is_one_clear_problem(person: Person) -> None:
    person.hooks.write_text("{")
    (check,) = person.checks().values()
    assert check.level == "problem"
    assert str(person.hooks) in check.message
