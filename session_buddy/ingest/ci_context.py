"""Where in CI we run, from the environment of GitHub Actions, GitLab CI or Jenkins. Imports nothing.

triggered_by is what started the run (`push`, `schedule`), never a person's name.
"""

ENVIRONMENTS = {
    "production": "production",
    "prod": "production",
    "live": "production",
    "staging": "staging",
    "stage": "staging",
    "preprod": "staging",
    "development": "development",
    "dev": "development",
    "testing": "testing",
    "test": "testing",
    "qa": "testing",
}
FIELDS = (
    "ci_system",
    "pipeline_name",
    "stage",
    "build_number",
    "git_commit",
    "git_branch",
    "environment",
    "triggered_by",
)
_VARIABLES = {
    "github": {
        "pipeline_name": ("GITHUB_WORKFLOW",),
        "stage": ("GITHUB_JOB",),
        "build_number": ("GITHUB_RUN_NUMBER",),
        "git_commit": ("GITHUB_SHA",),
        "git_branch": ("GITHUB_HEAD_REF", "GITHUB_REF_NAME"),
        "triggered_by": ("GITHUB_EVENT_NAME",),
    },
    "gitlab": {
        "pipeline_name": ("CI_PIPELINE_NAME", "CI_PROJECT_PATH", "CI_PROJECT_NAME"),
        "stage": ("CI_JOB_STAGE", "CI_JOB_NAME"),
        "build_number": ("CI_PIPELINE_IID", "CI_PIPELINE_ID"),
        "git_commit": ("CI_COMMIT_SHA",),
        "git_branch": ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_REF_NAME"),
        "environment": ("CI_ENVIRONMENT_TIER", "CI_ENVIRONMENT_NAME"),
        "triggered_by": ("CI_PIPELINE_SOURCE",),
    },
    "jenkins": {
        "pipeline_name": ("JOB_NAME",),
        "stage": ("STAGE_NAME",),
        "build_number": ("BUILD_NUMBER",),
        "git_commit": ("GIT_COMMIT",),
        "git_branch": ("CHANGE_BRANCH", "BRANCH_NAME", "GIT_BRANCH"),
        "triggered_by": ("BUILD_CAUSE",),
    },
}


def context_of(environ: "dict[str, str]") -> "dict[str, str]":
    """The fields of `FIELDS` that the environment gives; an empty dict outside CI."""
    system = _system(environ)
    if system is None:
        return {}
    found = {"ci_system": system}
    for field, variables in _VARIABLES[system].items():
        for variable in variables:
            value = environ.get(variable, "").strip()
            if value:
                found[field] = value
                break
    if system == "jenkins" and found.get("git_branch", "").startswith("origin/"):
        found["git_branch"] = found["git_branch"][len("origin/") :]
    if "environment" in found:
        known = environment_of(found.pop("environment"))
        if known is not None:
            found["environment"] = known
    return found


def environment_of(name: str) -> "str | None":
    """The environment that a deployment's name speaks of (`prod`, `review/x`); None if it is none of ours."""
    return ENVIRONMENTS.get(name.strip().lower().partition("/")[0])


def _system(environ: "dict[str, str]") -> "str | None":
    if environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    if environ.get("GITLAB_CI"):
        return "gitlab"
    if environ.get("JENKINS_URL") or environ.get("JENKINS_HOME"):
        return "jenkins"
    return None
