"""The IDE protocol: what an editor says of where its user is, and what it gets."""

from typing import Annotated

from pydantic import Field, StringConstraints

from session_buddy.models.fields import Frozen, Name, ShortText
from session_buddy.models.vocabulary import WorkflowPhase

SELECTION_LIMIT = 4_000_000
"""Characters of a selection; more is refused."""

FilePath = Annotated[str, StringConstraints(min_length=1, max_length=4_096)]
Selection = Annotated[str, StringConstraints(max_length=SELECTION_LIMIT)]


class CursorPosition(Frozen):
    """row from 1, col from 0."""

    row: int = Field(ge=1)
    col: int = Field(ge=0)


class IDEContext(Frozen):
    """Where an editor's user is. The file is never opened: what counts is its name and the selection."""

    file_path: FilePath
    line_number: int = Field(default=1, ge=1)
    selected_code: Selection = ""
    language: ShortText | None = None
    cursor_position: CursorPosition | None = None
    project_name: ShortText | None = None


class IDESuggestion(Frozen):
    """One skill for the place where the user is."""

    skill_name: Name
    description: str = Field(description="why, then what the skill says of itself")
    confidence: float = Field(ge=0, le=1, description="how well it fits; no probability")
    shortcut: str | None
    estimated_duration_seconds: float | None = Field(description="median of earlier uses")
    workflow_phase: WorkflowPhase


class CodeSuggestions(Frozen):
    """Answer of `suggest_skills_for_code`."""

    suggestions: list[IDESuggestion]
    language: str | None
    signals: list[str] = Field(description="what was seen in the file's name and the selection")
    message: str
