"""Which workflow phase a CI stage or a phase of a quality gate is. Imports nothing: `ci` must start fast."""

GATES = {
    "fast_hooks": "setup",
    "tests": "execution",
    "ai_fix": "execution",
    "comprehensive_hooks": "verification",
}
STAGES = {
    "build": "setup",
    "test": "execution",
    "lint": "verification",
    "security": "verification",
    "deploy": "deployment",
    "publish": "deployment",
}
OTHER_WORDS = {
    "tests": "test",
    "testing": "test",
    "pytest": "test",
    "compile": "build",
    "linting": "lint",
    "deployment": "deploy",
    "release": "publish",
}
UNKNOWN = "unknown"


def phase_of_stage(stage: str) -> str:
    """The workflow phase of a stage: by its name, else by its words where they agree.

    >>> phase_of_stage("Build"), phase_of_stage("unit-tests"), phase_of_stage("build-and-deploy")
    ('setup', 'execution', 'unknown')
    """
    name = stage.strip().lower()
    if name in STAGES:
        return STAGES[name]
    words = "".join(letter if letter.isalnum() else " " for letter in name).split()
    known = [STAGES.get(OTHER_WORDS.get(word, word)) for word in words]
    found = {phase for phase in known if phase is not None}
    return found.pop() if len(found) == 1 else UNKNOWN
