"""What the real clients are told to do, for the committed sessions and for the tests that run them."""

from tests.agents.clients import CodexClient, GeminiClient
from tests.agents.scripted_models import Call, Turn


def codex_session(client: CodexClient) -> None:
    """The agent takes up a skill, its check fails and then passes; one is unknown; the user names one."""
    polish = client.skill(".agents", "polish", "Polishes text.", "Run make test.")
    client.skill(".codex", "greet", "Greets people warmly.", "Say hello.")
    first: list[Turn] = [
        [Call("exec_command", {"cmd": f"sed -n 1,200p {polish}"}, "call_polish_0000000000000001")],
        [Call("exec_command", {"cmd": "make test STATUS=1"}, "call_check_00000000000000001")],
        [Call("exec_command", {"cmd": "make test STATUS=0"}, "call_check_00000000000000002")],
        "Polished.",
    ]
    second: list[Turn] = [
        [Call("exec_command", {"cmd": "cat .codex/skills/nosuch/SKILL.md"}, "call_nosuch_0000000000000001")],
        [Call("exec_command", {"cmd": f"cat {client.home}/.codex/skills/greet/SKILL.md"}, "call_again")],
        [Call("exec_command", {"cmd": "make test STATUS=1"}, "call_check_00000000000000003")],
        "Hello.",
    ]
    assert client.run(first, "polish the readme").returncode == 0
    session = client.sessions()[0].stem[-36:]
    assert client.run(second, "resume", session, "now $greet everybody").returncode == 0


def gemini_session(client: GeminiClient, *more: Turn) -> None:
    """One skill is unknown; of one a check fails and then passes; the file of one the agent reads itself.

    more: what it does before its last word.
    """
    client.skill(".gemini", "polish", "Polishes text.", "Run make test.")
    greet = client.skill(".agents", "greet", "Greets people warmly.", "Say hello.")
    script: list[Turn] = [
        [Call("activate_skill", {"name": "nosuch"}, "one")],
        [Call("activate_skill", {"name": "polish"}, "four")],
        [Call("run_shell_command", {"command": "make test STATUS=1"}, "two")],
        [Call("run_shell_command", {"command": "make test STATUS=0"}, "three")],
        [Call("run_shell_command", {"command": f"cat {greet}"}, "five")],
        [Call("run_shell_command", {"command": "make test STATUS=1"}, "six")],
        *more,
        "Hello.",
    ]
    assert client.run(script, "polish the readme").returncode == 0
