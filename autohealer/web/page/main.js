// Looks at the agent: events as they come, the status whenever something has happened, and redraws what has changed.

import { ask, at, pool, read } from "./api.js";
import { Detail } from "./detail.js";
import { SIGNS, count, element, milliseconds, number, say, write } from "./format.js";
import { History } from "./history.js";
import { drawEvents, drawPool } from "./panels.js";
import { Timeline } from "./timeline.js";
import { Usage } from "./usage.js";
import { Workers } from "./workers.js";

const LEAST_MS = 250;
const MOST_MS = 4000;
const SETTLE_MS = 700;
const HIDDEN_MS = 20000;
const POOLS_MS = 3000;
const MOST_WORKERS = 100000;
const by = (id) => document.getElementById(id);

const history = new History();
const timeline = new Timeline(by("timeline"), history);
const usage = new Usage();
const detail = new Detail(usage);
const workers = new Workers(
  usage,
  (worker) => ask("kill", { worker }, `asked to kill ${worker}`),
  (worker) => detail.open(worker, worker.agent === here),
);

let status = null;
let here = null;
let tag = null;
let ahead_s = 0; // of this browser's clock, the agent's
let wantedTarget = null;
let eventsChanged = false;
const now = () => Date.now() / 1000 + ahead_s;

// ---- the status

let looking = false;
let again = false;
let lookedAt = 0;
let timer = 0;

function lookSoon() {
  if (looking) {
    again = true;
    return;
  }
  clearTimeout(timer);
  timer = setTimeout(look, Math.max(0, lookedAt + LEAST_MS - Date.now()));
}

