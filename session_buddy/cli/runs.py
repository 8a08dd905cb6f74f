"""`ci` as click knows it, for help; `pipelines` and `quality`, which read what was recorded."""

import click

from session_buddy.cli.asking import ask
from session_buddy.cli.options import Command, json_option, settings_of
from session_buddy.cli.plain import print_json
from session_buddy.ingest import ci as wrapper

_days = click.option(
    "--days",
    type=click.FloatRange(0, 36_500, min_open=True),
    metavar="N",
    default=30,
    show_default=True,
    help="How far back.",
)
_project = click.option("--project", metavar="DIR", help="Only runs of one project, by its folder.")


@click.command(
    cls=Command,
    context_settings={"allow_interspersed_args": False},
    epilog="""\b
Examples:
  session-buddy ci --stage test -- pytest
  session-buddy ci --pipeline shop --stage deploy --environment production -- ./deploy.sh
  session-buddy ci --journal ci-journal --stage build -- make""",
)
@click.option(
    "--pipeline", metavar="NAME", help="Its name [default: as the CI system says, else this folder's]."
)
@click.option(
    "--stage", metavar="NAME", help="Its stage [default: the CI system's stage or job, else the command]."
)
@click.option("--environment", metavar="NAME", help="production, staging, development or testing.")
@click.option("--build-number", help="Number of the build [default: from the CI system].")
@click.option("--git-commit", help="Commit that is built [default: from the CI system].")
@click.option("--git-branch", help="Branch that is built [default: from the CI system].")
@click.option("--triggered-by", help="What started it, such as push, not who [default: from the CI system].")
@click.option("--session", metavar="ID", help="The agent's session [default: CLAUDE_CODE_SESSION_ID].")
@click.option(
    "--journal", metavar="DIR", help="Write there instead, for a build artifact that 'import' takes."
)
@click.argument("command", metavar="-- COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def ci(context: click.Context, /, command: tuple[str, ...], **given: str | None) -> None:
    """Run COMMAND as it is, and record how long that CI stage took and how it ended.

    The command's streams, signals and exit status are its own, whatever happens to the recording. Works
    in GitHub Actions, GitLab CI, Jenkins, and anywhere else with --pipeline and --stage.
    """
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not None]
    home = context.ensure_object(dict).get("home")
    context.exit(wrapper.main([*flags, "--", *command], home))


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy pipelines
  session-buddy pipelines shop --days 7
  session-buddy pipelines --json""",
)
@click.argument("pipeline", required=False)
@_project
@_days
@json_option
@click.pass_context
def pipelines(
    context: click.Context, pipeline: str | None, project: str | None, days: float, as_json: bool
) -> None:
    """Show how CI stages went: success, durations, and which of them hold the pipeline up."""
    given = {"pipeline_name": pipeline, "project": project, "days": days}
    result = ask(settings_of(context), "pipelines", given)
    if as_json:
        print_json(result)
        return
    from session_buddy.cli import runs_view  # rich and pydantic, which --json does without
    from session_buddy.cli.tables import answer_of
    from session_buddy.models.answers_runs import PipelineAnalytics

    runs_view.show_pipelines(answer_of(PipelineAnalytics, result))


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy quality
  session-buddy quality --session 5f0c9a52-6f1e-4a53-9a0b-0c8a1f2e3d4c
  session-buddy quality --days 7 --json""",
)
@click.option(
    "--session",
    "session_id",
    metavar="ID",
    help="Only that session, with its skills, gates and stages in order.",
)
@_project
@_days
@json_option
@click.pass_context
def quality(
    context: click.Context, session_id: str | None, project: str | None, days: float, as_json: bool
) -> None:
    """Show quality gates by phase: pass rate, what fails often, and the skills that fixed it."""
    given = {"session_id": session_id, "project": project, "days": days}
    result = ask(settings_of(context), "quality", given)
    if as_json:
        print_json(result)
        return
    from session_buddy.cli import runs_view  # rich and pydantic, which --json does without
    from session_buddy.cli.tables import answer_of
    from session_buddy.models.answers_runs import QualityWorkflow

    runs_view.show_quality(answer_of(QualityWorkflow, result))
