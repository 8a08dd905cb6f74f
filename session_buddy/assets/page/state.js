// What the feed has said so far, and what of it the person wants to see.

const USES_KEPT = 200;
const FRESH = 60_000; // so long something that came while the page was open stays marked as new
const STALE = 15_000; // figures of a skill are asked for again after so long

export const SELECTORS = ["project", "agent", "user_id"]; // as the feed calls them

export class State {
  constructor() {
    this.hours = 24;
    this.skill = null; // whose view is shown; null: not one skill's
    this.isDashboard = false; // the picture of the dashboard is shown instead
    this.text = "";
    this.selection = { project: null, agent: null, user_id: null };
    this.choices = { project: [], agent: [], user_id: [] };
    this.sort = { column: "invocation_count", descending: true };
    this.rows = [];
    this.anomalies = [];
    this.experiments = [];
    this.sessions = null;
    this.updatedAt = null;
    this.metrics = new Map(); // skill name, or null for all together -> { data, mark, at }
    this.uses = new Map();
    this.freshUses = new Map();
    this.freshAnomalies = new Map();
    this.known = null;
  }

  // Take a message; returns anomalies that were not there before.
  take(message, now) {
    if (message.type === "metrics_update") return this.takeUpdate(message, now);
    if (message.type === "metrics_response") this.takeMetrics(message.data, now);
    if (message.type === "invocation") {
      this.takeUse(message.data, now);
    }
    return [];
  }

  // Look at one project, agent or user, or at all (null): what was said of others does not hold any more.
  choose(changes) {
    Object.assign(this.selection, changes);
    this.rows = [];
    this.anomalies = [];
    this.sessions = null;
    this.known = null;
    this.metrics.clear();
    this.uses.clear();
  }

  takeUpdate({ timestamp, data }, now) {
    if (!this.isOfSelection(data)) return [];
    this.updatedAt = Date.parse(timestamp);
    this.rows = data.top_skills;
    this.anomalies = data.anomalies;
    this.experiments = data.experiments ?? [];
    this.sessions = data.active_sessions;
    const first = this.known === null;
    const added = data.anomalies.filter((anomaly) => !first && !this.known.has(keyOf(anomaly)));
    this.known = new Set(data.anomalies.map(keyOf));
    for (const anomaly of added) this.freshAnomalies.set(keyOf(anomaly), now);
    return added;
  }

  takeMetrics(data, now) {
    if (!this.isOfSelection(data)) return;
    this.choices = { project: data.projects, agent: data.agents, user_id: data.users };
    this.metrics.set(data.skill_name, { data, mark: this.markOf(data.skill_name), at: now });
    for (const use of [...data.recent].reverse()) this.keep(use);
  }

  takeUse(use, now) {
    if (SELECTORS.some((name) => ![null, use[name]].includes(this.selection[name]))) return;
    if (!this.uses.has(use.invocation_id)) this.freshUses.set(use.invocation_id, now);
    this.keep(use);
  }

  keep(use) {
    this.uses.delete(use.invocation_id);
    this.uses.set(use.invocation_id, use);
    if (this.uses.size > USES_KEPT) this.uses.delete(this.uses.keys().next().value);
  }

  // The skills (null: all together) whose figures have to be asked for again.
  wanted(now) {
    const names = this.skill === null ? [null, ...this.rows.map((row) => row.skill_name)] : [this.skill];
    return names.filter((name) => {
      const known = this.metrics.get(name);
      const patience = name === null || name === this.skill ? STALE : Infinity;
      return !known || known.mark !== this.markOf(name) || now - known.at > patience;
    });
  }

  markOf(name) {
    const rows = name === null ? this.rows : this.rows.filter((row) => row.skill_name === name);
    const latest = rows.map((row) => row.last_invocation_at).sort().at(-1);
    return [this.hours, sum(rows, "invocation_count"), sum(rows, "completed_count"), latest].join();
  }

  // Whether figures are of what is looked at now, and not of what was before.
  isOfSelection(data) {
    return SELECTORS.every((name) => data[name] === this.selection[name]);
  }

  // Whether one project, agent or user is looked at.
  get isSelected() {
    return SELECTORS.some((name) => this.selection[name] !== null);
  }

  get isFiltered() {
    return this.skill === null && Boolean(this.text);
  }

  shows(skillName) {
    if (this.skill !== null) return skillName === this.skill;
    return skillName.toLowerCase().includes(this.text.toLowerCase());
  }

  shownRows() {
    const { column, descending } = this.sort;
    const direction = descending ? -1 : 1;
    const rows = this.rows.filter((row) => this.shows(row.skill_name));
    return rows.sort((a, b) => direction * compare(a[column], b[column]) || compare(a.skill_name, b.skill_name));
  }

  shownAnomalies() {
    return this.anomalies.filter((anomaly) => this.shows(anomaly.skill_name));
  }

  shownUses(limit) {
    const of = [...this.uses.values()].filter((use) => this.shows(use.skill_name));
    return of.sort((a, b) => compare(b.invoked_at, a.invoked_at)).slice(0, limit);
  }

  // Figures of what is shown, in the window that is looked at; null until they are known.
  totals() {
    if (this.isFiltered) return totalsOf(this.shownRows());
    const known = this.metrics.get(this.skill);
    return known?.data.windows.find((window) => window.time_window_hours === this.hours) ?? null;
  }

  // Steps of five minutes of what is shown.
  series() {
    if (!this.isFiltered) return this.metrics.get(this.skill)?.data.series ?? [];
    return this.shownRows().flatMap((row) => this.metrics.get(row.skill_name)?.data.series ?? []);
  }

  isFresh(fresh, key, now) {
    return now - (fresh.get(key) ?? -Infinity) < FRESH;
  }
}

export function keyOf(anomaly) {
  const { skill_name, anomaly_type, detected_at, baseline_value, observed_value } = anomaly;
  return [skill_name, anomaly_type, detected_at, observed_value < baseline_value].join("|");
}

function totalsOf(rows) {
  const completed = sum(rows, "completed_count");
  const decided = sum(rows, "decided_count");
  return {
    invocation_count: sum(rows, "invocation_count"),
    completed_count: completed,
    decided_count: decided,
    completion_rate: decided ? completed / decided : null,
    p50_duration: null,
    p95_duration: null,
  };
}

function sum(rows, column) {
  return rows.reduce((whole, row) => whole + row[column], 0);
}

function compare(a, b) {
  if (a === b) return 0;
  if (a === null) return -1;
  return b === null || a > b ? 1 : -1;
}
