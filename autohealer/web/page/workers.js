// The table of workers and the cells above it. A row is made once and then only what has changed is written; of many
// workers the first hundred are in the page, and a filter finds the others.

import { HELD, UNREADY, count, duration, element, isKnownState, number, share, size, stateLook, unix, write } from "./format.js";

const AT_ONCE = 100;
const MOST_CELLS = 1200;
const FEW_CELLS = 40;
const MANY_CELLS = 150;
const ARMED_MS = 3000;

export const placeOf = (worker) => `${worker.agent}\n${worker.slot ?? worker.worker}`;

export class Workers {
  #rows = new Map();
  #cells = new Map();
  #workers = [];
  #limit = AT_ONCE;
  #filter = "";
  #first = true;

  constructor(usage, kill, open) {
    this.usage = usage;
    this.kill = kill;
    this.open = open;
    this.body = document.getElementById("workers");
    this.grid = document.getElementById("cells");
    this.shown = document.getElementById("shown");
    this.more = document.getElementById("show-more");
    this.more.addEventListener("click", () => {
      this.#limit += AT_ONCE;
      this.draw();
    });
    document.getElementById("filter").addEventListener("input", (event) => {
      this.#filter = event.target.value.trim().toLowerCase();
      this.#limit = AT_ONCE;
      this.draw();
    });
  }

  take(status) {
    this.several = status.agents.length > 1;
    this.body.parentNode.classList.toggle("several", this.several);
    this.#workers = [...status.workers].sort((a, b) => compare(a.agent ?? "", b.agent ?? "") || (a.slot ?? -1) - (b.slot ?? -1));
    this.#drawCells();
    this.#first = false;
  }

