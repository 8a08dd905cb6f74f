// Figures as people read them. Pure.

export const NOTHING = "–";
const Z = 1.959964; // of a 95 % interval

export function count(number) {
  return number.toLocaleString("en");
}

export function uses(number) {
  return `${count(number)} ${number === 1 ? "use" : "uses"}`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NOTHING;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 597) return `${(seconds / 60).toFixed(1)} min`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function percent(ratio) {
  return ratio === null || ratio === undefined ? NOTHING : `${Math.round(ratio * 100)} %`;
}

// The Wilson score interval of a rate, 0..1.
export function interval(completed, decided) {
  const rate = completed / decided;
  const spread = Z * Math.sqrt((rate * (1 - rate) + (Z * Z) / (4 * decided)) / decided);
  const middle = rate + (Z * Z) / (2 * decided);
  const scale = 1 + (Z * Z) / decided;
  return [Math.max(0, (middle - spread) / scale), Math.min(1, (middle + spread) / scale)];
}

// What stands beside a completion rate so that nobody takes it for more than it is.
export function basis({ completed_count: completed, decided_count: decided }) {
  if (!decided) return "none decided yet";
  const [lower, upper] = interval(completed, decided);
  const range = `${Math.round(lower * 100)}–${Math.round(upper * 100)} %`;
  return `${count(completed)} of ${count(decided)} · ${range}`;
}

export function ago(then, now) {
  const seconds = Math.max(0, (now - Date.parse(then)) / 1000);
  if (seconds < 5) return "now";
  if (seconds < 100) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

export function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

export function moment(milliseconds) {
  const date = new Date(milliseconds);
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(milliseconds)}`;
}

// The end of a path tells a project from others; the whole of it is in the tooltip.
export function projectName(path) {
  return path.split(/[\\/]/).filter(Boolean).slice(-1)[0] ?? path;
}

// One project, agent or user; a user is known by a hash, whose beginning tells it from others.
export function choiceText(name, value) {
  if (name === "project") return projectName(value);
  return name === "user_id" ? value.slice(0, 10) : value;
}

// What the figures are of, where somebody chose.
export function selectionText({ project, agent, user_id: user }) {
  const parts = [
    project === null ? null : `in ${projectName(project)}`,
    agent === null ? null : `by ${agent}`,
    user === null ? null : `of user ${choiceText("user_id", user)}`,
  ];
  return `Uses ${parts.filter(Boolean).join(", ")} alone; an anomaly is of a skill in all uses.`;
}

// What an anomaly says, in a few words: [what happened, now against usual]. A drop in performance is one of
// completion if the figure fell, and one of duration if it rose.
export function anomalyText(anomaly) {
  const { anomaly_type: type, baseline_value: usual, observed_value: seen } = anomaly;
  if (type === "pattern_shift") {
    const rate = (value) => `${Number(value.toFixed(1))} a day`;
    return [seen > usual ? "Used more than usual" : "Used less than usual", against(rate, seen, usual)];
  }
  if (type === "performance_spike") return ["A use took far longer", against(duration, seen, usual)];
  if (seen < usual) return ["Completes less often", against(percent, seen, usual)];
  return ["Takes longer", against(duration, seen, usual)];
}

function against(shape, seen, usual) {
  return `${shape(seen)}, usually ${shape(usual)}`;
}

// A value of an experiment's metric: "82.4 %", "38 s", "4.21".
function measured(metric, value) {
  if (value === null || value === undefined) return NOTHING;
  if (metric === "duration_seconds") return duration(value);
  return metric === "user_rating" ? value.toFixed(2) : `${(value * 100).toFixed(1)} %`;
}

function shifted(metric, value) {
  const sign = value < 0 ? "−" : "+";
  if (metric === "user_rating") return `${sign}${Math.abs(value).toFixed(2)}`;
  return `${sign}${(Math.abs(value) * 100).toFixed(1)} ${metric === "duration_seconds" ? "%" : "points"}`;
}

// One group of an experiment: "treatment, markov_blend: 82.4 % of 120 outcomes, 61 sessions; +9.1 points (+2.0 …)".
export function groupText(test, group) {
  const value = measured(test.metric, group.value);
  const counts = `${count(group.outcome_count)} outcomes, ${count(group.unit_count)} ${test.unit}s`;
  const text = `${group.group_name}, ${group.strategy}: ${value} of ${counts}`;
  if (group.difference === null) return text;
  const difference = shifted(test.metric, group.difference);
  if (group.lower === null || group.upper === null) return `${text}; ${difference}`;
  return `${text}; ${difference} (${shifted(test.metric, group.lower)} to ${shifted(test.metric, group.upper)})`;
}
