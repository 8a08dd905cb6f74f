"""A use as the models see it: who, what, where, when, but not how it ends."""

from typing import NamedTuple


class Use(NamedTuple):
    """One use of a skill that begins. at: seconds since 1970, UTC. Unknown things are empty."""

    skill_name: str
    at: float
    session_id: str
    user: str = ""
    project: str = ""
    phase: str = "unknown"
