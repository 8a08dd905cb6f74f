"""`demo`: real recorded sessions, played through a real server into a fresh store."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

import click
from rich.console import Console

from session_buddy.cli.demo_client import StdioClient
from session_buddy.cli.demo_story import tell
from session_buddy.cli.formats import count
from session_buddy.cli.importing import import_paths
from session_buddy.cli.options import Command
from session_buddy.cli.output import console, say
from session_buddy.config import Settings, load_settings
from session_buddy.errors import ConfigurationError


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy demo
  session-buddy demo --keep
  session-buddy demo --home /tmp/try""",
)
@click.option("--keep", is_flag=True, help="Keep the folder with the data, to try other commands on it.")
@click.pass_context
def demo(context: click.Context, keep: bool) -> None:
    """Show what session-buddy does, on sessions that were recorded with a real Claude Code.

    Nothing of yours is read or changed: the data goes into a folder of its own, which is removed again
    unless --keep or --home says otherwise.
    """
    chosen = context.ensure_object(dict).get("home")
    out = console()
    with _fresh_home(chosen, keep) as home, as_file(files("session_buddy") / "assets" / "demo") as recordings:
        _play(load_settings({"home": home}), recordings, out)
        say(out)
        if keep or chosen:
            say(out, f"The data is kept. Look around:  session-buddy --home {home} top")
        say(out, "Next:  session-buddy install claude   (shows what it changes, and asks first)")


@contextmanager
def _fresh_home(chosen: str | None, keep: bool) -> Iterator[str]:
    if chosen is not None:
        home = os.path.abspath(os.path.expanduser(chosen))
        if Path(home).exists() and any(Path(home).iterdir()):
            raise ConfigurationError(f"{home} is not empty; the demo wants a fresh folder. Name another one.")
        yield home
        return
    home = tempfile.mkdtemp(prefix="session-buddy-demo-")
    try:
        yield home
    finally:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)


def _play(settings: Settings, recordings: Path, out: Console) -> None:
    """Start a server as an agent would, import the recordings beside it, and ask it over MCP.

    recordings: laid out as `~/.claude` is, and taken for it, so that the user's own is not looked at.
    """
    projects = recordings / "projects"
    transcripts = sorted(projects.glob("*/*.jsonl"))
    began = time.monotonic()
    # No feed: its port may be in use by the user's own leader, and the demo has nobody to show it to.
    with StdioClient(
        settings.home, {"CLAUDE_CONFIG_DIR": str(recordings), "SESSION_BUDDY_PORT": "0"}
    ) as agent:
        name = agent.server.get("serverInfo", {}).get("name", "session-buddy")
        took = (time.monotonic() - began) * 1000
        say(out, f"A server starts, as in an agent's window: {name} shook hands after {took:.0f} ms.")
        say(
            out,
            f"Beside it, {count(len(transcripts), 'session')} recorded with a real Claude Code are imported:",
        )
        say(out)
        import_paths(settings, [projects], out, claude=recordings)
        tell(agent, [path.stem for path in transcripts], out)
