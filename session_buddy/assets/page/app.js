// The page: what comes from the feed and what the person does, brought together.

import { Chart } from "./chart.js";
import { byId, setAttribute, setHidden, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { anomalyText } from "./format.js";
import { savePicture } from "./picture.js";
import { SELECTORS, State } from "./state.js";
import { render } from "./views.js";

const state = new State();
const chart = new Chart(byId("chart"));
const feed = new Feed(take, showConnection);
const dark = matchMedia("(prefers-color-scheme: dark)");
const hourChoices = document.querySelectorAll("input[name=hours]");
let isDrawing = false;

function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    render(state, chart, now());
  });
}

// While nothing comes, the page stays at the moment of its last figures.
function now() {
  return state.updatedAt ?? Date.now();
}

function take(message) {
  if (message.type === "hello") setText(byId("served"), `Served by session-buddy ${message.version}.`);
  const added = state.take(message, now());
  if (added.length) announce(added);
  if (message.type === "metrics_update") state.wanted(now()).forEach((name) => feed.request(name));
  draw();
}

function announce(anomalies) {
  const said = anomalies.map((anomaly) => `${anomaly.skill_name}: ${anomalyText(anomaly).join(", ")}`);
  setText(byId("announcement"), `New anomaly. ${said.join(". ")}`);
}

function showConnection({ name, reason }) {
  const texts = { live: "Live", lost: "Connection lost; trying again", token: "Needs a token" };
  setText(byId("status"), texts[name]);
  setAttribute(byId("status"), "title", reason || null);
  document.body.dataset.connection = name;
  setHidden(byId("token"), name !== "token");
  if (name === "token") {
    setText(byId("token-problem"), reason);
    byId("token-text").focus();
  }
}

function follow() {
  if (!lookAt(location.hash)) return;
  state.wanted(now()).forEach((name) => feed.request(name));
  render(state, chart, now());
  byId("title").focus();
  scrollTo(0, 0);
}

// What an address names: the overview, a skill, or the dashboard; whether that is a change.
function lookAt(hash) {
  const { skill, isDashboard } = state;
  state.skill = new URLSearchParams(hash.slice(1)).get("skill") || null;
  state.isDashboard = hash === "#dashboard";
  return state.skill !== skill || state.isDashboard !== isDashboard;
}

function chooseHours(hours) {
  state.hours = hours;
  remember("hours", String(hours));
  for (const choice of hourChoices) choice.checked = choice.value === String(hours);
  feed.subscribe({ time_window_hours: hours });
  draw();
}

function choose(changes) {
  state.choose(changes);
  feed.select(state.selection);
  feed.request(state.skill);
  draw();
}

function chooseSort(column) {
  const isSame = state.sort.column === column;
  state.sort = { column, descending: isSame ? !state.sort.descending : column !== "skill_name" };
  draw();
}

function theme() {
  return document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
}

function paintTheme() {
  setText(byId("theme"), theme() === "dark" ? "Light theme" : "Dark theme");
  chart.repaint();
  draw();
}

function switchTheme() {
  const chosen = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  remember("theme", chosen);
  paintTheme();
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // storage may be switched off; the choice then lasts as long as the page
  }
}

function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

byId("theme").addEventListener("click", switchTheme);
byId("picture").addEventListener("click", () => savePicture(state, chart));
byId("filter-skill").addEventListener("input", (event) => {
  state.text = event.target.value.trim();
  draw();
});
for (const name of SELECTORS) {
  byId(`filter-${name}`).addEventListener("change", (event) => choose({ [name]: event.target.value || null }));
}
byId("token").addEventListener("submit", (event) => {
  event.preventDefault();
  feed.authenticate(byId("token-text").value.trim());
});
for (const choice of hourChoices) {
  choice.addEventListener("change", () => chooseHours(Number(choice.value)));
}
for (const head of document.querySelectorAll("th[data-sort]")) {
  head.firstElementChild.addEventListener("click", () => chooseSort(head.dataset.sort));
}
dark.addEventListener("change", paintTheme);
addEventListener("hashchange", follow);

lookAt(location.hash);
chooseHours(remembered("hours") === "1" ? 1 : 24);
paintTheme();
feed.start();
