// The view as a PNG, drawn from what the page shows: its texts, the chart's canvas and the small charts.

import { byId, colour } from "./dom.js";
import { moment, selectionText } from "./format.js";

const WIDTH = 1100;
const EDGE = 36;
const SCALE = 2;
const ROW = 26;
const ROWS_DRAWN = 25;
const FACE = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const INKS = ["back", "ink", "muted", "line", "completed", "failed", "other", "notice", "notice-ink"];
const COLUMNS = [0, 330, 375, 620, 700, 1028];

export async function savePicture(state, chart) {
  const paper = new Paper();
  const draw = () => {
    paper.y = EDGE;
    drawHead(paper, state);
    drawTiles(paper);
    drawAnomalies(paper);
    drawChart(paper, chart);
    if (state.skill === null) drawSkills(paper);
    drawUses(paper);
    return paper.y + EDGE;
  };
  paper.open(1); // once to see how tall it gets
  paper.open(draw());
  draw();
  const blob = await new Promise((resolve) => paper.canvas.toBlob(resolve, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `session-buddy-${fileName(state.skill ?? "skills")}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

class Paper {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.pen = this.canvas.getContext("2d");
    this.ink = Object.fromEntries(INKS.map((name) => [name, colour(name)]));
  }

  open(height) {
    this.canvas.width = WIDTH * SCALE;
    this.canvas.height = Math.ceil(height) * SCALE;
    this.pen.scale(SCALE, SCALE);
    this.fill("back", 0, 0, WIDTH, height);
    this.pen.textBaseline = "top";
  }

  fill(name, x, y, width, height) {
    this.pen.fillStyle = this.ink[name];
    this.pen.fillRect(x, y, width, height);
  }

  text(text, x, { size = 14, weight = 400, name = "ink", right = false, most = WIDTH, down = 0 } = {}) {
    this.pen.font = `${weight} ${size}px ${FACE}`;
    this.pen.fillStyle = this.ink[name];
    this.pen.textAlign = right ? "right" : "left";
    this.pen.fillText(this.fitted(text, most), EDGE + x, this.y + down);
  }

  fitted(text, most) {
    if (this.pen.measureText(text).width <= most) return text;
    let kept = text;
    while (kept && this.pen.measureText(`${kept}…`).width > most) kept = kept.slice(0, -1);
    return `${kept}…`;
  }

  heading(text) {
    this.y += 18;
    this.text(text, 0, { size: 15, weight: 600 });
    this.y += 26;
  }

  rule() {
    this.fill("line", EDGE, this.y - 6, WIDTH - 2 * EDGE, 1);
  }
}

function drawHead(paper, state) {
  paper.text(byId("title").textContent, 0, { size: 26, weight: 650, most: 700 });
  const when = state.updatedAt === null ? "" : moment(state.updatedAt);
  const span = state.hours === 1 ? "last hour" : "last 24 hours";
  paper.text(`session-buddy · ${span} · ${when}`, WIDTH - 2 * EDGE, { name: "muted", right: true, down: 10 });
  paper.y += 38;
  const filter = [state.isFiltered && `skill: ${state.text}`, state.isSelected && selectionText(state.selection)];
  if (state.isFiltered || state.isSelected) {
    paper.text(filter.filter(Boolean).join(" · "), 0, { name: "muted", size: 13 });
    paper.y += 22;
  }
}

function drawTiles(paper) {
  const tiles = [...byId("tiles").children];
  const width = (WIDTH - 2 * EDGE) / tiles.length;
  paper.y += 8;
  tiles.forEach((tile, place) => {
    const [name, value, note] = [...tile.children].map((part) => part.textContent);
    paper.text(name, place * width, { size: 13, name: "muted" });
    paper.text(value, place * width, { size: 26, weight: 600, down: 19 });
    paper.text(note, place * width, { size: 12, name: "muted", down: 54, most: width - 12 });
  });
  paper.y += 74;
}

function drawAnomalies(paper) {
  const items = [...byId("anomaly-list").children];
  if (!items.length) return;
  paper.heading("Anomalies");
  for (const item of items) {
    const [name, what, figures, time] = texts(item, "a, .what, .figures, time");
    paper.fill("notice", EDGE, paper.y - 5, WIDTH - 2 * EDGE, ROW - 2);
    paper.text(name, 8, { weight: 600, name: "notice-ink", most: 300 });
    paper.text(`${what}: ${figures}`, 320, { name: "notice-ink", most: 570 });
    paper.text(time, WIDTH - 2 * EDGE - 8, { right: true, name: "notice-ink" });
    paper.y += ROW;
  }
}

function drawChart(paper, chart) {
  const canvas = chart.canvas;
  if (!canvas) return;
  paper.heading("Uses over time");
  const height = 190;
  const width = Math.min(WIDTH - 2 * EDGE, (canvas.width / canvas.height) * height);
  paper.pen.drawImage(canvas, EDGE, paper.y, width, height);
  paper.y += height + 6;
}

function drawSkills(paper) {
  const all = [...byId("skill-table").tBodies[0].rows];
  paper.heading("Most used skills");
  const right = [false, true, false, true, false, true];
  const heads = [...byId("skill-table").tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  heads.forEach((text, place) =>
    paper.text(text, COLUMNS[place], { size: 12, name: "muted", right: right[place] }));
  paper.y += ROW;
  for (const row of all.slice(0, ROWS_DRAWN)) {
    paper.rule();
    const [name, used, rate, slow, spark, last] = row.cells;
    paper.text(name.firstChild.textContent, COLUMNS[0], { weight: 600, most: 280 });
    paper.text(used.textContent, COLUMNS[1], { right: true });
    paper.text(rate.firstChild.textContent, COLUMNS[2]);
    paper.text(rate.lastChild.textContent, COLUMNS[2] + 56, { size: 12, name: "muted", down: 2, most: 130 });
    paper.text(slow.textContent, COLUMNS[3], { right: true });
    drawSmallChart(paper, spark.firstChild, COLUMNS[4]);
    paper.text(last.textContent, COLUMNS[5], { right: true, name: "muted" });
    paper.y += ROW;
  }
  if (all.length > ROWS_DRAWN) drawMore(paper, all.length - ROWS_DRAWN);
}

function drawMore(paper, number) {
  paper.text(`and ${number} more`, 0, { size: 12, name: "muted" });
  paper.y += ROW;
}

function drawSmallChart(paper, svg, left) {
  for (const bar of svg.children) {
    const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(bar.getAttribute(name)));
    const name = { failed: "failed", none: "line" }[bar.getAttribute("class")] ?? "completed";
    paper.fill(name, EDGE + left + x, paper.y - 4 + y, width, height);
  }
}

function drawUses(paper) {
  const items = [...byId("use-list").children].slice(0, 10);
  if (!items.length) return;
  paper.heading("Latest uses");
  for (const item of items) {
    const [mark, name, what, time, took] = texts(item, ".mark, .name, .what, time, .took");
    const outcome = item.dataset.outcome;
    paper.text(mark, 0, { weight: 700, name: paper.ink[outcome] ? outcome : "muted" });
    paper.text(name, 24, { weight: 600, most: 270 });
    paper.text(what, 320, { name: "muted", most: 500 });
    paper.text(took, COLUMNS[5] - 90, { right: true });
    paper.text(time, COLUMNS[5], { right: true, name: "muted" });
    paper.y += ROW - 3;
  }
}

function texts(node, selector) {
  return [...node.querySelectorAll(selector)].map((part) => part.textContent);
}

function fileName(text) {
  return text.replace(/[^\w.-]+/g, "-").slice(0, 60);
}
