"""The workflow phase that a skill's name speaks of.

A phase is inferred only where the name itself says it, by one of its words; in doubt it stays unknown,
and what an agent reports overrules it. `plugin:` before the name does not count: a plugin named
`release-tools` may hold anything. The description is asked only if the name says nothing, and only its
first word, the verb: "Deploys the app" is deployment, "Explains how tests are deployed" is not.

| phase        | words                                                                                  |
|--------------|----------------------------------------------------------------------------------------|
| rollback     | rollback, revert, undo, restore, back-out                                              |
| cleanup      | cleanup, clean, tidy, prune, teardown, archive                                         |
| deployment   | deploy, release, publish, ship, rollout, merge, push                                   |
| verification | test, tests, testing, lint, review, verify, verification, check, audit, validate, qa... |
| setup        | setup, init, install, bootstrap, scaffold, configure, onboard, brainstorm, plan...     |
| execution    | implement, execute, build, fix, refactor, debug, develop, write, generate, commit...   |
"""

import re
from typing import Final

from session_buddy.models.vocabulary import WorkflowPhase

_WORDS: Final[dict[str, WorkflowPhase]] = {
    **dict.fromkeys(("rollback", "revert", "undo", "restore", "backout"), "rollback"),
    **dict.fromkeys(("cleanup", "clean", "tidy", "prune", "teardown", "archive", "finishing"), "cleanup"),
    **dict.fromkeys(
        ("deploy", "deployment", "release", "releasing", "publish", "ship", "rollout", "merge", "push"),
        "deployment",
    ),
    **dict.fromkeys(
        (
            "test", "tests", "testing", "tdd", "lint", "review", "reviewing", "verify", "verification",
            "check", "checks", "audit", "validate", "validation", "qa", "typecheck",
        ),
        "verification",
    ),
    **dict.fromkeys(
        (
            "setup", "init", "initialize", "install", "bootstrap", "scaffold", "configure", "config",
            "onboard", "brainstorm", "brainstorming", "plan", "plans", "planning", "research", "design",
        ),
        "setup",
    ),
    **dict.fromkeys(
        (
            "implement", "implementing", "execute", "executing", "build", "fix", "refactor", "refactoring",
            "debug", "debugging", "develop", "development", "write", "generate", "commit", "migrate", "code",
            "coding",
        ),
        "execution",
    ),
}  # fmt: skip
_ACTS: Final = frozenset({"executing", "execute", "driven", "implement", "implementing", "fix"})
"""Words that make the others their object: `executing-plans` executes, `test-driven-development` develops."""
_PRECEDENCE: Final[tuple[WorkflowPhase, ...]] = (
    "rollback",
    "cleanup",
    "deployment",
    "verification",
    "setup",
    "execution",
)


def phase_of(skill_name: str, description: str = "") -> WorkflowPhase | None:
    """The phase that the table above gives; None where neither name nor description says one."""
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", skill_name.rsplit(":", 1)[-1]).lower())
    if _ACTS.intersection(words):
        return "execution"
    phases = {_WORDS[word] for word in words if word in _WORDS}
    for phase in _PRECEDENCE:
        if phase in phases:
            return phase
    verb = re.match(r"[A-Za-z]+", description.strip())
    return _of_verb(verb.group().lower()) if verb else None


def _of_verb(verb: str) -> WorkflowPhase | None:
    """`Deploys` and `Deploy` alike."""
    return _WORDS.get(verb) or _WORDS.get(verb.removesuffix("s")) or _WORDS.get(verb.removesuffix("es"))
