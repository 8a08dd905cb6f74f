"""What `/metrics` shows of CI stages and quality gates."""

from collections.abc import Mapping

from session_buddy.models.runs import GATE_PHASES
from session_buddy.models.vocabulary import OUTCOMES
from session_buddy.serve.metrics import Samples, Source
from session_buddy.services.run_counts import RunCounts


def run_source(counts: RunCounts) -> Source:
    """Runs since this leader began; 0 for what may be counted, so that a scraper sees the first."""

    def source() -> Mapping[str, Samples]:
        stages = counts.stages()
        known = {(pipeline, stage) for pipeline, stage, _ in stages}
        all_stages: dict[tuple[str, ...], float] = {
            (*label, outcome): 0 for label in known for outcome in OUTCOMES
        }
        all_gates: dict[tuple[str, ...], float] = {
            (phase, outcome): 0 for phase in GATE_PHASES for outcome in OUTCOMES
        }
        all_stages |= {(*key,): count for key, count in stages.items()}
        all_gates |= {(*key,): count for key, count in counts.gates().items()}
        return {
            "pipeline_stage_runs_total": all_stages.items(),
            "quality_gate_runs_total": all_gates.items(),
        }

    return source
