// Counts of uses over equal stretches of time. Pure.

const MINUTE = 60_000;
export const LENGTHS = {
  1: { span: 60 * MINUTE, chart: 5 * MINUTE, spark: 5 * MINUTE },
  24: { span: 1440 * MINUTE, chart: 30 * MINUTE, spark: 60 * MINUTE },
};

// The last `span` milliseconds in stretches of `length`, oldest first, empty ones too.
export function stretches(series, now, span, length) {
  const last = Math.floor(now / length) * length;
  const first = last - span + length;
  const found = [];
  for (let began = first; began <= last; began += length) {
    found.push({ began, uses: 0, completed: 0, failed: 0 });
  }
  for (const step of series) {
    const place = Math.floor((Date.parse(step.began_at) - first) / length);
    const stretch = found[place];
    if (!stretch) continue;
    stretch.uses += step.invocation_count;
    stretch.completed += step.completed_count;
    stretch.failed += step.failed_count;
  }
  return found;
}
