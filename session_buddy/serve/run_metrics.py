"""What `/metrics` shows of CI stages and quality gates."""

from collections.abc import Mapping

from session_buddy.serve.metrics import Samples, Source
from session_buddy.services.run_counts import RunCounts


def run_source(counts: RunCounts) -> Source:
    """Runs since this leader began."""

    def source() -> Mapping[str, Samples]:
        return {
            "pipeline_stage_runs_total": counts.stages().items(),
            "quality_gate_runs_total": counts.gates().items(),
        }

    return source
