"""The IDE protocol."""

from typing import Annotated

from pydantic import Field

from session_buddy.models.fields import ShortText
from session_buddy.models.ide import CodeSuggestions, CursorPosition, FilePath, IDEContext, Selection
from session_buddy.serve.service_tool import Call


def suggest_skills_for_code(
    call: Call,
    *,
    file_path: FilePath,
    line_number: Annotated[int, Field(ge=1)] = 1,
    selected_code: Selection = "",
    language: Annotated[ShortText | None, Field(description="default: by the file's name")] = None,
    cursor_position: CursorPosition | None = None,
    project_name: Annotated[ShortText | None, Field(description="default: by the path")] = None,
    limit: Annotated[int, Field(ge=1, le=20)] = 5,
) -> CodeSuggestions:
    """Skills for a place in the code: by file, selection, what worked here, and a gate that fails now."""
    place = IDEContext(
        file_path=file_path,
        line_number=line_number,
        selected_code=selected_code,
        language=language,
        cursor_position=cursor_position,
        project_name=project_name,
    )
    return call.services.code_suggester.suggest(place, limit, call.caller)
