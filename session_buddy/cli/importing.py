"""`import`: transcripts and exports that are there already."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from session_buddy.cli.agents import session_folders, short
from session_buddy.cli.asking import Leader
from session_buddy.cli.formats import clean, count
from session_buddy.cli.import_reader import ImportReader, worth_a_process
from session_buddy.cli.options import Command, json_option, settings_of, yes_option
from session_buddy.cli.output import Advance, console, facts, progress, say
from session_buddy.cli.plain import confirmed, print_json
from session_buddy.config import Settings
from session_buddy.errors import InvalidInput, NotFound, SessionBuddyError
from session_buddy.ingest.import_process import make_importer
from session_buddy.ingest.importing import ImportProgress, ImportSummary
from session_buddy.ingest.journal import JournalFile
from session_buddy.private_files import private_directory

_SLICE_SECONDS = 8.0  # well below the patience of a window that waits for this process to give up the lead
_SILENT_SECONDS = 120.0  # a batch that is under way is finished first
_LOOK_SECONDS = 0.5  # Windows lets nobody interrupt a longer wait
_SKIPPED_SHOWN = 5


@click.command(
    name="import",
    cls=Command,
    epilog="""\b
Examples:
  session-buddy import
  session-buddy import ~/.claude/projects/-home-ada-shop
  session-buddy import invocations.jsonl --json""",
)
@click.argument(
    "paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True, readable=False, path_type=Path)
)
@click.option("--again", is_flag=True, help="Read files that were imported before, too; adds nothing twice.")
@yes_option
@json_option
@click.pass_context
def import_(
    context: click.Context, *, paths: tuple[Path, ...], again: bool, yes: bool, as_json: bool
) -> None:
    """Import agents' sessions, and what 'session-buddy export --json' wrote.

    A PATH is a file, or a folder that is searched for them; without one, all that Claude Code, Codex CLI,
    Gemini CLI and VS Code keep.
    Importing twice adds nothing, and after Ctrl-C the same command goes on where it stopped.
    """
    settings = settings_of(context)
    if not paths:
        paths = tuple(session_folders())
        if not paths:
            raise NotFound("No agent keeps sessions here. Name what to import: session-buddy import PATH")
        confirmed(f"Import the sessions in {', '.join(map(short, paths))}?", yes)
    imported = import_paths(settings, paths, None if as_json else console(), again=again)
    if as_json:
        print_json(imported)
    else:
        click.echo("Next: session-buddy top")


def import_paths(
    settings: Settings,
    paths: Sequence[Path],
    out: Console | None,
    *,
    again: bool = False,
    claude: Path | None = None,
) -> dict[str, Any]:
    """Import into a home, have it folded, and print what was found to `out`, if it is given.

    claude: where the installed skills are looked up, if not in the user's own `~/.claude`.

    Returns:
        What the importer found, and `counts`: the rows of the record afterwards.

    Raises:
        InvalidInput: nothing could be imported of a path that was named.
        SessionBuddyError: the journal cannot be written, or nobody could fold it.
    """
    private_directory(settings.home)
    summary = _read(settings, paths, again=again, claude=claude)
    if not summary.files and not summary.unchanged:
        _refuse_what_was_named(summary, paths)
        _refuse_all(summary)
    with progress("folding into the database"):
        while not _fold_some(settings):
            continue
    with Leader(settings) as leader:
        leader.call("catalogue", {})
        counts = leader.call("status", {})["counts"]
    if out is not None:
        _show(summary, counts, out)
    _refuse_what_was_named(summary, paths)
    return asdict(summary) | {"counts": counts}


def _read(settings: Settings, paths: Sequence[Path], *, again: bool, claude: Path | None) -> ImportSummary:
    """Put all into the journal; what is much is read by a process of its own, while this one folds."""
    where: list[ImportProgress] = []
    try:
        with progress("importing") as advance:
            told = _following(where, advance)
            if worth_a_process(paths):
                with ImportReader(settings, paths, told, again=again, claude=claude) as reader:
                    return _fold_beside(settings, reader)
            journal = JournalFile(settings.journal)
            try:
                return make_importer(settings, journal.append_lines, claude).run(paths, told, again=again)
            finally:
                journal.close()
    except KeyboardInterrupt:
        done = f"{where[-1].files_done:,} of {count(where[-1].files_total, 'file')}" if where else "nothing"
        click.echo(f"session-buddy: interrupted after {done}; the same command goes on from there.", err=True)
        raise


def _fold_beside(settings: Settings, reader: ImportReader) -> ImportSummary:
    """Fold while another process reads, unless somebody leads who does so anyway."""
    while reader.reading:
        if not reader.wait_until_worth_folding(_LOOK_SECONDS):
            continue
        try:
            with Leader(settings) as leader:
                _fold_while_reading(leader, reader)
        except SessionBuddyError:
            break  # what was read is in the journal; folding it afterwards fails too, and says why
    return reader.summary()


def _fold_while_reading(leader: Leader, reader: ImportReader) -> None:
    """One slice of it, after which others may take over the lead."""
    leader.call("migrations", {})
    until = time.monotonic() + _SLICE_SECONDS
    more = True
    while reader.reading and (left := until - time.monotonic()) > 0:
        if more and leader.hello is None:
            leader.call("fold", {"seconds": left})
        more = reader.wait_until_worth_folding(_LOOK_SECONDS)


def _fold_some(settings: Settings) -> bool:
    """Fold for a while; whether all is folded. Where this process leads, others may take over in between."""
    with Leader(settings) as leader:
        done = leader.call("fold", {"seconds": _SLICE_SECONDS}, silence=_SILENT_SECONDS)["done"]
    return bool(done)


def _following(where: list[ImportProgress], advance: Advance) -> Callable[[ImportProgress], None]:
    """Shows progress and keeps the last of it in `where`."""

    def follow(now: ImportProgress) -> None:
        if now.looked_at:
            advance({"text": f"looked at {now.looked_at:,} files"})
            return
        where[:] = [now]
        files = f"{now.files_done:,}/{now.files_total:,} files, {now.events:,} events"
        advance({"done": now.bytes_done, "total": now.bytes_total, "text": files})

    return follow


def _show(summary: ImportSummary, counts: dict[str, int], out: Console) -> None:
    uses = summary.skill_calls + summary.slash_commands + summary.invocations
    unchanged = f", {summary.unchanged:,} imported before" if summary.unchanged else ""
    told = f"{summary.skill_calls:,} by agents, {summary.slash_commands:,} typed by users"
    if summary.invocations:
        told += f", {summary.invocations:,} exported"
    skills, sessions = count(counts["skill_metrics"], "skill"), count(counts["sessions"], "session")
    found = {
        "files read": f"{summary.files:,}{unchanged}",
        "uses found": f"{uses:,} ({told})",
        "unknown skills": f"{summary.unknown_skills:,}",
        "unreadable lines": f"{summary.unparseable:,} of {summary.lines:,}",
        "now in the record": f"{count(counts['skill_invocation'], 'use')} of {skills} in {sessions}",
    }
    if summary.runs:
        found["stages and gates"] = f"{summary.runs:,}"
    if summary.skipped:
        found["not imported"] = f"{count(len(summary.skipped), 'path')}:"
    facts(out, found.items())
    for skipped in summary.skipped[:_SKIPPED_SHOWN]:
        say(out, f"  {skipped.path}: {skipped.reason}")
    if len(summary.skipped) > _SKIPPED_SHOWN:
        say(out, f"  and {len(summary.skipped) - _SKIPPED_SHOWN} more; --json lists them all")


def _refuse_all(summary: ImportSummary) -> None:
    """Folders in which there are files, and none of them is anything to import."""
    if summary.skipped:
        first = summary.skipped[0]
        raise InvalidInput(
            f"nothing was imported: {count(len(summary.skipped), 'file')} there could not be. The first: "
            f"{clean(first.path)}: {first.reason}."
        )


def _refuse_what_was_named(summary: ImportSummary, paths: Sequence[Path]) -> None:
    """What lies in a folder beside transcripts is passed over; what was named and is none is an error."""
    named = {str(path.absolute()) for path in paths} | {str(path) for path in paths}
    refused = [skipped for skipped in summary.skipped if skipped.path in named]
    if refused:
        others = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        raise InvalidInput(f"{clean(refused[0].path)} was not imported: {refused[0].reason}{others}.")