  draw(now = this.now) {
    this.now = now;
    const found = this.#filter ? this.#workers.filter((worker) => this.#matches(worker)) : this.#workers;
    const kept = new Set();
    let before = null;
    for (const worker of found.slice(0, this.#limit)) {
      const place = placeOf(worker);
      kept.add(place);
      const row = this.#rows.get(place) ?? this.#make(place);
      this.#fill(row, worker);
      const next = before ? before.nextSibling : this.body.firstChild;
      if (row.node !== next) this.body.insertBefore(row.node, next);
      before = row.node;
    }
    for (const [place, row] of this.#rows) {
      if (!kept.has(place)) {
        row.node.remove();
        this.#rows.delete(place);
      }
    }
    const left = found.length - kept.size;
    this.more.hidden = left <= 0;
    if (left > 0) write(this.more, `Show ${Math.min(AT_ONCE, left)} more of ${number(left)}`);
    const of = this.#filter ? `${count(found.length, "match")} of ${number(this.#workers.length)}`.replace("matchs", "matches") : "";
    write(this.shown, left > 0 ? `${kept.size} shown of ${number(found.length)}` : of);
  }

  #matches(worker) {
    const texts = [worker.state, worker.worker, worker.host, worker.agent, `slot ${worker.slot}`, `pid ${worker.pid}`, worker.cause, worker.held];
    return texts.some((text) => String(text ?? "").toLowerCase().includes(this.#filter));
  }

  #make(place) {
    const cell = (name = "") => element("td", { class: name });
    const row = {
      slot: cell("num"), state: cell(), pid: cell("num far"), up: cell("num"), restarts: cell("num restarts"), cpu: cell("num cpu"),
      memory: cell("num"), cause: cell("cause"), id: cell("id wider"), action: cell(), worker: undefined, armed: 0,
    };
    row.glyph = element("span", { class: "glyph", "aria-hidden": "true" });
    row.word = element("span");
    row.state.append(row.glyph, " ", row.word);
    row.link = element("button", { type: "button", class: "slot" });
    row.link.addEventListener("click", () => this.open(row.found));
    row.slot.append(row.link);
    row.used = element("span");
    row.curve = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    row.curve.classList.add("spark");
    row.memory.append(row.curve, " ", row.used);
    row.button = element("button", { type: "button", text: "Kill" });
    row.button.addEventListener("click", () => this.#press(row));
    row.button.addEventListener("blur", () => this.#disarm(row));
    row.action.append(row.button);
    row.node = element("tr", {}, row.slot, row.state, row.pid, row.up, row.restarts, row.cpu, row.memory, row.cause, row.id, row.action);
    this.#rows.set(place, row);
    return row;
  }

  #fill(row, worker) {
    row.found = worker;
    const [glyph, look, word, title] = lookOf(worker);
    if (row.worker !== undefined && row.worker !== worker.worker && worker.worker != null) {
      row.node.classList.remove("new");
      void row.node.offsetWidth; // so that the animation begins anew
      row.node.classList.add("new");
      this.#disarm(row);
    }
    row.worker = worker.worker;
    write(row.link, worker.slot == null ? "–" : String(worker.slot));
    if (row.link.title !== title) row.link.setAttribute("aria-label", `Details of the worker in slot ${worker.slot ?? "none"}`);
    write(row.glyph, glyph);
    if (row.glyph.className !== `glyph ${look}`) row.glyph.className = `glyph ${look}`;
    write(row.word, word);
    row.state.title = title;
    write(row.pid, worker.pid == null ? "–" : String(worker.pid));
    const since = unix(worker.started);
    write(row.up, Number.isFinite(since) ? duration(this.now - since) : "–");
    write(row.restarts, worker.restarts == null ? "–" : number(worker.restarts));
    write(row.cpu, share(worker.cpu));
    write(row.used, size(worker.rss));
    this.usage.draw(row.curve, placeOf(worker), "rss");
    const cause = this.#causeOf(worker);
    write(row.cause, cause);
    if (row.cause.title !== cause) row.cause.title = cause;
    const name = worker.worker ?? "–";
    const short = worker.agent && name.startsWith(`${worker.agent}-`) ? name.slice(worker.agent.length + 1) : name;
    write(row.id, this.several && worker.host ? `${worker.host} · ${short}` : short);
    row.id.title = name;
    const off = worker.worker == null || worker.pid == null;
    if (row.button.disabled !== off) row.button.disabled = off;
    const label = `Kill the worker in slot ${worker.slot}`;
    if (!row.armed && row.button.getAttribute("aria-label") !== label) row.button.setAttribute("aria-label", label);
  }

  #causeOf(worker) {
    const next = worker.state === "backoff" ? unix(worker.next_start) : NaN;
    const soon = Number.isFinite(next) ? `in ${duration(next - this.now + 0.9)}` : "";
    return [soon, worker.held && `held: ${worker.held}`, worker.cause].filter(Boolean).join(", ") || "–";
  }

  // The first press asks whether it is meant, the second one does it.
  #press(row) {
    if (!row.armed) {
      row.armed = setTimeout(() => this.#disarm(row), ARMED_MS);
      row.button.classList.add("armed");
      row.button.textContent = "Sure?";
      row.button.setAttribute("aria-label", `Press again to kill the worker in slot ${row.slot.textContent}`);
      return;
    }
    this.#disarm(row);
    this.kill(row.worker);
  }

  #disarm(row) {
    clearTimeout(row.armed);
    row.armed = 0;
    row.button.classList.remove("armed");
    write(row.button, "Kill");
  }

  #drawCells() {
    const shown = this.#workers.slice(0, MOST_CELLS);
    this.grid.classList.toggle("few", shown.length <= FEW_CELLS);
    this.grid.classList.toggle("many", shown.length > MANY_CELLS);
    const kept = new Set();
    for (const worker of shown) {
      const place = placeOf(worker);
      kept.add(place);
      let cell = this.#cells.get(place);
      if (!cell) {
        cell = { node: element("span"), worker: worker.worker, state: null };
        this.#cells.set(place, cell);
        this.grid.append(cell.node);
      }
      const isNew = !this.#first && worker.worker != null && (cell.worker !== worker.worker || cell.state === null);
      const state = isKnownState(worker.state) ? worker.state : "unknown";
      if (isNew || state !== cell.state) {
        cell.node.className = `cell ${state}`;
        if (isNew) {
          void cell.node.offsetWidth;
          cell.node.classList.add("new");
        }
        cell.state = state;
      }
      if (worker.worker != null) cell.worker = worker.worker;
    }
    for (const [place, cell] of this.#cells) {
      if (!kept.has(place)) {
        cell.node.remove();
        this.#cells.delete(place);
      }
    }
  }
}

// What a worker looks like: a sign, a word, and a sentence for who points at it.
function lookOf(worker) {
  if (worker.held) return [...HELD, "held", `faulty (${worker.held}), and held`];
  if (worker.state === "running" && worker.ready === false) return [...UNREADY, "not ready", "running, and not ready"];
  return [...stateLook(worker.state), worker.state, worker.state];
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
