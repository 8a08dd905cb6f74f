// Puts the state on the page.

import { drawSpark, makeSpark } from "./chart.js";
import { byId, element, keyed, setAttribute, setHidden, setText } from "./dom.js";
import { NOTHING, ago, anomalyText, basis, clock, count } from "./format.js";
import { choiceText, duration, groupText, moment, percent, projectName, selectionText } from "./format.js";
import { keyOf } from "./state.js";

const USES_SHOWN = { overview: 12, skill: 20 };
const DASHBOARD =
  "Twelve panels: skill invocations over time by skill, completion rate, anomalies, active sessions, alerts, " +
  "top skills of the last 24 hours, durations as a heatmap, workflow phases, anomalies over time, the live feed, " +
  "database connections, and the way from journal to database";
const MARKS = { completed: "✓", failed: "✕", abandoned: "–", open: "•" };

export function linkTo(skillName) {
  return `#skill=${encodeURIComponent(skillName)}`;
}

export function render(state, chart, now) {
  renderHeading(state);
  renderDashboard(state);
  renderTiles(state);
  renderAnomalies(state, now);
  renderSkills(state, now);
  renderUses(state, now);
  renderExperiments(state);
  chart.show(state.series(), now, state.hours);
}

function renderHeading(state) {
  const isOverview = state.skill === null && !state.isDashboard;
  const of = state.isDashboard ? "Grafana dashboard" : (state.skill ?? "Skills");
  setText(byId("title"), of);
  document.title = isOverview ? "session-buddy" : `${of} · session-buddy`;
  document.body.dataset.view = state.isDashboard ? "dashboard" : isOverview ? "overview" : "skill";
  setHidden(byId("back"), isOverview);
  setHidden(byId("filter-skill").parentElement, state.skill !== null);
  setHidden(byId("filter-note"), !state.isSelected);
  setText(byId("filter-note"), selectionText(state.selection));
  for (const [name, choices] of Object.entries(state.choices)) renderChoices(state, name, choices);
}

// A choice of one is none, and not shown; that of a project always is, so that its place is known.
function renderChoices(state, name, choices) {
  const chosen = state.selection[name];
  const options = [...new Set(["", ...choices, chosen ?? ""])];
  const select = byId(`filter-${name}`);
  setHidden(select.parentElement, name !== "project" && options.length < 3 && chosen === null);
  keyed(select, options, String, (value) => new Option("", value), (option, value) => {
    setText(option, value ? choiceText(name, value) : "all");
    setAttribute(option, "title", value || null);
  });
}

// The picture is loaded by who looks at it, once.
function renderDashboard(state) {
  setHidden(byId("dashboard"), !state.isDashboard);
  if (!state.isDashboard || byId("dashboard-picture").firstChild) return;
  byId("dashboard-picture").append(element("img", { src: "dashboard.svg", alt: DASHBOARD, width: 1256, height: 1164 }));
}

function renderTiles(state) {
  const totals = state.totals();
  const used = totals ? count(totals.invocation_count) : NOTHING;
  const span = state.hours === 1 ? "last hour" : "last 24 hours";
  const tiles = [
    ["Uses", used, span],
    ["Completed", percent(totals?.completion_rate), totals ? basis(totals) : ""],
    ["p95", duration(totals?.p95_duration), state.isFiltered ? "not for a selection" : "active time"],
  ];
  if (state.skill !== null) tiles.push(["Median", duration(totals?.p50_duration), "active time"]);
  else tiles.push(["Active sessions", state.sessions === null ? NOTHING : count(state.sessions), "now"]);
  keyed(byId("tiles"), tiles, ([name]) => name, makeTile, fillTile);
}

function makeTile([name]) {
  const value = element("dd", { class: "value" });
  const note = element("dd", { class: "note" });
  return element("div", { class: "tile" }, element("dt", {}, name), value, note);
}

function fillTile(tile, [, value, note]) {
  setText(tile.children[1], value);
  setText(tile.children[2], note);
}

function renderAnomalies(state, now) {
  const shown = state.shownAnomalies();
  setAttribute(byId("anomalies"), "data-count", String(shown.length));
  setHidden(byId("anomaly-none"), shown.length > 0);
  keyed(byId("anomaly-list"), shown, keyOf, makeAnomaly, (item, anomaly) => {
    const [what, figures] = anomalyText(anomaly);
    const [link, said, numbers, time] = item.querySelectorAll("a, .what, .figures, time");
    setText(link, anomaly.skill_name);
    setAttribute(link, "href", linkTo(anomaly.skill_name));
    setText(said, what);
    setText(numbers, figures);
    fillTime(time, anomaly.detected_at, now);
    const fresh = state.isFresh(state.freshAnomalies, keyOf(anomaly), now);
    item.classList.toggle("fresh", fresh);
    setHidden(item.querySelector(".badge"), !fresh);
  });
}

function makeAnomaly() {
  return element(
    "li",
    { class: "anomaly" },
    element("span", { class: "badge" }, "new"),
    element("a"),
    element("span", { class: "what" }),
    element("span", { class: "figures muted" }),
    element("time", { class: "muted" }),
  );
}

function fillTime(node, time, now) {
  setText(node, ago(time, now));
  setAttribute(node, "datetime", time);
  setAttribute(node, "title", moment(Date.parse(time)));
}

