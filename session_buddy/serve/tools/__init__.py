"""The MCP tools, one file for each thing that a caller may want to do."""

from collections.abc import Callable
from typing import NamedTuple

from mcp_types import ToolAnnotations
from pydantic import BaseModel

from session_buddy.serve.tools.coding import suggest_skills_for_code
from session_buddy.serve.tools.experimenting import record_ab_outcome, run_ab_test, stop_ab_test
from session_buddy.serve.tools.finding import (
    detect_anomalies,
    get_collaborative_recommendations,
    get_community_baselines,
    get_skill_dependencies,
    get_skill_trend,
)
from session_buddy.serve.tools.recommending import predict_skill_success, suggest_next_skill
from session_buddy.serve.tools.recording import ingest_tool_calls, rate_skill, record_skill_invocation
from session_buddy.serve.tools.reporting import (
    describe_skill,
    get_real_time_metrics,
    get_session_analytics,
    get_skill_metrics,
)
from session_buddy.serve.tools.runs import (
    get_pipeline_analytics,
    get_quality_workflow,
    record_pipeline_stage,
    record_quality_gate,
)

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
    """A tool before it is bound to a server."""

    function: Callable[..., BaseModel]
    annotations: ToolAnnotations


TOOLS: tuple[ToolSpec, ...] = (
    ToolSpec(record_skill_invocation, ADDS),
    ToolSpec(get_skill_metrics, READS),
    ToolSpec(get_session_analytics, READS),
    ToolSpec(get_real_time_metrics, READS),
    ToolSpec(rate_skill, ADDS),
    ToolSpec(describe_skill, READS),
    ToolSpec(suggest_next_skill, READS),
    ToolSpec(predict_skill_success, READS),
    ToolSpec(suggest_skills_for_code, READS),
    ToolSpec(detect_anomalies, READS),
    ToolSpec(get_skill_trend, READS),
    ToolSpec(get_skill_dependencies, READS),
    ToolSpec(get_community_baselines, READS),
    ToolSpec(get_collaborative_recommendations, READS),
    ToolSpec(record_quality_gate, ADDS),
    ToolSpec(get_quality_workflow, READS),
    ToolSpec(record_pipeline_stage, ADDS),
    ToolSpec(get_pipeline_analytics, READS),
    ToolSpec(run_ab_test, MERGES),
    ToolSpec(record_ab_outcome, ADDS),
    ToolSpec(stop_ab_test, ADDS),
    ToolSpec(ingest_tool_calls, MERGES),
)
