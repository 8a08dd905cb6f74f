"""The MCP tools, one file for each thing that a caller may want to do."""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from mcp_types import ToolAnnotations
from pydantic import BaseModel

READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
"""Answers from the record and changes nothing."""
ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
"""Adds to the record; called twice without a request key, it adds twice."""
MERGES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
"""Adds to the record; the same input again changes nothing."""


class ToolSpec(NamedTuple):
    """A tool before it is bound to a server.

    module: the file here that has its function. at_hand: the name of another there, which answers the same
    call if that waits for nothing, and gives None otherwise; it is asked on the event loop.
    """

    module: str
    name: str
    annotations: ToolAnnotations
    at_hand: str | None = None

    @property
    def function(self) -> Callable[..., BaseModel]:
        """The tool itself, imported now: a start need not wait for all of them to call one."""
        function: Callable[..., BaseModel] = getattr(import_module(f"{__name__}.{self.module}"), self.name)
        return function

    @property
    def function_at_hand(self) -> Callable[..., BaseModel | None] | None:
        """What answers without waiting, if there is such a function."""
        if self.at_hand is None:
            return None
        function: Callable[..., BaseModel | None] = getattr(
            import_module(f"{__name__}.{self.module}"), self.at_hand
        )
        return function


TOOLS: tuple[ToolSpec, ...] = (
    ToolSpec("recording", "record_skill_invocation", ADDS),
    ToolSpec("reporting", "get_skill_metrics", READS, at_hand="skill_metrics_at_hand"),
    ToolSpec("reporting", "get_session_analytics", READS),
    ToolSpec("reporting", "get_real_time_metrics", READS),
    ToolSpec("recording", "rate_skill", ADDS),
    ToolSpec("reporting", "describe_skill", READS),
    ToolSpec("recommending", "suggest_next_skill", READS),
    ToolSpec("recommending", "predict_skill_success", READS),
    ToolSpec("coding", "suggest_skills_for_code", READS),
    ToolSpec("finding", "detect_anomalies", READS),
    ToolSpec("finding", "get_skill_trend", READS),
    ToolSpec("finding", "get_skill_dependencies", READS),
    ToolSpec("finding", "get_community_baselines", READS),
    ToolSpec("finding", "get_collaborative_recommendations", READS),
    ToolSpec("runs", "record_quality_gate", ADDS),
    ToolSpec("runs", "get_quality_workflow", READS),
    ToolSpec("runs", "record_pipeline_stage", ADDS),
    ToolSpec("runs", "get_pipeline_analytics", READS),
    ToolSpec("experimenting", "run_ab_test", MERGES),
    ToolSpec("experimenting", "record_ab_outcome", ADDS),
    ToolSpec("experimenting", "stop_ab_test", ADDS),
    ToolSpec("recording", "ingest_tool_calls", MERGES),
)
