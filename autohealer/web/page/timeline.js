// Deaths down, heals up, and below them how long the heals took, on a logarithmic scale.

import { clock, count, milliseconds, minute } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const COLUMNS = 60;
const LEFT = 62;
const RIGHT = 10;
const BARS = { top: 6, middle: 58 };
const TIMES = { top: 134, bottom: 240 };
const BASE = 262;
const TICKS = 7;
const NEAR_NOW = 44;
const LEAST_MS = 0.1;
const MOST_MS = 100000;

function shape(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

function place(node, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    const text = typeof value === "number" ? value.toFixed(1) : value;
    if (node.getAttribute(key) !== text) node.setAttribute(key, text);
  }
}

export class Timeline {
  minutes = 5;
  #columns = [];
  #strip = [];

  constructor(container, history) {
    this.container = container;
    this.history = history;
    this.svg = shape("svg", { role: "img", "aria-labelledby": "timeline-title summary" }, container);
    this.#frame();
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.hidden = true;
    container.append(this.tip);
    this.svg.addEventListener("pointermove", (event) => this.#point(event));
    this.svg.addEventListener("pointerleave", () => this.#leave());
    new ResizeObserver(() => this.draw(this.now ?? Date.now() / 1000)).observe(container);
  }

  get bucket_s() {
    return (this.minutes * 60) / COLUMNS;
  }

  // What is in sight, in numbers.
  totals() {
    return {
      deaths: this.#strip.reduce((sum, each) => sum + each.deaths, 0),
      heals: this.#strip.reduce((sum, each) => sum + each.heals.length, 0),
    };
  }

  draw(now) {
    this.now = now;
    const width = this.container.clientWidth;
    this.#strip = this.history.strip(now, COLUMNS, this.bucket_s);
    const step = (width - LEFT - RIGHT) / COLUMNS;
    const most = Math.max(4, ...this.#strip.map((each) => Math.max(each.deaths, each.heals.length)));
    const half = BARS.middle - BARS.top - 2;
    const bar = Math.max(1.5, step - 2);
    this.#strip.forEach((each, i) => {
      const { deaths, heals, span, dot } = this.#columns[i];
      const x = LEFT + i * step + (step - bar) / 2;
      const height = (value) => (value ? Math.max(3, (value / most) * half) : 0);
      const up = height(each.heals.length);
      const rounded = Math.min(2, bar / 2);
      place(heals, { x, y: BARS.middle - 1 - up, width: bar, height: up, rx: rounded });
      place(deaths, { x, y: BARS.middle + 1, width: bar, height: height(each.deaths), rx: rounded });
      const shown = each.heals.length ? "visible" : "hidden";
      const centre = LEFT + (i + 0.5) * step;
      if (each.heals.length) {
        const sorted = [...each.heals].sort((a, b) => a - b);
        place(span, { x1: centre, x2: centre, y1: level(sorted[0]), y2: level(sorted.at(-1)) });
        place(dot, { cx: centre, cy: level(sorted[Math.floor(sorted.length / 2)]), r: Math.min(4, Math.max(2.5, step / 3)) });
      }
      place(span, { visibility: shown });
      place(dot, { visibility: shown });
    });
    for (const line of this.lines) place(line, { x1: LEFT, x2: width - RIGHT });
    this.#drawTicks(width, step / this.bucket_s);
    this.peak.textContent = most > 4 ? String(most) : "";
    const { deaths, heals } = this.totals();
    place(this.nothing, { x: LEFT + (width - LEFT - RIGHT) / 2, visibility: deaths + heals ? "hidden" : "visible" });
  }

  // Whole minutes, as far apart as there is room for.
  #drawTicks(width, pixels_a_second) {
    const apart = [60, 300, 600, 1200, 1800, 3600].find((seconds) => seconds * pixels_a_second >= 46) ?? 7200;
    const start = this.#strip[0].from;
    const first = Math.ceil(start / apart) * apart;
    this.ticks.forEach((tick, i) => {
      const at = first + i * apart;
      const x = LEFT + (at - start) * pixels_a_second;
      const fits = x >= LEFT + 16 && x < width - RIGHT - NEAR_NOW;
      place(tick, { x, visibility: fits ? "visible" : "hidden" });
      if (fits) tick.textContent = minute(at);
    });
    place(this.end, { x: width - RIGHT });
  }

  #frame() {
    const { svg } = this;
    this.lines = [1, 10, 100, 1000, 10000].map((ms) => shape("line", { class: "grid", y1: level(ms), y2: level(ms) }, svg));
    this.lines.push(shape("line", { class: "axis", y1: BARS.middle, y2: BARS.middle }, svg));
    shape("text", { x: 0, y: BARS.middle - 14 }, svg).textContent = "▲ heals";
    shape("text", { x: 0, y: BARS.middle + 24 }, svg).textContent = "▼ deaths";
    this.peak = shape("text", { x: LEFT - 8, y: BARS.top + 8, "text-anchor": "end" }, svg);
    for (const [ms, text] of [[1, "1 ms"], [10, "10 ms"], [100, "100 ms"], [1000, "1 s"], [10000, "10 s"]]) {
      shape("text", { x: LEFT - 8, y: level(ms) + 4, "text-anchor": "end" }, svg).textContent = text;
    }
    this.over = shape("rect", { class: "over", y: 0, height: TIMES.bottom, visibility: "hidden" }, svg);
    this.#columns = Array.from({ length: COLUMNS }, () => ({
      heals: shape("rect", { class: "heals" }, svg),
      deaths: shape("rect", { class: "deaths" }, svg),
      span: shape("line", { class: "span" }, svg),
      dot: shape("circle", { class: "dot" }, svg),
    }));
    this.ticks = Array.from({ length: TICKS }, () => shape("text", { y: BASE, "text-anchor": "middle" }, svg));
    this.end = shape("text", { y: BASE, "text-anchor": "end" }, svg);
    this.end.textContent = "now";
    shape("text", { x: 0, y: TIMES.top - 10, class: "name" }, svg).textContent = "time to heal";
    this.nothing = shape("text", { class: "empty", y: BARS.middle - 18 }, svg);
    this.nothing.textContent = "nothing has died";
  }

  #point(event) {
    const box = this.svg.getBoundingClientRect();
    const step = (box.width - LEFT - RIGHT) / COLUMNS;
    const i = Math.floor((event.clientX - box.left - LEFT) / step);
    const each = this.#strip[i];
    if (!each) {
      this.#leave();
      return;
    }
    place(this.over, { x: LEFT + i * step, width: step, visibility: "visible" });
    const sorted = [...each.heals].sort((a, b) => a - b);
    const times = sorted.length ? `\n${milliseconds(sorted[0])} – ${milliseconds(sorted.at(-1))}` : "";
    this.tip.textContent = `${clock(each.from)}\n${count(each.deaths, "death")}, ${count(each.heals.length, "heal")}${times}`;
    this.tip.hidden = false;
    const x = LEFT + (i + 0.5) * step;
    const left = x + 12 + this.tip.offsetWidth > box.width ? x - 12 - this.tip.offsetWidth : x + 12;
    this.tip.style.left = `${Math.max(0, left)}px`;
  }

  #leave() {
    place(this.over, { visibility: "hidden" });
    this.tip.hidden = true;
  }
}

function level(ms) {
  const part = Math.log10(Math.min(MOST_MS, Math.max(LEAST_MS, ms)) / LEAST_MS) / Math.log10(MOST_MS / LEAST_MS);
  return TIMES.bottom - part * (TIMES.bottom - TIMES.top);
}