function renderSkills(state, now) {
  setHidden(byId("skills"), state.skill !== null);
  if (state.skill !== null) return;
  const rows = state.shownRows();
  const odd = new Set(state.anomalies.map((anomaly) => anomaly.skill_name));
  setText(byId("spark-head"), state.hours === 1 ? "Last hour" : "Last 24 h");
  for (const head of document.querySelectorAll("#skill-table th[data-sort]")) {
    const order = state.sort.descending ? "descending" : "ascending";
    setAttribute(head, "aria-sort", head.dataset.sort === state.sort.column ? order : null);
  }
  keyed(byId("skill-table").tBodies[0], rows, (row) => row.skill_name, makeSkill, (node, row) => {
    fillSkill(node, row, odd.has(row.skill_name), now);
    const series = state.metrics.get(row.skill_name)?.data.series ?? [];
    drawSpark(node.querySelector("svg"), series, now, state.hours);
  });
  const none = byId("skills-none");
  setHidden(none, rows.length > 0 || state.updatedAt === null);
  const span = state.hours === 1 ? "hour" : "24 hours";
  setText(none, state.isFiltered ? "No skill matches." : `No skill was used in the last ${span}.`);
  const isNew = state.updatedAt !== null && !state.isSelected && !state.uses.size && !state.choices.project.length;
  setHidden(byId("skills-begin"), !isNew);
}

function makeSkill() {
  const name = element("th", { scope: "row" }, element("a"), element("span", { class: "badge" }, "anomaly"));
  const basisOf = element("span", { class: "muted basis" });
  const rate = element("td", {}, element("span", { class: "rate" }), " ", basisOf);
  const number = () => element("td", { class: "number" });
  const last = element("td", { class: "number" }, element("time"));
  return element("tr", {}, name, number(), rate, number(), element("td", {}, makeSpark()), last);
}

function fillSkill(node, row, odd, now) {
  const [name, used, rate, slow, , last] = node.cells;
  setText(name.firstChild, row.skill_name);
  setAttribute(name.firstChild, "href", linkTo(row.skill_name));
  setHidden(name.lastChild, !odd);
  setText(used, count(row.invocation_count));
  setText(rate.firstChild, percent(row.completion_rate));
  setText(rate.lastChild, basis(row));
  setText(slow, duration(row.p95_duration));
  fillTime(last.firstChild, row.last_invocation_at, now);
  node.classList.toggle("odd", odd);
}

function renderUses(state, now) {
  const shown = state.shownUses(state.skill === null ? USES_SHOWN.overview : USES_SHOWN.skill);
  setHidden(byId("uses-none"), shown.length > 0 || state.updatedAt === null);
  const keyIn = (use) => `${state.skill ?? ""}|${use.invocation_id}`;
  keyed(byId("use-list"), shown, keyIn, () => makeUse(state.skill), (item, use) => {
    fillUse(item, use, state.skill);
    item.classList.toggle("fresh", state.isFresh(state.freshUses, use.invocation_id, now));
  });
}

function makeUse(skill) {
  const name = element(skill === null ? "a" : "span", { class: "name" });
  return element(
    "li",
    { class: "use" },
    element("span", { class: "mark", "aria-hidden": "true" }),
    element("div", {}, name, element("span", { class: "what muted" })),
    element("div", { class: "when muted" }, element("time"), element("span", { class: "took" })),
  );
}

function fillUse(item, use, skill) {
  const outcome = use.outcome ?? "open";
  const [mark, name, what, time, took] = item.querySelectorAll(".mark, .name, .what, time, .took");
  setAttribute(item, "data-outcome", outcome);
  setText(mark, MARKS[outcome] ?? MARKS.open);
  setText(name, skill === null ? use.skill_name : use.project ? projectName(use.project) : "no project");
  setAttribute(name, "href", skill === null ? linkTo(use.skill_name) : null);
  setText(what, described(use, skill));
  setAttribute(what, "title", use.project);
  setText(time, clock(Date.parse(use.invoked_at)));
  setAttribute(time, "datetime", use.invoked_at);
  setAttribute(time, "title", moment(Date.parse(use.invoked_at)));
  setText(took, duration(use.duration_seconds));
}

// How a use went: "failed, inferred · timeout · webshop".
function described(use, skill) {
  const how = use.outcome === null ? "at work" : `${use.outcome}, ${use.outcome_source ?? "unknown"}`;
  const where = skill === null && use.project ? projectName(use.project) : null;
  const phase = use.workflow_phase === "unknown" ? null : use.workflow_phase;
  return [how, use.error_type, phase, where].filter(Boolean).join(" · ");
}

function renderExperiments(state) {
  setHidden(byId("experiments"), state.experiments.length === 0);
  const keyIn = (test) => test.test_name;
  keyed(byId("experiment-list"), state.experiments, keyIn, makeExperiment, fillExperiment);
}

function makeExperiment() {
  const heading = element("h3", {}, element("span", { class: "name" }), " ", element("span", { class: "badge" }));
  return element("li", { class: "experiment" }, heading, element("ul", { class: "groups" }), element("p"));
}

function fillExperiment(item, test) {
  const [name, badge, groups, conclusion] = item.querySelectorAll(".name, .badge, .groups, p");
  setText(name, test.test_name);
  setText(badge, [test.status, test.promoted ? "promoted" : null].filter(Boolean).join(", "));
  setAttribute(item, "data-decision", test.decision);
  keyed(groups, test.groups, (group) => group.group_name, () => element("li"), (line, group) => {
    line.classList.toggle("winner", group.strategy === test.winner_strategy);
    setText(line, groupText(test, group));
  });
  setText(conclusion, test.conclusion);
}
