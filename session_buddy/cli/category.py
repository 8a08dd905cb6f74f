"""`category`: what kind of skill one is, and overruling what the rules guess."""

from typing import get_args

import click

from session_buddy.cli.asking import ask
from session_buddy.cli.options import Command, json_option, settings_of
from session_buddy.cli.plain import print_json
from session_buddy.models.vocabulary import Modality

_BY = {"rule": "by the words of its name and description", "user": "as you said", None: ""}


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy category review-pr
  session-buddy category review-pr quality
  session-buddy category draw "house style" --modality image""",
)
@click.argument("skill")
@click.argument("name", required=False)
@click.option("--modality", type=click.Choice(get_args(Modality)), help="What the skill works on.")
@json_option
@click.pass_context
def category(
    context: click.Context, skill: str, name: str | None, modality: str | None, as_json: bool
) -> None:
    """Show what kind of skill one is, or say it: NAME is one of the built-in categories or your own.

    What you say overrules the rules for good, and a rebuild keeps it.
    """
    given = {"skill_name": skill, "category": name, "modality": modality}
    result = ask(
        settings_of(context), "kind", {key: value for key, value in given.items() if value is not None}
    )
    if as_json:
        print_json(result)
        return
    from session_buddy.cli.output import console, facts, say  # rich, which --json does without

    out = console()
    say(out, result["skill_name"], "bold")
    known = {
        key: f"{result[key]} ({_BY[result[f'{key}_by']]})" if result[key] else "none: no word speaks for one"
        for key in ("category", "modality")
    }
    facts(out, (known | {"categories": ", ".join(result["categories"])}).items())