async function look() {
  clearTimeout(timer);
  looking = true;
  again = false;
  lookedAt = Date.now();
  try {
    const answer = await fetch(at("status"), { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    measureClock(answer.headers.get("Date"));
    if (answer.status === 200) {
      tag = answer.headers.get("ETag");
      // An epoch is longer than a number here can be.
      status = JSON.parse((await answer.text()).replace(/"epoch": (\d+)/, '"epoch": "$1"'));
      here = hereOf(status);
      usage.take(status.workers, now());
      workers.take(status);
      detail.take(status.workers);
      redraw();
    } else if (answer.status !== 304) throw new Error(await answer.text());
    document.body.classList.remove("away");
  } catch {
    document.body.classList.add("away");
  }
  looking = false;
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(look, again ? LEAST_MS : MOST_MS);
}

// The agent that gives this page: events are its own.
function hereOf(found) {
  if (found.agents.length === 1) return found.agents[0].agent;
  return found.agents.find((agent) => agent.http === location.host)?.agent ?? here;
}

function measureClock(date) {
  const told = Date.parse(date ?? "") / 1000;
  // It tells whole seconds.
  const off = told + 0.5 - Date.now() / 1000;
  ahead_s = Number.isFinite(off) && Math.abs(off) > 2 ? off : 0;
}

// ---- the events

let source = null;
let lastId = "";

function listen() {
  source = new EventSource(at("events", { after: lastId }));
  source.onopen = () => {
    say(by("link"), "●", "live", "good");
    lookSoon();
  };
  source.onerror = () => {
    say(by("link"), "▲", "the agent does not answer; trying again", "bad");
    document.body.classList.add("away");
    if (source.readyState === EventSource.CLOSED) say(by("link"), "▲", "not live: reload this page", "bad");
  };
  source.onmessage = (message) => {
    lastId = message.lastEventId;
    history.take(JSON.parse(message.data));
    eventsChanged = true;
    lookSoon();
    drawSoon();
  };
}

// A browser has six connections to one host for all its tabs: one that is not looked at gives its own back.
let leaving = 0;
function attend() {
  clearTimeout(leaving);
  if (document.hidden) {
    leaving = setTimeout(() => source.close(), HIDDEN_MS);
    return;
  }
  if (source.readyState === EventSource.CLOSED) listen();
  lookSoon();
}
document.addEventListener("visibilitychange", attend);

// ---- drawing

let drawing = 0;
function drawSoon() {
  if (!drawing) drawing = requestAnimationFrame(() => {
    drawing = 0;
    redraw();
  });
}

function redraw() {
  const moment = now();
  if (eventsChanged) {
    eventsChanged = false;
    drawEvents(history);
  }
  timeline.draw(moment);
  const { deaths, heals } = timeline.totals();
  const [p50, p95] = [history.percentile(0.5), history.percentile(0.95)];
  const times = p50 == null ? "" : ` · p50 ${milliseconds(p50)}, p95 ${milliseconds(p95)}`;
  // Of what happened to the others' workers, an agent knows nothing.
  const whose = status && status.agents.length > 1 ? " · of this agent" : "";
  write(by("summary"), `${count(deaths, "death")}, ${count(heals, "heal")}${times}${whose}`);
  if (!status) return;
  drawPool(status, history, moment);
  workers.draw(moment);
  drawTarget();
  const me = status.agents.find((agent) => agent.agent === here);
  write(by("place"), me ? `as agent ${me.agent} on ${me.host} has it` : "");
}

setInterval(() => { if (!document.hidden) redraw(); }, 1000);

for (const button of document.querySelectorAll("[data-minutes]")) {
  button.addEventListener("click", () => {
    timeline.minutes = Number(button.dataset.minutes);
    for (const each of document.querySelectorAll("[data-minutes]")) each.setAttribute("aria-pressed", String(each === button));
    redraw();
  });
}

// ---- the target: presses are gathered, five of them are five workers

let settling = 0;
function drawTarget() {
  if (wantedTarget !== null && wantedTarget === status.target && !settling) wantedTarget = null;
  write(by("target"), number(wantedTarget ?? status.target ?? undefined));
  document.querySelector(".stepper").classList.toggle("asked", wantedTarget !== null);
  by("less").disabled = by("more").disabled = status.target == null;
}

function step(by_workers) {
  if (status?.target == null) return;
  wantedTarget = Math.min(MOST_WORKERS, Math.max(0, (wantedTarget ?? status.target) + by_workers));
  drawTarget();
  clearTimeout(settling);
  settling = setTimeout(async () => {
    settling = 0;
    const workers_wanted = wantedTarget;
    await ask("scale", { workers: workers_wanted }, `the target is now ${number(workers_wanted)}`);
    if (!settling) wantedTarget = null;
    lookSoon();
  }, SETTLE_MS);
}
by("less").addEventListener("click", () => step(-1));
by("more").addEventListener("click", () => step(1));

// ---- restarting them all takes two presses

let armed = 0;
by("restart").addEventListener("click", () => {
  const button = by("restart");
  const disarm = () => {
    clearTimeout(armed);
    armed = 0;
    button.textContent = "Restart all";
  };
  if (armed) {
    disarm();
    ask("restart", {}, "all workers are being restarted, one after the other");
    return;
  }
  button.textContent = "Sure? All of them";
  armed = setTimeout(disarm, 3000);
});

// ---- the pools of this agent, and what the signs mean

// Those that are not ready come first, and are counted: what is shown may be well, and another one not.
async function drawPools() {
  const found = document.hidden ? null : await read("pools");
  if (found) {
    const shown = pool ?? found[0]?.pool;
    const others = found.filter(({ pool: name, ready }) => !ready && name !== shown).length;
    const nav = by("pools");
    nav.hidden = found.length < 2;
    const links = [...found].sort((a, b) => a.ready - b.ready).map(({ pool: name, ready, running, share, text }) => {
      const [glyph, look] = ready ? ["●", "good"] : ["✗", "bad"];
      return element("a", { href: `?${new URLSearchParams({ pool: name })}`, title: text, ...(name === shown ? { "aria-current": "page" } : {}) },
        element("span", { class: `glyph ${look}`, text: glyph, "aria-hidden": "true" }), ` ${name}`,
        ...(ready ? [] : [" ", element("b", { text: share == null ? "not ready" : `${number(running)} of ${number(share)}` })]));
    });
    const words = others ? [element("span", { class: "word bad", text: `${count(others, "other pool")} not as wanted` })] : [];
    nav.replaceChildren(...words, ...links);
    if (found.length < 2) return;
  }
  setTimeout(drawPools, POOLS_MS);
}

by("signs").replaceChildren(...SIGNS.map(([glyph, look, meaning]) => element("li", {},
  element("span", { class: `glyph ${look}`, text: glyph, "aria-hidden": "true" }), " ", element("span", { text: meaning }))));

drawPools();
listen();
look();
