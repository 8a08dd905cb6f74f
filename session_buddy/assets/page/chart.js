// Uses over time: a chart, what it says in words and as a table, and the small one in a skill's row.

import uPlot from "./uPlot.esm.js";
import { byId, colour, drawn, element, keyed, setAttribute, setText } from "./dom.js";
import { clock, count, uses } from "./format.js";
import { LENGTHS, stretches } from "./steps.js";

const HEIGHT = 190;
const SPARK = { width: 96, height: 18, gap: 1 };

export class Chart {
  constructor(holder) {
    this.holder = holder;
    this.found = [];
    this.mark = "";
    new ResizeObserver(() => this.resize()).observe(holder);
  }

  // The canvas that shows the chart now; null before the first.
  get canvas() {
    return this.plot?.ctx.canvas ?? null;
  }

  show(series, now, hours) {
    const { span, chart } = LENGTHS[hours];
    this.length = chart;
    this.found = stretches(series, now, span, chart);
    const mark = JSON.stringify([hours, this.found]);
    if (mark === this.mark && this.plot) return;
    this.mark = mark;
    if (!this.plot) this.make();
    this.plot.setData(this.data());
    this.say();
  }

  // Draw again in the colours of the theme.
  repaint() {
    this.plot?.destroy();
    this.plot = null;
    this.mark = "";
  }

  make() {
    const ink = colour("muted");
    const axis = { stroke: ink, font: '12px system-ui, sans-serif', ticks: { show: false } };
    const grid = { stroke: colour("line"), width: 1 };
    const bar = (fill) => ({
      fill: colour(fill),
      stroke: "transparent",
      width: 0,
      points: { show: false },
      paths: uPlot.paths.bars({ size: [0.82, 40], align: 1 }),
    });
    const options = {
      width: this.holder.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 20, 0, 0],
      cursor: { points: { show: false }, drag: { x: false, y: false }, y: false },
      scales: { x: { time: true, range: () => this.range() }, y: { range: (_, low, high) => [0, top(high)] } },
      axes: [
        { ...axis, grid: { show: false }, size: 28, values: (_, at) => at.map((second) => clock(second * 1000)) },
        { ...axis, grid, size: 40, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] },
      ],
      series: [{}, bar("other"), bar("failed"), bar("completed")],
      hooks: { setCursor: [(plot) => this.point(plot.cursor.idx)] },
    };
    this.plot = new uPlot(options, this.data(), this.holder);
  }

  // Stacked: each series is drawn over the part of the one before that is not its own.
  data() {
    return [
      this.found.map((stretch) => stretch.began / 1000),
      this.found.map((stretch) => stretch.uses),
      this.found.map((stretch) => stretch.completed + stretch.failed),
      this.found.map((stretch) => stretch.completed),
    ];
  }

  range() {
    return [this.found[0].began / 1000, (this.found.at(-1).began + this.length) / 1000];
  }

  resize() {
    if (this.plot && this.holder.clientWidth) {
      this.plot.setSize({ width: this.holder.clientWidth, height: HEIGHT });
    }
  }

  point(index) {
    const stretch = this.found[index];
    if (stretch) setText(byId("chart-readout"), this.words(stretch));
    else this.summarise();
  }

  say() {
    this.summarise();
    setAttribute(this.holder, "aria-label", `Uses over time: ${byId("chart-readout").textContent}`);
    const used = this.found.filter((stretch) => stretch.uses);
    keyed(byId("chart-table").tBodies[0], used, (stretch) => stretch.began, makeRow, fillRow);
  }

  summarise() {
    const whole = this.found.reduce((sum, stretch) => sum + stretch.uses, 0);
    const most = this.found.reduce((best, stretch) => (stretch.uses > best.uses ? stretch : best));
    const peak = whole ? `; most from ${this.words(most)}` : "";
    setText(byId("chart-readout"), `${uses(whole)}${peak}`);
  }

  words(stretch) {
    const span = `${clock(stretch.began)} to ${clock(stretch.began + this.length)}`;
    const how = `${count(stretch.completed)} completed, ${count(stretch.failed)} failed`;
    return `${span}: ${uses(stretch.uses)}, ${how}`;
  }
}

function top(high) {
  return Math.max(4, Math.ceil((high ?? 0) * 1.1));
}

function makeRow() {
  const cells = ["number", "number", "number"].map((name) => element("td", { class: name }));
  return element("tr", {}, element("th", { scope: "row" }), ...cells);
}

function fillRow(row, stretch) {
  const texts = [clock(stretch.began), ...[stretch.uses, stretch.completed, stretch.failed].map(count)];
  texts.forEach((text, place) => setText(row.cells[place], text));
}

// The small chart of one skill. `svg` is filled anew only when its bars changed.
export function drawSpark(svg, series, now, hours) {
  const { span, spark } = LENGTHS[hours];
  const found = stretches(series, now, span, spark);
  const mark = found.map((stretch) => `${stretch.uses}.${stretch.failed}`).join();
  if (svg.dataset.mark === mark) return;
  svg.dataset.mark = mark;
  const most = Math.max(1, ...found.map((stretch) => stretch.uses));
  const width = SPARK.width / found.length;
  const bars = found.flatMap((stretch, place) => {
    const tall = (number) => (SPARK.height - 1) * (number / most);
    const rect = (name, number) =>
      drawn("rect", {
        class: name,
        x: (place * width).toFixed(2),
        y: (SPARK.height - Math.max(1, tall(number))).toFixed(2),
        width: (width - SPARK.gap).toFixed(2),
        height: Math.max(1, tall(number)).toFixed(2),
      });
    const shown = [rect(stretch.uses ? "some" : "none", stretch.uses)];
    return stretch.failed ? [...shown, rect("failed", stretch.failed)] : shown;
  });
  svg.replaceChildren(...bars);
  const whole = found.reduce((sum, stretch) => sum + stretch.uses, 0);
  const failed = found.reduce((sum, stretch) => sum + stretch.failed, 0);
  setAttribute(svg, "aria-label", `${uses(whole)}, ${count(failed)} failed`);
}

export function makeSpark() {
  const { width, height } = SPARK;
  return drawn("svg", { class: "spark", role: "img", width, height, viewBox: `0 0 ${width} ${height}` });
}
