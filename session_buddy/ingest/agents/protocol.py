"""What installing into a coding agent means, whichever agent it is."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from session_buddy.config import Settings
from session_buddy.ingest.redaction import redact


@dataclass(frozen=True, slots=True)
class Change:
    """A file that is going to differ.

    path: as the user knows it; a link is followed. before, after: its bytes; None where there is no file.
    why: what the change is for, in a few words.
    """

    path: Path
    before: bytes | None
    after: bytes | None
    why: str

    def diff(self) -> str:
        """The change as a unified diff, with every secret of the surrounding lines redacted."""
        old, new = (redact((data or b"").decode("utf-8", "replace")) for data in (self.before, self.after))
        lines = difflib.unified_diff(
            old.splitlines(keepends=True),
            new.splitlines(keepends=True),
            fromfile=str(self.path) if self.before is not None else "(no file)",
            tofile=str(self.path) if self.after is not None else "(no file)",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that `doctor` looked at.

    level: `ok`; `warning` if something is not as it should be but uses are recorded; `problem` if not.
    remedy: what to do about it; empty if it is ok.
    """

    name: str
    level: Literal["ok", "warning", "problem"]
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """One file of an agent. put, take: our entries into its bytes, and out of them.

    name: of the check, and in the README. why: what our entries are for, in a few words.
    """

    name: str
    path: Path
    put: Callable[[bytes], bytes]
    take: Callable[[bytes], bytes | None]
    why: str


class AgentAdapter(Protocol):
    """One coding agent that session-buddy can be installed into.

    An adapter only plans, in terms of files; `changes` carries plans out, keeps what was there before
    and gives it back.
    """

    name: str
    """As it stands in `session-buddy install NAME`."""
    title: str
    """As people call it."""
    next_step: str
    """What the user has to do in the agent after an install, beyond restarting it; empty if nothing."""

    def detect(self) -> Path | None:
        """Where this user's configuration of the agent lies; None if the agent is not used here."""

    def installed(self, settings: Settings) -> bool:
        """Whether it has anything of ours, from this home or another; errors as `plan_install`."""

    def sessions(self) -> Sequence[Path]:
        """Folders of the sessions that it keeps and `import` reads; they need not be there."""

    def files(self, settings: Settings) -> Sequence[SettingsFile]:
        """The files that an install changes."""

    def plan_install(self, settings: Settings) -> list[Change]:
        """What has to change so that the agent records into `settings.home`; empty if nothing.

        Raises:
            ConfigurationError: a file of the agent cannot be read or understood, or our name in it
                belongs to another program. Nothing was changed.
        """

    def plan_uninstall(self, settings: Settings) -> list[Change]:
        """What has to change so that nothing of ours remains; errors as `plan_install`."""

    def checks(self, settings: Settings, project: Path) -> Sequence[Check]:
        """What works and what does not, for this user and for work in the folder `project`."""
